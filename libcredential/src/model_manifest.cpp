#include <algorithm>
#include <limits>
#include <set>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/model_signature.hpp>

#include "json.hpp"
#include "statement_fields.hpp"

namespace stegpass::credential {
namespace {

constexpr const char* kStatementType = "https://in-toto.io/Statement/v1";
constexpr const char* kPredicateType = "https://model_signing/signature/v1.0";
constexpr std::size_t kMaxResources = 1'000'000, kMaxName = 4096, kMaxIgnored = 1000;

std::string_view hash_name(StreamHash::Algorithm hash) { return hash == StreamHash::Algorithm::sha256 ? "sha256" : "blake2b"; }
std::size_t hash_bytes(StreamHash::Algorithm hash) { return hash == StreamHash::Algorithm::sha256 ? 32 : 64; }

/// Whether a path stays below the model: relative, no empty part, no "..". The one dot is how old bundles name a model that is
/// one file.
bool stays_below(std::string_view path) {
  if (path == ".") return true;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view part = path.substr(at, end - at);
    if (part.empty() || part == "." || part == "..") return false;
    at = end + 1;
  }
  return true;
}

Bytes read_hex(Fields& entry, const char* name, std::size_t size) {
  const std::string text = entry.text(name, 2 * size);
  const Result<Bytes> digest = parse_hex(text);
  const bool fits = digest && digest->size() == size && to_hex(*digest) == text;
  entry.require(entry.failed() || fits,
                std::string(name) + " is not " + std::to_string(size) + " bytes in lower-case hexadecimal");
  return fits ? *digest : Bytes{};
}

// The package of the same name writes "sha256-sharded-SIZE" for shards, the standard's schema "sha256".
bool is_algorithm(std::string_view name, const ModelManifest& manifest) {
  const std::string plain(hash_name(manifest.hash));
  return name == plain || (manifest.shard_bytes && name == plain + "-sharded-" + std::to_string(*manifest.shard_bytes));
}

ModelResource read_resource(Fields entry, const ModelManifest& manifest) {
  ModelResource out;
  out.name = entry.text("name", kMaxName);
  entry.require(entry.failed() || stays_below(out.name), "name is not a relative path below the model");
  entry.require(is_algorithm(entry.text("algorithm", 64), manifest), "algorithm is not the manifest's hash_type");
  out.digest = read_hex(entry, "digest", hash_bytes(manifest.hash));
  return out;
}

void read_resources(Fields& predicate, ModelManifest& out, std::optional<Error>& error) {
  std::set<std::string> names;
  for (const CborView item : predicate.array("resources", 0, kMaxResources)) {
    out.resources.push_back(read_resource(Fields(item, "resource", error), out));
    const ModelResource& read = out.resources.back();
    predicate.require(predicate.failed() || names.insert(read.name).second, "resources name a file twice");
    if (predicate.failed()) return;
  }
}

void read_serialization(Fields form, ModelManifest& out) {
  const std::string method = form.text("method", 32), hash = form.text("hash_type", 32);
  form.require(form.failed() || method == "files" || method == "shards", "method is neither files nor shards");
  if (method == "shards") out.shard_bytes = form.number("shard_size", 1, std::numeric_limits<std::int64_t>::max());
  out.hash = hash == "blake2b" ? StreamHash::Algorithm::blake2b : StreamHash::Algorithm::sha256;
  form.require(form.failed() || hash == hash_name(out.hash), "hash_type is neither sha256 nor blake2b");
  out.allow_symlinks = form.boolean("allow_symlinks");
  if (form.has("ignore_paths")) {
    for (const CborView item : form.array("ignore_paths", 0, kMaxIgnored)) {
      const auto path = item.as_text();
      if (!path || !is_plain_text(*path, kMaxName)) return form.refuse("ignore_paths holds something else than paths");
      out.ignore_paths.emplace_back(*path);
    }
  }
  form.finish();
}

void read_subject(Fields& statement, ModelManifest& out, std::optional<Error>& error, Digest32& root) {
  const CborElements subjects = statement.array("subject", 1, 1);
  if (subjects.empty()) return;
  Fields subject(subjects[0], "subject", error);
  out.model_name = subject.text("name", kMaxName);
  Fields digest = subject.map("digest");
  const Bytes read = read_hex(digest, "sha256", root.size());
  if (read.size() == root.size()) std::copy(read.begin(), read.end(), root.begin());
}

const Cbor* member(const Cbor& item, std::string_view name) { return item.as_map() ? item.find(name) : nullptr; }

// What is well formed and of another standard, or of a part of this one that is not here.
std::optional<Error> foreign(const Cbor& statement) {
  const Cbor* type = member(statement, "predicateType");
  if (type && type->as_text() && *type->as_text() != kPredicateType) {
    return Error{Errc::unsupported,
                 "model manifest with the predicate " + cbor_diagnostic(*type) + ", expected " + kPredicateType};
  }
  const Cbor* predicate = member(statement, "predicate");
  const Cbor* form = predicate ? member(*predicate, "serialization") : nullptr;
  const Cbor* hash = form ? member(*form, "hash_type") : nullptr;
  if (hash && *hash == Cbor::text("blake3"))
    return Error{Errc::unsupported, "model manifest hashed with BLAKE3, expected sha256 or blake2b"};
  return std::nullopt;
}

Cbor text_map(std::initializer_list<std::pair<const char*, Cbor>> pairs) {
  CborMap out;
  for (const auto& [name, value] : pairs) out.emplace_back(Cbor::text(name), value);
  return Cbor::map(std::move(out));
}

Cbor write_serialization(const ModelManifest& manifest) {
  CborArray ignored;
  for (const std::string& path : manifest.ignore_paths) ignored.push_back(Cbor::text(path));
  CborMap out = {field("method", Cbor::text(manifest.shard_bytes ? "shards" : "files")),
                 field("hash_type", Cbor::text(hash_name(manifest.hash))),
                 field("allow_symlinks", Cbor::boolean(manifest.allow_symlinks)),
                 field("ignore_paths", Cbor::array(std::move(ignored)))};
  if (manifest.shard_bytes) out.push_back(field("shard_size", cbor_number(*manifest.shard_bytes)));
  return Cbor::map(std::move(out));
}

}  // namespace

Digest32 ModelManifest::root() const {
  StreamHash hash(StreamHash::Algorithm::sha256);
  for (const ModelResource& resource : resources) hash.update(resource.digest);
  const Bytes digest = hash.finish();
  Digest32 out{};
  std::copy(digest.begin(), digest.end(), out.begin());
  return out;
}

std::string encode_model_manifest(const ModelManifest& manifest) {
  CborArray resources;
  for (const ModelResource& resource : manifest.resources) {
    resources.push_back(text_map({{"name", Cbor::text(resource.name)},
                                  {"algorithm", Cbor::text(hash_name(manifest.hash))},
                                  {"digest", Cbor::text(to_hex(resource.digest))}}));
  }
  const Cbor subject = text_map(
      {{"name", Cbor::text(manifest.model_name)}, {"digest", text_map({{"sha256", Cbor::text(to_hex(manifest.root()))}})}});
  const Cbor predicate =
      text_map({{"serialization", write_serialization(manifest)}, {"resources", Cbor::array(std::move(resources))}});
  return encode_json(text_map({{"_type", Cbor::text(kStatementType)},
                               {"subject", Cbor::array({subject})},
                               {"predicateType", Cbor::text(kPredicateType)},
                               {"predicate", predicate}}));
}

Result<ModelManifest> decode_model_manifest(ByteView statement) {
  STEGPASS_TRY(item, parse_json(as_text(statement)));
  if (const auto error = foreign(item)) return *error;
  std::optional<Error> error;
  ModelManifest out;
  Digest32 root{};
  Fields top(item, "model manifest", error);
  top.require(top.text("_type") == kStatementType, std::string("_type is not ") + kStatementType);
  top.text("predicateType");
  read_subject(top, out, error, root);
  Fields predicate = top.map("predicate");
  read_serialization(predicate.map("serialization"), out);
  read_resources(predicate, out, error);
  predicate.finish();
  top.finish();
  if (error) return *error;
  if (out.root() != root)
    return Error{Errc::malformed, "model manifest: its subject is not the root of its resources, " + to_hex(out.root())};
  return out;
}

}  // namespace stegpass::credential
