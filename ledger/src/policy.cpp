#include <stegpass/ledger/policy.hpp>

#include <algorithm>

#include <stegpass/credential/core/text.hpp>

#include "policy_rules.hpp"

namespace stegpass::ledger {
namespace {

using credential::License, credential::LedgerPolicy, credential::PublicKey, credential::Registration, credential::Revocation,
    credential::Statement, credential::StatementKind, credential::StatusList;

constexpr std::string_view kRules = "stegpass.registration-policy.v1";

/// Whether `time` lies more than `skew` seconds after `now`; differences are taken where they cannot overflow. Requires skew >=
/// 0.
bool too_far_ahead(std::int64_t time, std::int64_t now, std::int64_t skew) {
  return time > now && static_cast<std::uint64_t>(time) - static_cast<std::uint64_t>(now) > static_cast<std::uint64_t>(skew);
}

std::string named(StatementKind kind, ByteView id) { return std::string(statement_kind_name(kind)) + " " + to_hex(id); }

}  // namespace

Status RegistrationPolicy::accept(const Statement& statement, std::uint64_t index, std::int64_t now) {
  return accept(statement, index, now, std::nullopt);
}

Result<PublicKey> RegistrationPolicy::key_for(const Statement& statement, std::uint64_t index, std::int64_t now) const {
  return judge(statement, index, now);
}

Status RegistrationPolicy::accept(const Statement& statement, std::uint64_t index, std::int64_t now,
                                  const std::optional<PublicKey>& verified) {
  STEGPASS_TRY(key, judge(statement, index, now));
  if (verified != key) {
    if (const auto status = verify_statement(statement, key); !status) return refuse("signature", status.error().detail);
  }
  std::visit([&](const auto& body) { take(statement, body, index); }, statement.body());
  return Done{};
}

Result<PublicKey> RegistrationPolicy::accept_unverified(const Statement& statement, std::uint64_t index, std::int64_t now) {
  STEGPASS_TRY(key, judge(statement, index, now));
  std::visit([&](const auto& body) { take(statement, body, index); }, statement.body());
  return key;
}

const RegistrationState* RegistrationPolicy::registration(ByteView id) const {
  const auto found = registrations_.find(to_hex(id));
  return found == registrations_.end() ? nullptr : &found->second;
}

const RegistrationState* RegistrationPolicy::registration_of_license(ByteView license_id) const {
  const Id* registration = under(license_id, IdOf::license);
  return registration ? &registrations_.at(to_hex(*registration)) : nullptr;
}

RegistrationPolicy::Judged RegistrationPolicy::judge(const Statement& statement, std::uint64_t index, std::int64_t now) const {
  const bool is_policy = statement.kind() == StatementKind::ledger_policy;
  if (is_policy != (index == 0) || is_policy == ledger_policy_.has_value())
    return refuse("first-entry", "entry 0, and it alone, is the ledger's policy; found a " +
                                     std::string(statement_kind_name(statement.kind())) + " as entry " + std::to_string(index));
  const auto& policy = is_policy ? *statement.as<LedgerPolicy>() : *ledger_policy_;
  if (policy.rules != kRules || policy.clock_skew_s < 0)
    return refuse("rules-version", "these are the rules " + std::string(kRules) +
                                       " with a clock skew of at least 0 s; the policy says " + policy.rules + " and " +
                                       std::to_string(policy.clock_skew_s) + " s");
  if (too_far_ahead(statement.issued_at(), now, policy.clock_skew_s))
    return refuse("time", "issued at " + std::to_string(statement.issued_at()) + ", more than " +
                              std::to_string(policy.clock_skew_s) + " s after the log's time " + std::to_string(now));
  return std::visit([&](const auto& body) { return judge_body(statement, body); }, statement.body());
}

RegistrationPolicy::Judged RegistrationPolicy::judge_body(const Statement&, const LedgerPolicy& policy) const {
  return policy.log_key;
}

RegistrationPolicy::Judged RegistrationPolicy::judge_body(const Statement&, const Registration& registration) const {
  STEGPASS_CHECK_OK(id_is_new(registration.id));
  STEGPASS_CHECK_OK(owner_key_is_current(registration.owner));
  return registration.owner;
}

RegistrationPolicy::Judged RegistrationPolicy::judge_body(const Statement& statement, const License& license) const {
  const auto* owner = registration(license.registration_id);
  if (!owner) return refuse("reference", "no registration " + to_hex(license.registration_id) + " in this ledger");
  auto key = entitled(statement, *owner);
  if (!key) return key;
  STEGPASS_CHECK_OK(id_is_new(license.id));
  if (status_indices_.contains({to_id(license.registration_id), license.status_index}))
    return refuse("status-index", "index " + std::to_string(license.status_index) + " of registration " +
                                      to_hex(license.registration_id) + " belongs to another license");
  return key;
}

RegistrationPolicy::Judged RegistrationPolicy::judge_body(const Statement& statement, const Revocation& revocation) const {
  const auto* owner = registration_of_license(revocation.license_id);
  if (!owner) return refuse("reference", "no license " + to_hex(revocation.license_id) + " in this ledger");
  auto key = entitled(statement, *owner);
  if (!key) return key;
  STEGPASS_CHECK_OK(id_is_new(revocation.id));
  if (const auto& by = owner->licenses.at(to_hex(revocation.license_id)).revoked_by)
    return refuse("revoked-once",
                  named(StatementKind::license, revocation.license_id) + " is revoked already, by entry " + std::to_string(*by));
  if (const auto& by = owner->licenses.at(to_hex(revocation.license_id)).transferred_by)
    return refuse("license-ended",
                  named(StatementKind::license, revocation.license_id) + " was transferred by entry " + std::to_string(*by));
  return key;
}

RegistrationPolicy::Judged RegistrationPolicy::judge_body(const Statement& statement, const StatusList& list) const {
  const auto* owner = registration(list.registration_id);
  if (!owner) return refuse("reference", "no registration " + to_hex(list.registration_id) + " in this ledger");
  auto key = entitled(statement, *owner);
  if (!key) return key;
  for (const auto& [id, state] : owner->licenses) {
    const auto index = state.license.status_index;
    if (const auto fault = milder_than(state, list); !fault.empty())
      return refuse("status-list",
                    "license " + id + " is " + fault + ", and the list does not say so at index " + std::to_string(index));
  }
  return key;
}

/// What registers under a registration is signed by its owner, and not dated before it.
RegistrationPolicy::Judged RegistrationPolicy::entitled(const Statement& statement, const RegistrationState& registration) const {
  const auto& owner = registration.signer();
  if (statement.kid() != owner.thumbprint())
    return refuse("issuer", std::string(statement_kind_name(statement.kind())) + " signed by " + statement.issuer() +
                                ", expected the registration's owner " + owner.thumbprint_uri());
  if (statement.issued_at() < registration.issued_at)
    return refuse("time", "issued at " + std::to_string(statement.issued_at()) + ", before its registration at " +
                              std::to_string(registration.issued_at));
  return owner;
}

RegistrationPolicy::Id RegistrationPolicy::to_id(ByteView id) {
  Id out{};
  std::copy_n(id.begin(), out.size(), out.begin());
  return out;
}

const RegistrationPolicy::IdUse* RegistrationPolicy::id_use(ByteView id) const {
  const auto found = id.size() == Id{}.size() ? ids_.find(to_id(id)) : ids_.end();
  return found == ids_.end() ? nullptr : &found->second;
}

const RegistrationPolicy::Id* RegistrationPolicy::under(ByteView id, IdOf of) const {
  const IdUse* use = id_use(id);
  return use && use->of == of ? &use->registration : nullptr;
}

void RegistrationPolicy::use_id(ByteView id, IdOf of, ByteView registration) {
  ids_.insert_or_assign(to_id(id), IdUse{of, registration.empty() ? Id{} : to_id(registration)});
}

Status RegistrationPolicy::id_is_new(ByteView id) const {
  if (id_use(id)) return refuse("new-id", "id " + to_hex(id) + " is taken by another statement");
  return Done{};
}

void RegistrationPolicy::take(const Statement&, const LedgerPolicy& policy, std::uint64_t) { ledger_policy_ = policy; }

void RegistrationPolicy::take(const Statement& statement, const Registration& registration, std::uint64_t index) {
  const auto id = to_hex(registration.id);
  auto& added = registrations_.insert_or_assign(id, RegistrationState{registration, index, false, {}, {}, statement.issued_at()})
                    .first->second;
  auto& same_model = registrations_of_[registration.model_digest];
  for (const auto& other_id : same_model)
    if (auto& other = registrations_.at(other_id); other.signer() != registration.owner) other.contested = added.contested = true;
  same_model.push_back(id);
  use_id(registration.id, IdOf::registration, registration.id);
}

void RegistrationPolicy::take(const Statement&, const License& license, std::uint64_t index) {
  registrations_.at(to_hex(license.registration_id))
      .licenses.insert_or_assign(to_hex(license.id), LicenseState{license, index, {}, {}, {}, {}, {}, {}});
  status_indices_.emplace(to_id(license.registration_id), license.status_index);
  use_id(license.id, IdOf::license, license.registration_id);
}

void RegistrationPolicy::take(const Statement&, const Revocation& revocation, std::uint64_t index) {
  license_state(revocation.license_id).revoked_by = index;
  use_id(revocation.id);
}

void RegistrationPolicy::take(const Statement&, const StatusList& list, std::uint64_t index) {
  registrations_.at(to_hex(list.registration_id)).newest_status = index;
}

}  // namespace stegpass::ledger
