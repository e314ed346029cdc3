#include "verify_list.hpp"

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/index_proof.hpp>
#include <stegpass/credential/statement.hpp>
#include <stegpass/credential/verification.hpp>

#include "files.hpp"
#include "policy_files.hpp"
#include "verifier_memory.hpp"

namespace stegpass::cli {
namespace {

using namespace credential;

constexpr std::uint64_t kMaxProofBytes = std::uint64_t{1} << 30;

/// Why an entry cannot go by the key, as far as it tells itself; empty when it may.
std::string misfit(const Statement& statement, const IndexKey& key) {
  const auto* registration = statement.as<Registration>();
  const auto* license = statement.as<License>();
  if (key.kind == IndexKind::issuer && statement.kid() != key.digest) return "is by " + statement.issuer();
  if (key.kind == IndexKind::model && registration && registration->model_digest != key.digest)
    return "registers model " + to_hex(registration->model_digest);
  if (key.kind == IndexKind::licensee && license && license->licensee.thumbprint() != key.digest)
    return "licenses to " + license->licensee.thumbprint_uri();
  return {};
}

/// Decodes what was proved to be listed. Errors malformed: the first entry that is no statement, or not of the key.
Result<Json> read_statements(const IndexAnswer& answer) {
  Json entries = Json::array();
  for (const auto& [index, octets] : answer.entries) {
    const auto name = "entry " + std::to_string(index) + " ";
    auto statement = Statement::decode(octets);
    if (!statement) return Error{Errc::malformed, name + "is no statement: " + statement.error().detail};
    if (const auto fault = misfit(*statement, answer.key); !fault.empty()) return Error{Errc::malformed, name + fault};
    entries.push_back({{"index", index},
                       {"kind", statement_kind_name(statement->kind())},
                       {"subject", statement->subject()},
                       {"issuer", statement->issuer()},
                       {"issued_at", utc_time(statement->issued_at())}});
  }
  return entries;
}

/// What a proof comes to under a policy.
struct ListJudgement {
  Verdict verdict;
  std::int64_t as_of = 0;
  Json figures = Json::object();
};

void judge_checkpoint(const IndexAnswer& answer, const TrustPolicy& policy, VerifierMemory& memory, Verdict& verdict) {
  judge_signed_checkpoint(answer.note, answer.checkpoint, policy, current_time(), memory, verdict);
  TrustPolicy of_checkpoint = policy;
  std::erase_if(of_checkpoint.required, [](const std::string& code) { return !code.starts_with("checkpoint."); });
  apply_requirements(verdict, of_checkpoint);
}

ListJudgement judge(const IndexProof& proof, const TrustPolicy& policy, VerifierMemory& memory) {
  ListJudgement out;
  Verdict& verdict = out.verdict;
  const auto origin = proof.checkpoint.substr(0, proof.checkpoint.find('\n'));
  const auto log = log_of(policy.logs, proof.checkpoint);
  if (!log) {
    verdict.add("list.log", Outcome::undecided, "none of the trusted log keys is for " + origin);
    return out;
  }
  verdict.add("list.log", Outcome::valid, origin + " is trusted");
  const auto answer = verify_index_proof(proof, *log);
  if (!answer) {
    const bool unknown = answer.error().code == Errc::unsupported || answer.error().code == Errc::not_found;
    verdict.add("list.complete", unknown ? Outcome::undecided : Outcome::invalid, answer.error().detail);
    return out;
  }
  out.as_of = answer->checkpoint.time;
  verdict.add("list.complete", Outcome::valid,
              std::to_string(answer->entries.size()) + " of " + std::to_string(answer->checkpoint.tree_size) +
                  " entries, and no others, by the index that the checkpoint signs");
  auto entries = read_statements(*answer);
  verdict.add("list.statements", entries ? Outcome::valid : Outcome::invalid,
              entries ? "each is a statement of this " + std::string(index_kind_name(answer->key.kind)) : entries.error().detail);
  judge_checkpoint(*answer, policy, memory, verdict);
  out.figures = {{"kind", index_kind_name(answer->key.kind)},
                 {"digest", to_hex(answer->key.digest)},
                 {"size", answer->checkpoint.tree_size},
                 {"entries", entries ? *entries : Json::array()}};
  return out;
}

Result<ListJudgement> judge_file(const VerifyOptions& options) {
  STEGPASS_TRY(policy, read_trust_policy(options.policy));
  STEGPASS_TRY(before, read_memory(options.memory));
  STEGPASS_TRY(bytes, read_file(options.list, kMaxProofBytes, "a proof by stegpass ledger list"));
  const auto proof = decode_index_proof(bytes);
  if (!proof) {
    ListJudgement out;
    out.verdict.add("list.proof", proof.error().code == Errc::unsupported ? Outcome::undecided : Outcome::invalid,
                    proof.error().detail);
    return out;
  }
  VerifierMemory memory = before;
  ListJudgement out = judge(*proof, policy, memory);
  STEGPASS_CHECK_OK(keep_memory(options.memory, before, memory));
  return out;
}

}  // namespace

int verify_list(const VerifyOptions& options, Output& output) {
  const auto judged = judge_file(options);
  return judged ? output.judged(judged->verdict, judged->as_of, judged->figures) : output.fail(judged.error());
}

}  // namespace stegpass::cli
