#include <algorithm>
#include <filesystem>
#include <map>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/model_signature.hpp>

#include "command.hpp"
#include "files.hpp"
#include "model_folder.hpp"
#include "model_signature.hpp"
#include "workspace.hpp"

namespace stegpass::cli {
namespace {

namespace fs = std::filesystem;
using credential::ModelManifest;
using credential::ModelResource;
using credential::ModelSignature;
using credential::StreamHash;

constexpr std::uint64_t kMaxSignatureFile = 512u << 20;
constexpr std::size_t kNamesShown = 3;

struct DigestOptions {
  std::string model, hash = "sha256";
  std::vector<std::string> ignore;
  std::uint64_t shard_bytes = 0;
  unsigned threads = 0;
};

struct SignOptions {
  DigestOptions digest;
  std::string key, out, certificate;
  std::vector<std::string> chain;
  bool force = false;
  PassphraseSource passphrase;
};

struct VerifyOptions {
  std::string model, signature, public_key;
  std::vector<std::string> roots;
  bool ignore_unsigned = false;
  unsigned threads = 0;
};

ManifestOptions manifest_options(const DigestOptions& options) {
  ManifestOptions out{.hash = options.hash == "blake2b" ? StreamHash::Algorithm::blake2b : StreamHash::Algorithm::sha256,
                      .ignore_paths = default_ignored(),
                      .threads = options.threads};
  if (options.shard_bytes != 0) out.shard_bytes = options.shard_bytes;
  out.ignore_paths.insert(out.ignore_paths.end(), options.ignore.begin(), options.ignore.end());
  return out;
}

Json figures_of(const ModelManifest& manifest) {
  Json files = Json::array();
  for (const ModelResource& resource : manifest.resources)
    files.push_back({{"name", resource.name}, {"digest", to_hex(resource.digest)}});
  return {{"model", manifest.model_name},
          {"root", to_hex(manifest.root())},
          {"method", manifest.shard_bytes ? "shards" : "files"},
          {"resources", files}};
}

Result<Report> digest(const DigestOptions& options) {
  STEGPASS_TRY(manifest, hash_model(options.model, manifest_options(options)));
  Report report;
  for (const ModelResource& resource : manifest.resources) report.text += to_hex(resource.digest) + "  " + resource.name + "\n";
  report.text += "root " + to_hex(manifest.root()) + "  " + manifest.model_name;
  report.figures = figures_of(manifest);
  return report;
}

// ---- sign

/// The signature's own file is no part of what it signs.
void ignore_output(ManifestOptions& options, const fs::path& model, const fs::path& out) {
  std::error_code error;
  const fs::path relative =
      fs::absolute(out, error).lexically_normal().lexically_relative(fs::absolute(model, error).lexically_normal());
  if (!relative.empty() && *relative.begin() != ".." && relative != ".")
    options.ignore_paths.push_back(relative.generic_string());
}

Result<std::vector<Bytes>> read_certificates(const std::vector<std::string>& paths) {
  std::vector<Bytes> out;
  for (const std::string& path : paths) {
    STEGPASS_TRY(file, read_file(path, kMaxSmallFile, "certificates (PEM)"));
    auto read = credential::certificates_of_pem(as_text(file));
    if (!read) return about(path, read.error());
    out.insert(out.end(), read->begin(), read->end());
  }
  return out;
}

Result<Report> sign(const SignOptions& options) {
  if (options.certificate.empty() && !options.chain.empty()) return Error{Errc::usage, "--chain goes with --certificate"};
  STEGPASS_CHECK_OK(check_output(options.out, options.force));
  std::vector<std::string> paths = options.chain;
  if (!options.certificate.empty()) paths.insert(paths.begin(), options.certificate);
  STEGPASS_TRY(certificates, read_certificates(paths));
  STEGPASS_TRY(passphrase, read_passphrase(options.passphrase, "Passphrase of " + options.key));
  STEGPASS_TRY(key, read_private_key(options.key, passphrase));
  if (key.public_key().type() != credential::KeyType::p256) {
    return Error{Errc::usage,
                 options.key + " is no P-256 key, and model signatures have no Ed25519: stegpass key new --type p256"};
  }
  ManifestOptions form = manifest_options(options.digest);
  ignore_output(form, options.digest.model, options.out);
  STEGPASS_TRY(manifest, hash_model(options.digest.model, form));
  STEGPASS_TRY(signature, credential::sign_model(key, manifest, std::move(certificates)));
  STEGPASS_CHECK_OK(write_file(options.out, as_bytes(encode_model_signature(signature)), {.force = options.force}));
  Report report;
  report.text =
      "signed " + std::to_string(manifest.resources.size()) + " entries of " + manifest.model_name + ", root " +
      to_hex(manifest.root()) + "\n  " + options.out +
      (signature.certificates.empty() ? ", by the key with hint " + signature.key_hint : ", by the key of the certificate");
  report.figures = figures_of(manifest);
  report.figures["signature"] = options.out;
  report.figures["key_hint"] = signature.key_hint;
  return report;
}

// ---- verify

Outcome outcome_of(const Error& error) {
  return error.code == Errc::unsupported || error.code == Errc::refused ? Outcome::undecided : Outcome::invalid;
}

Result<std::string> read_roots(const std::vector<std::string>& paths) {
  std::string out;
  for (const std::string& path : paths) {
    STEGPASS_TRY(file, read_file(path, kMaxSmallFile, "root certificates (PEM)"));
    out += as_text(file);
    out += "\n";
  }
  return out;
}

/// Who signed. A key or a root that we do not know decides nothing; a signature that does not verify does.
Result<bool> check_signer(Verdict& verdict, const VerifyOptions& options, const ModelSignature& signature) {
  if (!options.public_key.empty()) {
    STEGPASS_TRY(key, read_file(options.public_key, kMaxSmallFile, "a public key (PEM)"));
    const Status checked = verify_model_signature(signature, as_text(key));
    if (!checked && checked.error().detail.starts_with("the key is no"))
      return Error{Errc::malformed, options.public_key + ": " + checked.error().detail};
    verdict.add("signature.key", checked ? Outcome::valid : outcome_of(checked.error()),
                checked ? "signed by the key in " + options.public_key : checked.error().detail);
    return checked.ok();
  }
  STEGPASS_TRY(roots, read_roots(options.roots));
  STEGPASS_TRY(usable, credential::certificates_of_pem(roots));
  const auto signer = verify_certified_model_signature(signature, roots);
  const std::string said = signer ? "signed by " + signer->subject + ", whose certificate runs from " +
                                        utc_time(signer->not_before) + " until " + utc_time(signer->not_after) +
                                        " and leads to one of " + std::to_string(usable.size()) + " roots"
                                  : signer.error().detail;
  verdict.add("signature.certificate", signer ? Outcome::valid : outcome_of(signer.error()), said);
  return signer.ok();
}

std::string shown(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < std::min(names.size(), kNamesShown); ++i) out += (i == 0 ? "" : ", ") + names[i];
  return out + (names.size() > kNamesShown ? " and " + std::to_string(names.size() - kNamesShown) + " more" : "");
}

/// Compares what is there with what was signed.
void compare(Verdict& verdict, const ModelManifest& signed_files, const ModelManifest& found, bool ignore_unsigned) {
  std::map<std::string, Bytes> left;
  for (const ModelResource& resource : found.resources) left[resource.name] = resource.digest;
  std::vector<std::string> changed, missing, extra;
  for (const ModelResource& resource : signed_files.resources) {
    const auto there = left.find(resource.name);
    if (there == left.end())
      missing.push_back(resource.name);
    else if (there->second != resource.digest)
      changed.push_back(resource.name);
    if (there != left.end()) left.erase(there);
  }
  for (const auto& [name, digest] : left) extra.push_back(name);
  std::string fault;
  if (!changed.empty()) fault += "changed: " + shown(changed) + "; ";
  if (!missing.empty()) fault += "missing: " + shown(missing) + "; ";
  if (!extra.empty() && !ignore_unsigned) fault += "not signed: " + shown(extra) + "; ";
  if (!fault.empty()) return verdict.add("model.files", Outcome::invalid, fault.substr(0, fault.size() - 2));
  verdict.add("model.files", Outcome::valid,
              std::to_string(signed_files.resources.size()) + " entries as signed, root " + to_hex(signed_files.root()) +
                  (extra.empty() ? "" : "; beside them, not signed: " + shown(extra)));
}

/// A model that is one file was named "." by releases before 1.0.
ModelManifest with_names_of(ModelManifest found, const ModelManifest& signed_files) {
  const bool one = found.resources.size() == 1 && signed_files.resources.size() == 1;
  if (one && signed_files.resources[0].name == ".") found.resources[0].name = ".";
  return found;
}

Status check_files(Verdict& verdict, const VerifyOptions& options, const ModelSignature& signature) {
  const auto manifest = credential::decode_model_manifest(signature.payload);
  if (!manifest) return verdict.add("model.manifest", outcome_of(manifest.error()), manifest.error().detail), Done{};
  verdict.add("model.manifest", Outcome::valid,
              manifest->model_name + " with " + std::to_string(manifest->resources.size()) + " entries");
  if (manifest->allow_symlinks)
    return verdict.add("model.files", Outcome::undecided, "signed with symbolic links followed, which is not done here"), Done{};
  ManifestOptions form{.hash = manifest->hash,
                       .shard_bytes = manifest->shard_bytes,
                       .ignore_paths = manifest->ignore_paths,
                       .threads = options.threads};
  const std::vector<std::string> usual = default_ignored();
  form.ignore_paths.insert(form.ignore_paths.end(), usual.begin(), usual.end());
  ignore_output(form, options.model, options.signature);
  STEGPASS_TRY(found, hash_model(options.model, form));
  compare(verdict, *manifest, with_names_of(std::move(found), *manifest), options.ignore_unsigned);
  return Done{};
}

int verify(const VerifyOptions& options, Output& output) {
  if (options.public_key.empty() == options.roots.empty())
    return output.fail({Errc::usage, "give either --public-key or --root"});
  auto file = read_file(options.signature, kMaxSignatureFile, "a model signature (JSON)");
  if (!file) return output.fail(file.error());
  Verdict verdict;
  const auto signature = credential::decode_model_signature(*file);
  if (!signature) {
    verdict.add("signature.bundle", outcome_of(signature.error()), signature.error().detail);
    return output.judged(verdict, current_time());
  }
  verdict.add("signature.bundle", Outcome::valid, "a bundle of OpenSSF Model Signing");
  const auto signer = check_signer(verdict, options, *signature);
  if (!signer) return output.fail(signer.error());
  if (*signer) {
    if (const Status checked = check_files(verdict, options, *signature); !checked) return output.fail(checked.error());
  }
  return output.judged(verdict, current_time(), {{"model", options.model}, {"signature", options.signature}});
}

// ---- options

void add_digest_options(CLI::App& command, DigestOptions& options) {
  command.add_option("model", options.model, "Folder of the model, or its one file")->required();
  command
      .add_option("--ignore", options.ignore, "Path below the model to leave out; may be given again. Git's own files always are")
      ->allow_extra_args(false);
  command.add_option("--hash", options.hash, "sha256 or blake2b")
      ->check(CLI::IsMember({"sha256", "blake2b"}))
      ->capture_default_str();
  command
      .add_option("--shard-bytes", options.shard_bytes,
                  "Hash ranges of this many bytes, so that one large file is read on all cores")
      ->check(CLI::PositiveNumber);
  command.add_option("--threads", options.threads, "0: as many as there are processors")->capture_default_str();
}

int run_digest(const DigestOptions& options, Output& output) { return finish(output, digest(options)); }
int run_sign(const SignOptions& options, Output& output) { return finish(output, sign(options)); }

void setup_digest(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<DigestOptions>();
  CLI::App* command =
      group.add_subcommand("digest", "Hash a model's files: the root that registrations and model signatures name");
  add_digest_options(*command, *options);
  command->footer("Example: stegpass model digest models/release");
  bind_command(commands, *command, options, run_digest);
}

void setup_sign(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<SignOptions>();
  CLI::App* command =
      group.add_subcommand("sign", "Sign a model's files as OpenSSF Model Signing v1.0 has it, for other people's tools");
  add_digest_options(*command, options->digest);
  command->add_option("--key", options->key, "Encrypted P-256 key")->required();
  command->add_option("--certificate", options->certificate, "The key's certificate (PEM)");
  command->add_option("--chain", options->chain, "Certificates between it and the root (PEM); may be given again")
      ->allow_extra_args(false);
  command->add_option("--out", options->out, "The signature")->required();
  command->add_flag("--force", options->force, "Replace what is there");
  add_passphrase_options(*command, options->passphrase);
  command->footer("Example: stegpass model sign models/release --key signer.key --out model.sig");
  bind_command(commands, *command, options, run_sign);
}

void setup_verify_signature(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App* command = group.add_subcommand("verify", "Judge a model's files by an OpenSSF Model Signing signature");
  command->add_option("model", options->model, "Folder of the model, or its one file")->required();
  command->add_option("--signature", options->signature, "The signature, a Sigstore bundle in JSON")->required();
  auto* key = command->add_option("--public-key", options->public_key, "The signer's public key (PEM)");
  command
      ->add_option("--root", options->roots, "Root certificates (PEM) that the signer's certificate leads to; may be given again")
      ->allow_extra_args(false)
      ->excludes(key);
  command->add_flag("--ignore-unsigned", options->ignore_unsigned, "Files that were not signed do not count against the model");
  command->add_option("--threads", options->threads, "0: as many as there are processors")->capture_default_str();
  command->footer(
      "Exit codes: 0 valid, 1 proved false, 2 usage, 3 undecided, 4 file or environment.\n"
      "Example: stegpass model verify models/release --signature model.sig --public-key signer.pem");
  bind_command(commands, *command, options, verify);
}

}  // namespace

void setup_model(Commands& commands) {
  CLI::App* group = commands.app.add_subcommand("model", "Register, hash, sign and verify models");
  group->require_subcommand(1);
#ifdef STEGPASS_WITH_LEDGER
  setup_model_register(commands, *group);
#endif
  setup_digest(commands, *group);
  setup_sign(commands, *group);
  setup_verify_signature(commands, *group);
  setup_model_tensor(commands, *group);
}

}  // namespace stegpass::cli
