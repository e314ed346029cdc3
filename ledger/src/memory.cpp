#include "memory.hpp"

#include <stegpass/credential/core/text.hpp>

#include "layout.hpp"
#include "stored.hpp"

namespace stegpass::ledger {
namespace {

using namespace credential;

constexpr std::size_t kMostIds = 20'000;
using Numbers = std::vector<std::uint64_t>;

Bytes encode(const Numbers& numbers) {
  Bytes value;
  for (const auto number : numbers) append_big_endian(value, number, 8);
  return value;
}

Result<Numbers> decode(ByteView value, std::size_t least) {
  if (value.size() % 8 != 0 || value.size() / 8 < least)
    return {Errc::malformed, "a record of the rules' memory has " + std::to_string(value.size()) + " bytes, expected at least " +
                                 std::to_string(least) + " numbers of 8"};
  Numbers numbers;
  for (std::size_t i = 0; i < value.size(); i += 8) numbers.push_back(layout::parse_number(value.subspan(i, 8)));
  return numbers;
}

// Entry 0 is the policy, so 0 stands for none.
std::uint64_t or_none(const std::optional<std::uint64_t>& index) { return index.value_or(0); }
std::optional<std::uint64_t> optional_index(std::uint64_t number) { return number ? std::optional(number) : std::nullopt; }

Bytes record_of(const LicenseState& state) {
  return encode({state.index, or_none(state.revoked_by), or_none(state.suspended_by), or_none(state.reinstated_by),
                 or_none(state.renewed_by), or_none(state.transferred_by), or_none(state.succeeds_by)});
}

Bytes record_of(const RegistrationState& state) {
  Numbers numbers{state.index, state.contested, or_none(state.newest_status)};
  numbers.insert(numbers.end(), state.rotations.begin(), state.rotations.end());
  return encode(numbers);
}

Bytes record_of(const DisputeState& state) {
  Numbers numbers{state.index, or_none(state.finding)};
  for (const auto& [id, index] : state.evidence) numbers.push_back(index);
  return encode(numbers);
}

template <class Body>
constexpr bool kHasId = requires(const Body& body) {
  body.id;
};
template <class Body>
constexpr bool kChangesLicense = requires(const Body& body) {
  body.license_id;
};

}  // namespace

/// What recalling and remembering need of the policy's inside.
struct RulesMemoryAccess {
  using IdOf = RegistrationPolicy::IdOf;
  const Database& database;
  RegistrationPolicy& policy;

  template <class Body>
  Result<std::optional<Body>> body_at(std::uint64_t index, std::int64_t* issued_at = nullptr) const {
    STEGPASS_TRY(octets, read_entry(database, index));
    auto statement = Statement::decode(octets);
    if (!statement) return {Errc::malformed, "entry " + std::to_string(index) + ": " + statement.error().detail};
    if (issued_at) *issued_at = statement->issued_at();
    const auto* body = statement->template as<Body>();
    return body ? std::optional<Body>(*body) : std::optional<Body>{};
  }

  /// A statement that has to be of this kind.
  template <class Body>
  Result<Body> required(std::uint64_t index) const {
    STEGPASS_TRY(body, body_at<Body>(index));
    if (!body) return {Errc::malformed, "entry " + std::to_string(index) + " is of another kind than the rules' memory says"};
    return std::move(*body);
  }

  Result<std::optional<Bytes>> record(ByteView id) const { return database.get(layout::statement(id)); }

  Status id(ByteView id) const {
    if (policy.id_use(id)) return Done{};
    STEGPASS_TRY(found, record(id));
    if (found) policy.use_id(id);
    return Done{};
  }

  Status registration(ByteView id) const {
    if (policy.registrations_.contains(to_hex(id))) return Done{};
    STEGPASS_TRY(found, record(id));
    if (!found) return Done{};
    STEGPASS_TRY(numbers, decode(*found, 1));
    std::int64_t issued_at = 0;
    STEGPASS_TRY(body, body_at<Registration>(numbers[0], &issued_at));
    if (!body) return Done{};
    if (numbers.size() < 3) return {Errc::malformed, "the rules' memory of registration " + to_hex(id) + " is cut off"};
    RegistrationState state{std::move(*body), numbers[0], numbers[1] != 0, {}, optional_index(numbers[2]), issued_at};
    state.rotations.assign(numbers.begin() + 3, numbers.end());
    if (!state.rotations.empty()) {
      STEGPASS_TRY(rotation, required<KeyRotation>(state.rotations.back()));
      state.rotated_to = rotation.new_key;
    }
    policy.registrations_of_[state.registration.model_digest].push_back(to_hex(id));
    policy.use_id(id, IdOf::registration, id);
    policy.registrations_.emplace(to_hex(id), std::move(state));
    return Done{};
  }

  Status license(ByteView id) const {
    if (policy.under(id, IdOf::license)) return Done{};
    STEGPASS_TRY(found, record(id));
    if (!found) return Done{};
    STEGPASS_TRY(numbers, decode(*found, 1));
    STEGPASS_TRY(body, body_at<License>(numbers[0]));
    if (!body) return Done{};
    if (numbers.size() != 7) return {Errc::malformed, "the rules' memory of license " + to_hex(id) + " is cut off"};
    STEGPASS_CHECK_OK(registration(body->registration_id));
    const auto under = policy.registrations_.find(to_hex(body->registration_id));
    if (under == policy.registrations_.end()) return {Errc::malformed, "license " + to_hex(id) + " has no registration"};
    LicenseState state{*body, numbers[0], {}, {}, {}, {}, {}, {}};
    state.revoked_by = optional_index(numbers[1]), state.suspended_by = optional_index(numbers[2]);
    state.reinstated_by = optional_index(numbers[3]), state.renewed_by = optional_index(numbers[4]);
    state.transferred_by = optional_index(numbers[5]), state.succeeds_by = optional_index(numbers[6]);
    if (state.suspended_by) {
      STEGPASS_TRY(suspension, required<Suspension>(*state.suspended_by));
      state.suspension_id = suspension.id;
    }
    if (state.renewed_by) {
      STEGPASS_TRY(renewal, required<Renewal>(*state.renewed_by));
      state.renewed_until = renewal.expires;
    }
    policy.status_indices_.emplace(RegistrationPolicy::to_id(body->registration_id), body->status_index);
    policy.use_id(id, IdOf::license, body->registration_id);
    under->second.licenses.emplace(to_hex(id), std::move(state));
    return Done{};
  }

  Status dispute(ByteView id) const {
    if (policy.under(id, IdOf::dispute)) return Done{};
    STEGPASS_TRY(found, record(id));
    if (!found) return Done{};
    STEGPASS_TRY(numbers, decode(*found, 1));
    STEGPASS_TRY(claim, body_at<DisputeClaim>(numbers[0]));
    if (!claim) return Done{};
    if (numbers.size() < 2) return {Errc::malformed, "the rules' memory of dispute " + to_hex(id) + " is cut off"};
    STEGPASS_CHECK_OK(registration(claim->registration_id));
    const auto under = policy.registrations_.find(to_hex(claim->registration_id));
    if (under == policy.registrations_.end()) return {Errc::malformed, "dispute " + to_hex(id) + " has no registration"};
    DisputeState state{*claim, numbers[0], {}, optional_index(numbers[1]), {}};
    for (std::size_t i = 2; i < numbers.size(); ++i) {
      STEGPASS_TRY(evidence, required<DisputeEvidence>(numbers[i]));
      state.evidence.emplace(to_hex(evidence.id), numbers[i]);
    }
    if (state.finding) {
      STEGPASS_TRY(finding, required<DisputeFinding>(*state.finding));
      state.outcome = finding.outcome;
    }
    policy.use_id(id, IdOf::dispute, claim->registration_id);
    under->second.disputes.emplace(to_hex(id), std::move(state));
    return Done{};
  }

  Status handed_over(const Digest32& key) const {
    STEGPASS_TRY(found, database.get(layout::handed_over(key)));
    if (!found) return Done{};
    STEGPASS_TRY(numbers, decode(*found, 1));
    policy.rotated_keys_.emplace(key, numbers[0]);
    return Done{};
  }

  /// The registrations of a model, or of a key.
  Status registrations_of(const Digest32& digest) const {
    std::vector<Bytes> ids;
    STEGPASS_CHECK_OK(database.for_each(layout::registrations_of(digest), [&](ByteView, ByteView id) -> Status {
      ids.push_back(to_bytes(id));
      return Done{};
    }));
    for (const auto& id : ids) STEGPASS_CHECK_OK(registration(id));
    return Done{};
  }

  Status look(const LedgerPolicy&) const { return Done{}; }
  Status look(const Registration& body) const {
    STEGPASS_CHECK_OK(handed_over(body.owner.thumbprint()));
    return registrations_of(body.model_digest);
  }
  Status look(const License& body) const {
    STEGPASS_CHECK_OK(registration(body.registration_id));
    const std::pair index(RegistrationPolicy::to_id(body.registration_id), body.status_index);
    if (policy.status_indices_.contains(index)) return Done{};
    STEGPASS_TRY(taken, database.get(layout::status_index(body.registration_id, body.status_index)));
    if (taken) policy.status_indices_.insert(index);
    return Done{};
  }
  Status look(const StatusList& body) const {
    STEGPASS_CHECK_OK(registration(body.registration_id));
    std::vector<Bytes> ids;  // of the licenses that a list must not be milder to
    STEGPASS_CHECK_OK(database.for_each(layout::out_of_force(body.registration_id), [&](ByteView key, ByteView value) -> Status {
      if (value.size() == 1 && value[0] != StatusList::valid) ids.push_back(to_bytes(key.subspan(17)));
      return Done{};
    }));
    for (const auto& id : ids) STEGPASS_CHECK_OK(license(id));
    return Done{};
  }
  Status look(const Transfer& body) const {
    STEGPASS_CHECK_OK(license(body.license_id));
    return license(body.successor_id);
  }
  Status look(const KeyRotation& body) const {
    STEGPASS_CHECK_OK(handed_over(body.old_key));
    STEGPASS_CHECK_OK(handed_over(body.new_key.thumbprint()));
    return registrations_of(body.old_key);
  }
  Status look(const DisputeClaim& body) const { return registration(body.registration_id); }
  Status look(const DisputeEvidence& body) const { return dispute(body.dispute_id); }
  Status look(const DisputeFinding& body) const { return dispute(body.dispute_id); }
  template <class Body>
  requires kChangesLicense<Body> Status look(const Body& body)
  const { return license(body.license_id); }
};

/// The same for writing and comparing, where the policy is only read.
struct RulesMemoryRecords {
  const RegistrationPolicy& policy;

  /// The record of a statement's id; of one that nothing refers to its index alone, which the caller knows.
  Bytes of_id(ByteView id, std::uint64_t index) const {
    using IdOf = RegistrationPolicy::IdOf;
    const auto* use = policy.id_use(id);
    if (!use || use->of == IdOf::other) return encode({index});
    const auto& registration = policy.registrations_.at(to_hex(use->registration));
    if (use->of == IdOf::license) return record_of(registration.licenses.at(to_hex(id)));
    return use->of == IdOf::dispute ? record_of(registration.disputes.at(to_hex(id))) : record_of(registration);
  }

  const LicenseState* license(ByteView id) const {
    const auto* registration = policy.registration_of_license(id);
    return registration ? &registration->licenses.at(to_hex(id)) : nullptr;
  }

  void put_license(ByteView id, WriteSet& writes) const {
    const auto* state = license(id);
    writes.emplace_back(layout::statement(id), record_of(*state));
    writes.emplace_back(layout::out_of_force(state->license.registration_id, id),
                        Bytes{static_cast<std::uint8_t>(state->state())});
  }

  void put_registration(const RegistrationState& state, const Digest32& under, WriteSet& writes) const {
    writes.emplace_back(layout::statement(state.registration.id), record_of(state));
    writes.emplace_back(layout::registrations_of(under, state.index), state.registration.id);
  }

  void put(const LedgerPolicy&, std::uint64_t, WriteSet&) const {}
  void put(const Registration& body, std::uint64_t, WriteSet& writes) const {
    const auto& mine = policy.registrations_.at(to_hex(body.id));
    put_registration(mine, body.owner.thumbprint(), writes);
    for (const auto& id : policy.registrations_of_.at(body.model_digest))
      put_registration(policy.registrations_.at(id), body.model_digest, writes);
  }
  void put(const License& body, std::uint64_t index, WriteSet& writes) const {
    writes.emplace_back(layout::status_index(body.registration_id, body.status_index), layout::number_value(index));
  }
  void put(const StatusList& body, std::uint64_t, WriteSet& writes) const {
    writes.emplace_back(layout::statement(body.registration_id),
                        record_of(policy.registrations_.at(to_hex(body.registration_id))));
  }
  void put(const Transfer& body, std::uint64_t, WriteSet& writes) const {
    put_license(body.license_id, writes);
    put_license(body.successor_id, writes);
  }
  void put(const KeyRotation& body, std::uint64_t index, WriteSet& writes) const {
    writes.emplace_back(layout::handed_over(body.old_key), layout::number_value(index));
    for (const auto& [id, state] : policy.registrations_)
      if (!state.rotations.empty() && state.rotations.back() == index) put_registration(state, body.new_key.thumbprint(), writes);
  }
  void put(const DisputeClaim&, std::uint64_t, WriteSet&) const {}
  void put(const DisputeEvidence& body, std::uint64_t, WriteSet& writes) const { put_dispute(body.dispute_id, writes); }
  void put(const DisputeFinding& body, std::uint64_t, WriteSet& writes) const { put_dispute(body.dispute_id, writes); }
  void put_dispute(ByteView id, WriteSet& writes) const { writes.emplace_back(layout::statement(id), of_id(id, 0)); }
  template <class Body>
  requires kChangesLicense<Body>
  void put(const Body& body, std::uint64_t, WriteSet& writes) const { put_license(body.license_id, writes); }
};

Status RulesMemory::recall(const Database& database, const Statement& statement, RegistrationPolicy& policy) {
  const RulesMemoryAccess access{database, policy};
  return std::visit(
      [&](const auto& body) -> Status {
        if constexpr (kHasId<std::decay_t<decltype(body)>>) STEGPASS_CHECK_OK(access.id(body.id));
        return access.look(body);
      },
      statement.body());
}

bool RulesMemory::may_be_known(const RegistrationPolicy& policy, const Statement& statement) {
  return std::visit(
      [&](const auto& body) {
        if constexpr (kHasId<std::decay_t<decltype(body)>>)
          return policy.id_use(body.id) != nullptr;
        else
          return true;
      },
      statement.body());
}

void RulesMemory::remember(const RegistrationPolicy& policy, const Statement& statement, std::uint64_t index, WriteSet& writes) {
  const RulesMemoryRecords records{policy};
  std::visit(
      [&](const auto& body) {
        if constexpr (kHasId<std::decay_t<decltype(body)>>)
          writes.emplace_back(layout::statement(body.id), records.of_id(body.id, index));
        records.put(body, index, writes);
      },
      statement.body());
}

bool RulesMemory::trim(RegistrationPolicy& policy) {
  if (policy.ids_.size() <= kMostIds) return false;
  RegistrationPolicy trimmed;
  trimmed.ledger_policy_ = policy.ledger_policy_;
  policy = std::move(trimmed);
  return true;
}

Result<std::string> RulesMemory::fault(const Database& database, const RegistrationPolicy& policy) {
  const RulesMemoryRecords records{policy};
  const auto differs = [](const std::string& what, const std::string& hex) {
    return Result<std::string>("the rules' memory of " + what + " " + hex + " is another than the entries come to");
  };
  std::uint64_t statements = 0, status_indices = 0, out_of_force = 0;
  std::string found;
  const auto compare = [&](char kind, const auto& is_right, std::uint64_t& count) {
    return database.for_each(layout::start(kind), [&](ByteView key, ByteView value) -> Status {
      const auto right = is_right(key.subspan(1), value);
      if (!right && found.empty()) found = "the rules' memory at " + to_hex(key) + " is another than the entries come to";
      count += right.value_or(0);
      return Done{};
    });
  };
  using Right = std::optional<std::uint64_t>;  // how much it counts for; none when it is wrong
  STEGPASS_CHECK_OK(compare(
      's',
      [&](ByteView id, ByteView value) {
        const bool known = policy.id_use(id) && value.size() >= 8;
        const bool right = known && as_text(records.of_id(id, layout::parse_number(value.first(8)))) == as_text(value);
        return right ? Right(1) : Right();
      },
      statements));
  STEGPASS_CHECK_OK(compare(
      'u',
      [&](ByteView key, ByteView) {
        if (key.size() != 24) return Right();
        const std::pair index(RegistrationPolicy::to_id(key.first(16)), layout::parse_number(key.subspan(16)));
        return policy.status_indices_.contains(index) ? Right(1) : Right();
      },
      status_indices));
  STEGPASS_CHECK_OK(compare(
      'h',
      [&](ByteView key, ByteView value) {
        const auto* license = key.size() == 32 ? records.license(key.subspan(16)) : nullptr;
        if (!license || value.size() != 1 || value[0] != license->state()) return Right();
        return Right(value[0] == StatusList::valid ? 0 : 1);
      },
      out_of_force));
  if (!found.empty()) return found;
  if (statements != policy.ids_.size())
    return "the rules' memory knows " + std::to_string(statements) + " ids, the entries have " +
           std::to_string(policy.ids_.size());
  if (status_indices != policy.status_indices_.size()) return std::string("the rules' memory lacks status indices");
  std::uint64_t ended = 0;
  for (const auto& [id, registration] : policy.registrations_)
    for (const auto& [license_id, license] : registration.licenses) ended += license.state() != StatusList::valid;
  if (out_of_force != ended) return std::string("the rules' memory lacks licenses that are out of force");
  for (const auto& [key, index] : policy.rotated_keys_) {
    STEGPASS_TRY(stored, database.get(layout::handed_over(key)));
    if (!stored || *stored != layout::number_value(index)) return differs("key", to_hex(key));
  }
  for (const auto& [id, registration] : policy.registrations_)
    for (const auto& digest : {registration.registration.model_digest, registration.registration.owner.thumbprint(),
                               registration.signer().thumbprint()}) {
      STEGPASS_TRY(stored, database.get(layout::registrations_of(digest, registration.index)));
      if (!stored || *stored != registration.registration.id) return differs("registration", id);
    }
  return std::string{};
}

}  // namespace stegpass::ledger
