#include "verify_inputs.hpp"

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>

#include "bundle_file.hpp"
#include "files.hpp"
#include "policy_files.hpp"
#include "verifier_memory.hpp"

namespace stegpass::cli {

using namespace credential;

namespace {

constexpr std::size_t kMaxNonceBytes = 64;

/// The presentation with what the verifier asked for; none when none is given.
Result<std::optional<PossessionChallenge>> read_challenge(const VerifyOptions& options) {
  if (options.presentation.empty() && options.audience.empty() && options.nonce.empty())
    return std::optional<PossessionChallenge>{};
  if (options.presentation.empty() || options.audience.empty() || options.nonce.empty()) {
    return Error{Errc::usage, "--presentation, --audience and --nonce go together"};
  }
  auto nonce = parse_hex(options.nonce);
  if (!nonce || nonce->empty() || nonce->size() > kMaxNonceBytes) {
    return Error{Errc::usage, "--nonce is not 1 to 64 bytes in hexadecimal"};
  }
  STEGPASS_TRY(file, read_evidence(options.presentation, kMaxSmallFile, "a presentation"));
  return std::optional(PossessionChallenge{std::move(file.bytes), options.audience, std::move(*nonce)});
}

Result<std::optional<EvidenceFile>> read_optional(const std::string& path, std::uint64_t max_bytes, std::string_view expected) {
  if (path.empty()) return std::optional<EvidenceFile>{};
  STEGPASS_TRY(file, read_evidence(path, max_bytes, expected));
  return std::optional(std::move(file));
}

}  // namespace

Result<VerifyInputs> read_inputs(const VerifyOptions& options) {
  STEGPASS_TRY(policy, read_trust_policy(options.policy));
  STEGPASS_TRY(memory, read_memory(options.memory));
  STEGPASS_TRY(challenge, read_challenge(options));
  STEGPASS_TRY(bundle, read_bundle(options.bundle));
  STEGPASS_TRY(model, read_optional(options.model, kMaxModelFile, "a model (safetensors)"));
  STEGPASS_TRY(passport, read_optional(options.passport, kMaxPictureFile, "a user passport (PNG)"));
  STEGPASS_TRY(isn, read_optional(options.isn, kMaxPictureFile, "ISN weights (safetensors)"));
  STEGPASS_TRY(original, read_optional(options.original, kMaxModelFile, "the registered release (safetensors)"));
  STEGPASS_TRY(contract, read_optional(options.contract, kMaxPictureFile, "the contract's text"));
  STEGPASS_TRY(card, read_optional(options.card, kMaxPictureFile, "a picture of a license card (PNG or JPEG)"));
  PaperOptions papers{current_time(), std::move(memory), std::move(challenge)};
  return VerifyInputs{std::move(policy),   std::move(bundle),
                      std::move(papers),   {std::move(model), std::move(passport), std::move(isn), std::move(original)},
                      std::move(contract), std::move(card)};
}

PaperVerdict judge_papers(const VerifyInputs& inputs) {
  if (inputs.bundle.problem.empty()) return verify_papers(inputs.bundle.bytes, inputs.policy, inputs.papers);
  PaperVerdict unreadable;
  unreadable.memory = inputs.papers.memory;
  unreadable.verdict.add("bundle.bytes", Outcome::invalid, inputs.bundle.problem);
  return unreadable;
}

void check_contract(Verdict& verdict, const std::optional<License>& license, const std::optional<EvidenceFile>& contract) {
  constexpr const char* code = "license.text";
  const std::optional<Digest32> named = license ? license->terms.text : std::nullopt;
  if (!contract && !named) return;
  if (!contract)
    return verdict.add(code, Outcome::not_checked, "would need the contract's text (--contract), SHA-256 " + to_hex(*named));
  if (!contract->problem.empty()) return verdict.add(code, Outcome::invalid, contract->problem);
  if (!license) return verdict.add(code, Outcome::undecided, "there is no verified license to compare the contract with");
  if (!named) return verdict.add(code, Outcome::undecided, "the license names no text");
  const Digest32 found = fast_sha256(contract->bytes);
  if (found == *named) return verdict.add(code, Outcome::valid, "the text that the license names, SHA-256 " + to_hex(found));
  verdict.add(code, Outcome::invalid, "SHA-256 is " + to_hex(found) + ", the license names " + to_hex(*named));
}

}  // namespace stegpass::cli
