#include "papers_fixture.hpp"
#include "tests/support/catch.hpp"

namespace stegpass::credential::testing {
namespace {

Errc memory_code_of(const std::string& lines) {
  const Result<VerifierMemory> read = parse_verifier_memory("stegpass.verifier-memory.v1\n" + lines);
  return read ? Errc::internal : read.error().code;
}

const std::string kRoot = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

// A bundle's checkpoint judged by a verifier who remembers `newest`.
PaperVerdict with_memory(Office& office, const Checkpoint& newest) {
  PaperOptions options{.now = kNow};
  options.memory.newest[newest.origin] = newest;
  return office.verify(office.issue(), options);
}

Checkpoint current(Office& office) {
  office.issue();
  return {office.log.origin, office.log.leaves.size(), merkle_root(office.log.leaves), office.checkpoint_at};
}

}  // namespace

TEST_CASE("a verifier's memory comes back as it was written") {
  VerifierMemory wrote;
  wrote.newest["a.example/log"] = {"a.example/log", 12, named_digest<32>("a"), kNow};
  wrote.newest["b.example/log"] = {"b.example/log", 0, named_digest<32>("b"), 0};
  const VerifierMemory read = parse_verifier_memory(encode_verifier_memory(wrote)).value();
  CHECK(read.newest == wrote.newest);
  CHECK(encode_verifier_memory(read) == encode_verifier_memory(wrote));
}

TEST_CASE("an empty memory is one line") {
  CHECK(encode_verifier_memory({}) == "stegpass.verifier-memory.v1\n");
  CHECK(parse_verifier_memory("stegpass.verifier-memory.v1\n").value().newest.empty());
}

TEST_CASE("a memory without its first line is refused") {
  CHECK(parse_verifier_memory("").error().code == Errc::malformed);
  CHECK(parse_verifier_memory("1 " + kRoot + " 0 a\n").error().code == Errc::malformed);
}

TEST_CASE("lines that are no checkpoint are refused, and so are truncated ones") {
  CHECK(memory_code_of("5 " + kRoot + " 7 a\n") == Errc::internal);
  for (const std::string& line : {std::string("\n"), "x " + kRoot + " 7 a\n", "05 " + kRoot + " 7 a\n",
                                  std::string("5 AAAA 7 a\n"), "5 " + kRoot + " -7 a\n", "5 " + kRoot + " 7 \n",
                                  "5 " + kRoot + " 7\n", "5 " + kRoot + " 999999999999999 a\n", "5 " + kRoot + " 7 a"}) {
    CHECK(memory_code_of(line) == Errc::malformed);
  }
}

TEST_CASE("a memory names each log once, in order") {
  const std::string a = "5 " + kRoot + " 7 a\n", b = "5 " + kRoot + " 7 b\n";
  CHECK(memory_code_of(a + b) == Errc::internal);
  CHECK(memory_code_of(b + a) == Errc::malformed);
  CHECK(memory_code_of(a + a) == Errc::malformed);
}

TEST_CASE("the first checkpoint of a log is taken and remembered") {
  Office office;
  const PaperVerdict papers = office.verify();
  CHECK(outcome_of(papers, "checkpoint.memory") == Outcome::valid);
  CHECK(papers.memory.newest.at(office.log.origin) == current(office));
}

TEST_CASE("the same checkpoint again is taken") {
  Office office;
  const PaperVerdict papers = with_memory(office, current(office));
  CHECK(papers.verdict.outcome() == Outcome::valid);
  CHECK(papers.memory.newest.at(office.log.origin) == current(office));
}

TEST_CASE("a larger tree than the remembered one is taken and remembered") {
  Office office;
  const Checkpoint now = current(office);
  const PaperVerdict papers = with_memory(office, {now.origin, 2, named_digest<32>("old"), now.time - 100});
  CHECK(papers.verdict.outcome() == Outcome::valid);
  CHECK(papers.memory.newest.at(now.origin) == now);
}

TEST_CASE("an older checkpoint than the remembered one is undecided, and the memory stays") {
  Office office;
  const Checkpoint newer{office.log.origin, 100, named_digest<32>("newer"), kNow};
  const PaperVerdict papers = with_memory(office, newer);
  CHECK(outcome_of(papers, "checkpoint.memory") == Outcome::undecided);
  CHECK(papers.verdict.outcome() == Outcome::undecided);
  CHECK(papers.memory.newest.at(newer.origin) == newer);
}

TEST_CASE("a larger tree with an older date than the remembered one is undecided") {
  Office office;
  const Checkpoint now = current(office);
  const PaperVerdict papers = with_memory(office, {now.origin, 2, named_digest<32>("old"), now.time + 100});
  CHECK(outcome_of(papers, "checkpoint.memory") == Outcome::undecided);
}

TEST_CASE("another root at the remembered size is a fork") {
  Office office;
  Checkpoint forked = current(office);
  forked.root = named_digest<32>("fork");
  const PaperVerdict papers = with_memory(office, forked);
  CHECK(outcome_of(papers, "checkpoint.memory") == Outcome::invalid);
  CHECK(detail_of(papers, "checkpoint.memory").starts_with("forked"));
  CHECK(papers.memory.newest.at(forked.origin) == forked);
}

TEST_CASE("the memory of one log says nothing about another") {
  Office office;
  CHECK(with_memory(office, {"other.example/log", 100, named_digest<32>("other"), kNow}).verdict.outcome() == Outcome::valid);
}

TEST_CASE("a checkpoint that no trusted log signed is not remembered") {
  Office office;
  TrustPolicy policy = office.policy();
  policy.logs.clear();
  const PaperVerdict papers = verify_papers(encode_bundle(office.issue()), policy, {.now = kNow});
  CHECK(papers.memory.newest.empty());
  CHECK(papers.as_of == 0);
}

TEST_CASE("a checkpoint from the verifier's future is not remembered") {
  Office office;
  office.checkpoint_at = kNow + kDay;
  const PaperVerdict papers = office.verify();
  CHECK(outcome_of(papers, "checkpoint.age") == Outcome::undecided);
  CHECK(papers.memory.newest.empty());
}

TEST_CASE("times read as dates") {
  CHECK(utc_text(0) == "1970-01-01T00:00:00Z");
  CHECK(utc_text(kNow) == "2027-01-15T08:00:00Z");
  CHECK(utc_text(253402300799) == "9999-12-31T23:59:59Z");
  CHECK(utc_text(-1) == "second -1");
}

}  // namespace stegpass::credential::testing
