// What a party's papers come to in a dispute.
#include <stegpass/credential/dispute_papers.hpp>
#include <stegpass/credential/witness.hpp>

#include "papers_fixture.hpp"

namespace stegpass::credential::testing {
namespace {

PartyPapers read(const Bundle& bundle, const TrustPolicy& policy) {
  return read_party("acme", encode_bundle(bundle), policy, kNow);
}

Outcome papers(const PartyPapers& party) { return party.party.papers.outcome(); }

/// A bundle whose checkpoint a witness cosigned, and a policy that asks for him.
struct Witnessed {
  Office office;
  PrivateKey witness = named_key("witness");
  std::int64_t at = kNow - 3 * kDay;

  Bundle bundle() {
    Bundle out = office.issue(Purpose::arbiter);
    Note note = parse_note(out.checkpoint).value();
    cosign_note(note, "w.example", witness, at);
    out.checkpoint = encode_note(note);
    return out;
  }
  TrustPolicy policy() const {
    TrustPolicy out = office.policy();
    out.witnesses.push_back({"w", {"w.example", witness.public_key(), NoteKind::witness}});
    out.quorum = "w";
    return out;
  }
};

}  // namespace

TEST_CASE("a party's bundle for an arbiter gives its registration, its place and what it opens") {
  Office office;
  const PartyPapers party = read(office.issue(Purpose::arbiter), office.policy());
  CHECK(papers(party) == Outcome::valid);
  REQUIRE(party.party.registration);
  REQUIRE(party.party.place);
  CHECK(party.party.place->origin == office.log.origin);
  CHECK(party.party.place->index == 1);
  CHECK(party.party.place->tree_size == 4);
  CHECK(party.party.times.empty());
  CHECK(party.party.opened.empty());  // whether the seed follows from the picture is still to be said
  REQUIRE(party.openings.size() == 1);
  CHECK(party.openings[0].role == "reserve-1");
}

TEST_CASE("neither a license that is over, nor its absence, nor an owner whom nobody certified spoils a party's papers") {
  Office office;
  TrustPolicy policy = office.policy();
  policy.issuers.clear();
  policy.max_age_s.reset();
  office.revocation = office.make_revocation();
  CHECK(papers(read(office.issue(Purpose::arbiter), policy)) == Outcome::valid);
  const Bundle alone = office.pack({Office::sign(office.log.key, office.policy_body, office.issued_at),
                                    Office::sign(office.owner, office.registration, office.issued_at)},
                                   Purpose::arbiter);
  CHECK(papers(read(alone, policy)) == Outcome::valid);
}

TEST_CASE("altered bytes, a forged license and a seed that opens nothing are false papers") {
  Office office;
  const Bundle good = office.issue(Purpose::arbiter);
  Bytes bytes = encode_bundle(good);
  bytes[bytes.size() / 2] ^= 1;
  CHECK(read_party("acme", bytes, office.policy(), kNow).party.papers.outcome() == Outcome::invalid);
  Bundle seed = good, receipt = good;
  seed.disclosures.passports[0].seed.seed[0] ^= 1;
  CHECK(papers(read(seed, office.policy())) == Outcome::invalid);
  CHECK(read(seed, office.policy()).openings.empty());
  receipt.statements[2] = office.log.transparent(Office::sign(office.owner, office.license, office.issued_at), 1);
  CHECK(papers(read(receipt, office.policy())) == Outcome::invalid);
  Office forger;
  forger.license.licensee = forger.claimant.public_key();
  const Bundle forged = forger.pack({Office::sign(forger.log.key, forger.policy_body, forger.issued_at),
                                     Office::sign(forger.owner, forger.registration, forger.issued_at),
                                     Office::sign(forger.claimant, forger.license, forger.issued_at)},
                                    Purpose::arbiter);
  CHECK(papers(read(forged, forger.policy())) == Outcome::invalid);
}

TEST_CASE("a log that the policy does not know gives no place, and leaves the papers incomplete") {
  Office office;
  TrustPolicy policy = office.policy();
  policy.logs.clear();
  const PartyPapers party = read(office.issue(Purpose::arbiter), policy);
  CHECK(papers(party) == Outcome::undecided);
  CHECK(party.party.registration);
  CHECK_FALSE(party.party.place);
}

TEST_CASE(
    "a seed that follows from its picture opens the passport, one that does not is false, one that cannot be compared leaves it "
    "open") {
  Office office;
  const PartyPapers read_once = read(office.issue(Purpose::arbiter), office.policy());
  DisputeParty follows = read_once.party, false_one = read_once.party, unread = read_once.party;
  judge_seed(follows, "reserve-1", Done{});
  CHECK(follows.opened == std::vector<std::string>{"reserve-1"});
  CHECK(follows.papers.outcome() == Outcome::valid);
  judge_seed(false_one, "reserve-1", Error{Errc::malformed, "does not follow"});
  CHECK(false_one.opened.empty());
  CHECK(false_one.papers.outcome() == Outcome::invalid);
  judge_seed(unread, "reserve-1", Error{Errc::unsupported, "no model part"});
  CHECK(unread.papers.outcome() == Outcome::undecided);
}

TEST_CASE("a quorum of witnesses dates a registration, and its absence takes the place but not the papers") {
  Witnessed witnessed;
  const PartyPapers party = read(witnessed.bundle(), witnessed.policy());
  CHECK(papers(party) == Outcome::valid);
  REQUIRE(party.party.times.size() == 1);
  CHECK(party.party.times[0].time == witnessed.at);
  CHECK(party.party.times[0].source == "witnesses w");
  CHECK(party.party.place);
  const PartyPapers alone = read(witnessed.office.issue(Purpose::arbiter), witnessed.policy());
  CHECK(papers(alone) == Outcome::valid);
  CHECK_FALSE(alone.party.place);
  CHECK(alone.party.times.empty());
}

TEST_CASE("an earlier bundle of the same registration adds its time, another or one without a time is refused") {
  Witnessed witnessed;
  const TrustPolicy policy = witnessed.policy();
  DisputeParty party = read(witnessed.office.issue(Purpose::arbiter), policy).party;
  const auto refusal = [&](const Bytes& bytes) {
    const Status added = add_earlier(party, bytes, policy, kNow);
    return added ? std::string("taken") : added.error().detail;
  };
  Bytes altered = encode_bundle(witnessed.bundle());
  altered[altered.size() / 2] ^= 1;
  CHECK(refusal(altered) == "the earlier bundle is altered or forged");
  CHECK(refusal(encode_bundle(witnessed.office.issue(Purpose::public_))).find("no time from outside") != std::string::npos);
  Witnessed other;
  other.office.registration.id = other.office.license.registration_id = other.office.status.registration_id =
      named_bytes("another", 16);
  CHECK(refusal(encode_bundle(other.bundle())).find("of another registration than acme's") != std::string::npos);
  CHECK(party.times.empty());
  CHECK(refusal(encode_bundle(witnessed.bundle())) == "taken");
  CHECK(party.times.size() == 1);
}

TEST_CASE("a license that is held is in force or not, and its holder is who shows the key") {
  Office office;
  const DisputeParty stranger{.name = "ada",
                              .has_papers = false,
                              .papers = {},
                              .registration = {},
                              .place = {},
                              .times = {},
                              .opened = {},
                              .licenses = {}};
  const auto held = [&](const DisputeParty& party, const PaperOptions& options) {
    return read_held_license(party, encode_bundle(office.issue(Purpose::public_)), office.policy(), options);
  };
  const HeldLicense silent = held(stranger, {.now = kNow, .memory = {}, .possession = {}});
  CHECK(silent.in_force == Outcome::valid);
  CHECK(silent.holder == Outcome::undecided);
  CHECK(silent.registration_id == office.registration.id);
  CHECK(silent.owner == office.registration.owner);
  CHECK(held(stranger, asking(office, office.licensee)).holder == Outcome::valid);
  CHECK(held(stranger, asking(office, office.claimant)).holder == Outcome::invalid);
  DisputeParty owner = stranger;  // of a registration of his own, under the licensee's key
  owner.registration = Registration{.owner = office.licensee.public_key()};
  CHECK(held(owner, {.now = kNow, .memory = {}, .possession = {}}).holder == Outcome::valid);
  CHECK(held(stranger, {.now = office.license.expires, .memory = {}, .possession = {}}).in_force == Outcome::invalid);
  office.revocation = office.make_revocation();
  office.status.states[3] = StatusList::revoked;
  CHECK(held(stranger, asking(office, office.licensee)).in_force == Outcome::invalid);
}

TEST_CASE("a license whose age cannot be judged is not in force, nor is what is no bundle") {
  Office office;
  TrustPolicy policy = office.policy();
  policy.max_age_s.reset();
  const DisputeParty party{.name = "ada",
                           .has_papers = false,
                           .papers = {},
                           .registration = {},
                           .place = {},
                           .times = {},
                           .opened = {},
                           .licenses = {}};
  CHECK(read_held_license(party, encode_bundle(office.issue(Purpose::public_)), policy,
                          {.now = kNow, .memory = {}, .possession = {}})
            .in_force == Outcome::undecided);
  const HeldLicense junk =
      read_held_license(party, as_bytes("no bundle at all"), policy, {.now = kNow, .memory = {}, .possession = {}});
  CHECK(junk.in_force == Outcome::invalid);
  CHECK(junk.registration_id.empty());
}

}  // namespace stegpass::credential::testing
