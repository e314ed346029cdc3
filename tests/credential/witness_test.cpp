#include <stegpass/credential/witness.hpp>

#include <stegpass/credential/core/text.hpp>

#include "papers_fixture.hpp"
#include "tests/support/catch.hpp"

namespace stegpass::credential::testing {
namespace {

/// A log in memory and a witness that remembers.
struct Watch {
  MemoryLog log;
  PrivateKey key = named_key("witness");
  VerifierMemory memory;

  void grow(std::uint64_t size) {
    while (log.leaves.size() < size) log.leaves.push_back(named_digest<32>("leaf " + std::to_string(log.leaves.size())));
  }
  WitnessRequest request(std::uint64_t old_size, std::vector<Digest32> proof = {}) const {
    return {old_size, std::move(proof), log.checkpoint(kNow)};
  }
  WitnessAnswer ask(const WitnessRequest& request) {
    auto answer = answer_witness_request(request, {log.verifier()}, memory, "w.example/1", key, kNow + 5);
    if (answer.verdict.outcome() == Outcome::valid) memory = answer.memory;
    return answer;
  }
  /// The same again, since keys are not copied.
  Watch twin() const {
    Watch out;
    out.log.leaves = log.leaves;
    out.memory = memory;
    return out;
  }
  NoteVerifier verifier() const { return {"w.example/1", key.public_key(), NoteKind::witness}; }
};

/// The consistency path of a small tree, by the definition of RFC 9162 section 2.1.4.1 over lists of leaves.
std::vector<Digest32> path_between(std::uint64_t old_size, const std::vector<Digest32>& leaves, bool whole = true) {
  const std::uint64_t count = leaves.size();
  if (old_size == count) return whole ? std::vector<Digest32>{} : std::vector<Digest32>{merkle_root(leaves)};
  std::uint64_t half = 1;
  while (half * 2 < count) half *= 2;
  const auto middle = leaves.begin() + static_cast<std::ptrdiff_t>(half);
  const std::vector<Digest32> left(leaves.begin(), middle), right(middle, leaves.end());
  auto path = old_size <= half ? path_between(old_size, left, whole) : path_between(old_size - half, right, false);
  path.push_back(merkle_root(old_size <= half ? right : left));
  return path;
}

std::string failing(const WitnessAnswer& answer) {
  for (const Check& check : answer.verdict.checks())
    if (check.outcome != Outcome::valid) return check.code + " " + std::string(outcome_name(check.outcome));
  return "none";
}

TrustPolicy policy_of(const std::string& lines) { return parse_trust_policy(lines).value(); }

}  // namespace

TEST_CASE("a witness cosigns a first checkpoint, and every later one that is shown to continue it") {
  Watch watch;
  for (const std::uint64_t size : {1u, 2u, 5u, 8u, 13u, 13u, 21u}) {
    const auto old = watch.memory.newest.empty() ? 0 : watch.memory.newest.begin()->second.tree_size;
    watch.grow(size);
    const auto answer = watch.ask(watch.request(old, old == 0 ? std::vector<Digest32>{} : path_between(old, watch.log.leaves)));
    INFO(size << ": " << failing(answer));
    REQUIRE(answer.verdict.outcome() == Outcome::valid);
    Note note = parse_note(watch.log.checkpoint(kNow)).value();
    note.signatures.push_back(answer.cosignature);
    CHECK(verify_cosignature(note, watch.verifier()).value() == kNow + 5);
    CHECK(verify_note(note, watch.log.verifier()).ok());
    CHECK(watch.memory.newest.at(watch.log.origin).tree_size == size);
  }
}

TEST_CASE("a witness refuses a rollback, a split view, a forged proof and another key by name, and forgets nothing") {
  Watch watch;
  watch.grow(8);
  REQUIRE(watch.ask(watch.request(0)).verdict.outcome() == Outcome::valid);
  const auto before = encode_verifier_memory(watch.memory);
  const auto refuse = [&](const WitnessRequest& request) {
    const auto answer = watch.ask(request);
    CHECK(answer.cosignature.signature.empty());
    CHECK(encode_verifier_memory(answer.memory) == before);
    return failing(answer);
  };
  const auto grown = [&] {
    Watch later = watch.twin();
    later.grow(13);
    return later.request(8, path_between(8, later.log.leaves));
  }();
  Watch other = watch.twin();
  other.log.leaves[3][0] ^= 1;
  CHECK(refuse(other.request(8)) == "witness.split-view invalid");
  other.grow(13);
  CHECK(refuse(other.request(8, path_between(8, other.log.leaves))) == "witness.proof invalid");
  other.log.leaves.resize(7);
  CHECK(refuse(other.request(8)) == "witness.rollback invalid");
  other = watch.twin();
  other.log.key = named_key("another log key");
  CHECK(refuse(other.request(8)) == "witness.log invalid");
  other.log.origin = "stranger.example/log";
  CHECK(refuse(other.request(0)) == "witness.log undecided");
  for (std::size_t i = 0; i < grown.proof.size(); ++i) {
    auto forged = grown;
    forged.proof[i][7] ^= 1;
    CHECK(refuse(forged) == "witness.proof invalid");
  }
  auto forged = grown;
  forged.proof.pop_back();
  CHECK(refuse(forged) == "witness.proof invalid");
  forged = grown;
  forged.proof.push_back(forged.proof[0]);
  CHECK(refuse(forged) == "witness.proof invalid");
  forged = grown;
  forged.old_size = 7;
  CHECK(refuse(forged) == "witness.proof undecided");
  forged.old_size = 0;
  CHECK(refuse(forged) == "witness.proof undecided");
  CHECK(watch.ask(grown).verdict.outcome() == Outcome::valid);
}

TEST_CASE("a request to a witness comes back from its text, and each other form is malformed") {
  Watch watch;
  watch.grow(5);
  const WitnessRequest request = watch.request(3, path_between(3, watch.log.leaves));
  const std::string text = encode_witness_request(request);
  const auto read = parse_witness_request(text).value();
  CHECK(read.old_size == 3);
  CHECK(read.proof == request.proof);
  CHECK(read.checkpoint == request.checkpoint);
  for (std::size_t cut = 0; cut < text.size(); ++cut) CHECK_FALSE(parse_witness_request(text.substr(0, cut)).ok());
  for (const std::string bad : {"", "old\n\n", "old 03\n\n", "old -1\n\n", "new 3\n\n", "old 3\nAAAA\n\n", "old 3\n?\n\n"})
    CHECK(parse_witness_request(bad + request.checkpoint).error().code == Errc::malformed);
  const std::string hash = to_base64(Digest32{}) + "\n";
  std::string long_one = "old 3\n";
  for (int i = 0; i < 63; ++i) long_one += hash;
  CHECK(parse_witness_request(long_one + "\n" + request.checkpoint).ok());
  CHECK(parse_witness_request(long_one + hash + "\n" + request.checkpoint).error().code == Errc::malformed);
}

TEST_CASE("every flipped bit of a cosignature leaves it absent or bad") {
  Note note{"example.com/log\n1\nAAAA\n", {}};
  cosign_note(note, "w", named_key("witness"), kNow);
  const NoteVerifier witness{"w", named_key("witness").public_key(), NoteKind::witness};
  REQUIRE(verify_cosignature(note, witness).value() == kNow);
  for (std::size_t bit = 0; bit < 8 * 72; ++bit) {
    Note changed = note;
    changed.signatures[0].signature[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    CHECK(verify_cosignature(changed, witness).error().code == Errc::malformed);
  }
  Note other = note;
  other.text += "time 1\n";
  CHECK_FALSE(verify_cosignature(other, witness).ok());
  other = note;
  other.signatures[0].signature.push_back(0);
  CHECK_FALSE(verify_cosignature(other, witness).ok());
}

TEST_CASE("a cosignature is no signature of a log, nor the other way round") {
  const PrivateKey key = named_key("both");
  Note note{"text\n", {}};
  cosign_note(note, "n", key, kNow);
  CHECK(verify_note(note, {"n", key.public_key()}).error().code == Errc::not_found);
  Note plain{"text\n", {}};
  sign_note(plain, "n", key);
  CHECK(verify_cosignature(plain, {"n", key.public_key(), NoteKind::witness}).error().code == Errc::not_found);
  const NoteVerifier witness{"n", key.public_key(), NoteKind::witness};
  CHECK(NoteVerifier::parse(witness.to_vkey(), NoteKind::witness).value().to_vkey() == witness.to_vkey());
  CHECK(NoteVerifier::parse(witness.to_vkey()).error().code == Errc::unsupported);
  CHECK(NoteVerifier::parse(NoteVerifier{"n", key.public_key()}.to_vkey(), NoteKind::witness).error().code == Errc::unsupported);
}

TEST_CASE("the verdict counts the witnesses of the policy's quorum, group by group") {
  Office office;
  Bundle bundle = office.issue();
  std::string lines;
  for (const char* name : {"a", "b", "c", "d"})
    lines += "witness " + std::string(name) + " " +
             NoteVerifier{name, named_key(name).public_key(), NoteKind::witness}.to_vkey() + "\n";
  lines += "group first 2 a b c\ngroup both all first d\nquorum both\n";
  TrustPolicy policy = office.policy();
  const TrustPolicy witnesses = policy_of(lines);
  policy.witnesses = witnesses.witnesses;
  policy.groups = witnesses.groups;
  policy.quorum = witnesses.quorum;
  const auto outcome_by = [&](const std::string& names, std::int64_t time = kNow) {
    Note note = parse_note(bundle.checkpoint).value();
    for (const char name : names) cosign_note(note, std::string(1, name), named_key(std::string(1, name)), time);
    Bundle cosigned = bundle;
    cosigned.checkpoint = encode_note(note);
    const PaperVerdict papers = verify_papers(encode_bundle(cosigned), policy, {.now = kNow});
    CHECK(outcome_of(papers, "checkpoint.signature") == Outcome::valid);
    CHECK(papers.verdict.outcome() == outcome_of(papers, "checkpoint.witnesses"));
    return outcome_of(papers, "checkpoint.witnesses");
  };
  CHECK(outcome_by("abd") == Outcome::valid);
  CHECK(outcome_by("bcd") == Outcome::valid);
  CHECK(outcome_by("abcd") == Outcome::valid);
  CHECK(outcome_by("abc") == Outcome::undecided);
  CHECK(outcome_by("ad") == Outcome::undecided);
  CHECK(outcome_by("") == Outcome::undecided);
  CHECK(outcome_by("aad") == Outcome::undecided);  // one witness twice
  CHECK(outcome_by("abdx") == Outcome::valid);     // a witness that nobody knows
  CHECK(outcome_by("abd", kNow + 3600) == Outcome::undecided);

  Note note = parse_note(bundle.checkpoint).value();
  for (const char* name : {"a", "b", "d"}) cosign_note(note, name, named_key(name), kNow);
  note.signatures.back().signature[20] ^= 1;
  bundle.checkpoint = encode_note(note);
  check_only(verify_papers(encode_bundle(bundle), policy, {.now = kNow}), {"checkpoint.witnesses"}, Outcome::invalid);
}

TEST_CASE("without a quorum in the policy the verdict says that no witness was asked for") {
  Office office;
  const PaperVerdict papers = office.verify();
  CHECK(outcome_of(papers, "checkpoint.witnesses") == Outcome::not_checked);
  CHECK(papers.verdict.outcome() == Outcome::valid);
}

TEST_CASE("the witnesses of a policy come back as they were written") {
  const std::string key = NoteVerifier{"w.example/1", named_key("w").public_key(), NoteKind::witness}.to_vkey();
  const std::string key2 = NoteVerifier{"w.example/2", named_key("w2").public_key(), NoteKind::witness}.to_vkey();
  const TrustPolicy read =
      policy_of("witness one " + key + " https://w.example\nwitness two " + key2 + "\ngroup g any one two\nquorum g\n");
  CHECK(encode_trust_policy(read) ==
        "witness one " + key + "\nwitness two " + key2 + "\ngroup g 1 one two\nquorum g\nmark-bound -30\n");
  CHECK(policy_of(encode_trust_policy(read)).quorum == "g");
  CHECK(policy_of("witness one " + key + "\nquorum none\n").quorum.empty());
  CHECK(policy_of("witness one " + key + "\nquorum one\n").quorum == "one");
}

TEST_CASE("witness lines that C2SP refuses are malformed") {
  const std::string one = "witness one " + NoteVerifier{"w", named_key("w").public_key(), NoteKind::witness}.to_vkey() + "\n";
  const std::string two = "witness two " + NoteVerifier{"v", named_key("v").public_key(), NoteKind::witness}.to_vkey() + "\n";
  const std::string same_key =
      "witness two " + NoteVerifier{"other", named_key("w").public_key(), NoteKind::witness}.to_vkey() + "\nquorum none\n";
  for (const std::string& bad :
       {one, one + same_key, one + one + "quorum one\n", std::string("quorum one\n"), "quorum one\n" + one,
        one + "group g all\nquorum g\n", one + "group g 2 one\nquorum g\n", one + "group g 0 one\nquorum g\n",
        one + "group g some one\nquorum g\n", one + "group g all one one\nquorum g\n", one + "group g all two\nquorum g\n",
        one + two + "group g all one\ngroup h all one two\nquorum h\n", one + "group none all one\nquorum one\n",
        one + "group one all one\nquorum one\n", one + "quorum one\nquorum one\n", one + "quorum none\nquorum none\n",
        one + "group g all g\nquorum one\n"}) {
    INFO(bad);
    const auto read = parse_trust_policy(bad);
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().code == Errc::malformed);
  }
}

TEST_CASE("a log's key is none for a witness line") {
  const auto read =
      parse_trust_policy("witness one " + NoteVerifier{"w", named_key("w").public_key()}.to_vkey() + "\nquorum one\n");
  REQUIRE_FALSE(read.ok());
  CHECK(read.error().code == Errc::unsupported);
}

}  // namespace stegpass::credential::testing
