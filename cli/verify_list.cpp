#include "verify_list.hpp"

#include <algorithm>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/index_proof.hpp>
#include <stegpass/credential/statement.hpp>

#include "files.hpp"
#include "policy_files.hpp"

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

int judge(const IndexProof& proof, const TrustPolicy& policy, Output& output) {
  Verdict verdict;
  const auto origin = proof.checkpoint.substr(0, proof.checkpoint.find('\n'));
  const auto log = std::ranges::find(policy.logs, origin, &NoteVerifier::name);
  if (log == policy.logs.end()) {
    verdict.add("list.log", Outcome::undecided, "none of the trusted log keys is for " + origin);
    return output.judged(verdict, 0);
  }
  verdict.add("list.log", Outcome::valid, origin + " is trusted");
  const auto answer = verify_index_proof(proof, *log);
  if (!answer) {
    verdict.add("list.complete", answer.error().code == Errc::unsupported ? Outcome::undecided : Outcome::invalid,
                answer.error().detail);
    return output.judged(verdict, 0);
  }
  verdict.add("list.complete", Outcome::valid,
              std::to_string(answer->entries.size()) + " of " + std::to_string(answer->checkpoint.tree_size) +
                  " entries, and no others, by the index that the checkpoint signs");
  auto entries = read_statements(*answer);
  verdict.add("list.statements", entries ? Outcome::valid : Outcome::invalid,
              entries ? "each is a statement of this " + std::string(index_kind_name(answer->key.kind)) : entries.error().detail);
  return output.judged(verdict, answer->checkpoint.time,
                       {{"kind", index_kind_name(answer->key.kind)},
                        {"digest", to_hex(answer->key.digest)},
                        {"size", answer->checkpoint.tree_size},
                        {"entries", entries ? *entries : Json::array()}});
}

}  // namespace

int verify_list(const std::string& file, const std::string& policy_file, Output& output) {
  auto policy = read_trust_policy(policy_file);
  if (!policy) return output.fail(policy.error());
  auto bytes = read_file(file, kMaxProofBytes, "a proof by stegpass ledger list");
  if (!bytes) return output.fail(bytes.error());
  auto proof = decode_index_proof(*bytes);
  if (proof) return judge(*proof, *policy, output);
  Verdict verdict;
  verdict.add("list.proof", proof.error().code == Errc::unsupported ? Outcome::undecided : Outcome::invalid,
              proof.error().detail);
  return output.judged(verdict, 0);
}

}  // namespace stegpass::cli
