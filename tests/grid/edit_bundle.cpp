#include <algorithm>
#include <map>
#include <stdexcept>

#include <stegpass/credential/bundle.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/note.hpp>
#include <stegpass/credential/statement.hpp>

#include "grid_tool.hpp"

namespace stegpass::test {
namespace {

using namespace credential;

Bundle load(const std::string& path) {
  auto bundle = decode_bundle(read_bytes(path));
  if (!bundle) throw std::runtime_error(path + ": " + bundle.error().detail);
  return std::move(*bundle);
}

Bytes& statement_of(Bundle& bundle, StatementKind kind) {
  for (Bytes& bytes : bundle.statements)
    if (auto statement = Statement::decode(bytes); statement && statement->kind() == kind) return bytes;
  throw std::runtime_error("the bundle has no " + std::string(statement_kind_name(kind)));
}

void drop(Bundle& bundle, StatementKind kind) {
  const Bytes gone = statement_of(bundle, kind);
  std::erase(bundle.statements, gone);
}

void forget_receipt(Bundle& bundle, StatementKind kind) {
  Bytes& bytes = statement_of(bundle, kind);
  bytes = Statement::decode(bytes)->entry();
}

void swap_receipts(Bundle& bundle) {
  Bytes &license = statement_of(bundle, StatementKind::license),
        &registration = statement_of(bundle, StatementKind::registration);
  const auto a = *Statement::decode(license), b = *Statement::decode(registration);
  license = a.with_receipts(b.receipts());
  registration = b.with_receipts(a.receipts());
}

void break_checkpoint(Bundle& bundle) {
  Note note = *parse_note(bundle.checkpoint);
  note.signatures[0].signature[10] ^= 1;
  bundle.checkpoint = encode_note(note);
}

/// What a liar does to a bundle whose SHA-256 he then makes fit; `other` is another bundle where one is needed, or a file.
const std::map<std::string, void (*)(Bundle&, const std::string&)>& edits() {
  static const std::map<std::string, void (*)(Bundle&, const std::string&)> all = {
      {"no-license", [](Bundle& b, const std::string&) { drop(b, StatementKind::license); }},
      {"no-status", [](Bundle& b, const std::string&) { drop(b, StatementKind::status_list); }},
      {"no-revocation", [](Bundle& b, const std::string&) { drop(b, StatementKind::revocation); }},
      {"no-license-receipt", [](Bundle& b, const std::string&) { forget_receipt(b, StatementKind::license); }},
      {"no-registration-receipt", [](Bundle& b, const std::string&) { forget_receipt(b, StatementKind::registration); }},
      {"swapped-receipts", [](Bundle& b, const std::string&) { swap_receipts(b); }},
      {"bad-order", [](Bundle& b, const std::string&) { std::swap(b.statements[1], b.statements[2]); }},
      {"bad-checkpoint", [](Bundle& b, const std::string&) { break_checkpoint(b); }},
      {"second-license",
       [](Bundle& b, const std::string& other) {
         Bundle from = load(other);
         b.statements.push_back(statement_of(from, StatementKind::license));
       }},
      {"license-of",
       [](Bundle& b, const std::string& other) {
         Bundle from = load(other);
         statement_of(b, StatementKind::license) = statement_of(from, StatementKind::license);
       }},
      {"status-of",
       [](Bundle& b, const std::string& other) {
         Bundle from = load(other);
         statement_of(b, StatementKind::status_list) = statement_of(from, StatementKind::status_list);
       }},
      {"checkpoint-of", [](Bundle& b, const std::string& other) { b.checkpoint = load(other).checkpoint; }},
      {"cover-seed", [](Bundle& b, const std::string&) { b.disclosures.cover->seed[0] ^= 1; }},
      {"isn-key", [](Bundle& b, const std::string&) { b.disclosures.isn_key->key[0] ^= 1; }},
      {"identity", [](Bundle& b, const std::string& other) { b.disclosures.identity->picture = read_bytes(other); }},
      {"passport-picture",
       [](Bundle& b, const std::string& other) { b.disclosures.passports.at(0).picture = read_bytes(other); }},
      {"passport-seed", [](Bundle& b, const std::string&) { b.disclosures.passports.at(0).seed.seed[0] ^= 1; }},
  };
  return all;
}

/// Bytes at a place in the file are changed, and the SHA-256 at its end made to fit.
Bytes refitted(Bytes file) {
  const Digest32 digest = fast_sha256(ByteView(file).first(file.size() - 34));
  std::copy(digest.begin(), digest.end(), file.end() - 32);
  return file;
}

}  // namespace

void edit_bundle(const Words& words) {
  const std::string& edit = words[0];
  Bytes file = read_bytes(words[1]);
  if (edit == "flip") {
    file[file.size() / 2] ^= 1;
    return write_bytes(words[2], file);
  }
  if (edit == "cut") return write_bytes(words[2], ByteView(file).first(file.size() / 2));
  if (edit == "version") {
    constexpr std::string_view known = "stegpass.bundle.v1";
    const auto at = std::search(file.begin(), file.end(), known.begin(), known.end());
    if (at == file.end()) throw std::runtime_error(words[1] + " does not say its version");
    *(at + known.size() - 1) = '9';
    return write_bytes(words[2], refitted(std::move(file)));
  }
  const auto found = edits().find(edit);
  if (found == edits().end()) throw std::runtime_error("no edit of bundles: " + edit);
  Bundle bundle = load(words[1]);
  found->second(bundle, words.size() > 3 ? words[3] : "");
  write_bytes(words[2], encode_bundle(bundle));
}

}  // namespace stegpass::test
