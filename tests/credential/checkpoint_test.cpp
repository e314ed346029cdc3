#include <stegpass/credential/merkle.hpp>
#include <stegpass/credential/note.hpp>

#include "helpers.hpp"

using namespace stegpass;
using namespace stegpass::credential;
using namespace stegpass::test;

namespace {

const std::string kRoot = to_base64(merkle_leaf(Bytes{1}));

Checkpoint sample_checkpoint(std::int64_t time) { return {"ledger.example/one", 42, merkle_leaf(Bytes{1}), time}; }

}  // namespace

TEST_CASE("a checkpoint comes back from its text, with and without a time") {
  for (std::int64_t time : {0, 1, 1790000000}) {
    CHECK(require_ok(parse_checkpoint(encode_checkpoint(sample_checkpoint(time)))) == sample_checkpoint(time));
  }
  CHECK(encode_checkpoint(sample_checkpoint(7)) == "ledger.example/one\n42\n" + kRoot + "\ntime 7\n");
  CHECK(encode_checkpoint(sample_checkpoint(0)) == "ledger.example/one\n42\n" + kRoot + "\n");
}

TEST_CASE("the largest tree size is read and one more refused") {
  CHECK(require_ok(parse_checkpoint("o\n18446744073709551615\n" + kRoot + "\n")).tree_size == UINT64_MAX);
  check_refused(parse_checkpoint("o\n18446744073709551616\n" + kRoot + "\n"), Errc::malformed, "64 bits");
}

TEST_CASE("a tree size with sign, leading zero, space or nothing is malformed") {
  for (const char* size : {"", "042", "+42", "-1", " 42", "42 ", "0x2a", "4 2"}) {
    INFO(size);
    check_refused(parse_checkpoint("o\n" + std::string(size) + "\n" + kRoot + "\n"), Errc::malformed, "tree size");
  }
}

TEST_CASE("a checkpoint that lacks a line or its line feed is malformed") {
  check_refused(parse_checkpoint(""), Errc::malformed, "three lines");
  check_refused(parse_checkpoint("o\n42\n"), Errc::malformed, "three lines");
  check_refused(parse_checkpoint("o\n42\n" + kRoot), Errc::malformed, "three lines");
  check_refused(parse_checkpoint("\n42\n" + kRoot + "\n"), Errc::malformed, "origin");
}

TEST_CASE("a root of another length or form is malformed") {
  check_refused(parse_checkpoint("o\n42\n" + to_base64(Bytes(31)) + "\n"), Errc::malformed, "31 bytes, expected 32");
  check_refused(parse_checkpoint("o\n42\n" + kRoot.substr(1) + "\n"), Errc::malformed, "base64");
}

TEST_CASE("unknown extension lines are passed over") {
  CHECK(require_ok(parse_checkpoint("o\n42\n" + kRoot + "\nother line\ntime 9\nmore\n")).time == 9);
  CHECK(require_ok(parse_checkpoint("o\n42\n" + kRoot + "\ntimes 9\n")).time == 0);
}

TEST_CASE("a time that is twice there, zero or no plain number is malformed") {
  for (const char* lines :
       {"time 9\ntime 9\n", "time 0\n", "time \n", "time 09\n", "time -9\n", "time 9223372036854775808\n", "time 9 \n"}) {
    INFO(lines);
    check_refused(parse_checkpoint("o\n42\n" + kRoot + "\n" + lines), Errc::malformed, "time");
  }
}

TEST_CASE("an empty extension line or one without a line feed is malformed") {
  check_refused(parse_checkpoint("o\n42\n" + kRoot + "\n\n"), Errc::malformed, "extension");
  check_refused(parse_checkpoint("o\n42\n" + kRoot + "\ntime 9"), Errc::malformed, "extension");
}
