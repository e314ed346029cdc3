#include <stegpass/credential/note.hpp>

#include "helpers.hpp"

using namespace stegpass;
using namespace stegpass::credential;
using namespace stegpass::test;

namespace {

Note sample_note() {
  Note note{"first line\nsecond line\n", {}};
  sign_note(note, "example.com/log", fixed_key("log"));
  sign_note(note, "example.com/witness", fixed_key("witness"));
  return note;
}

NoteVerifier verifier(const std::string& name, std::string_view key) { return {name, fixed_key(key).public_key()}; }

std::string with_replaced(std::string text, std::string_view what, std::string_view by) {
  const auto at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), by);
}

}  // namespace

TEST_CASE("a signed note comes back from its text, and each signature verifies") {
  const std::string text = encode_note(sample_note());
  const Note note = require_ok(parse_note(text));
  CHECK(encode_note(note) == text);
  CHECK(note.text == sample_note().text);
  REQUIRE(note.signatures.size() == 2);
  CHECK(verify_note(note, verifier("example.com/log", "log")).ok());
  CHECK(verify_note(note, verifier("example.com/witness", "witness")).ok());
}

TEST_CASE("a verifier of another name or key finds no signature") {
  const Note note = sample_note();
  check_refused(verify_note(note, verifier("example.com/other", "log")), Errc::not_found, "no signature by example.com/other");
  check_refused(verify_note(note, verifier("example.com/log", "witness")), Errc::not_found);
  check_refused(verify_note(Note{"text\n", {}}, verifier("example.com/log", "log")), Errc::not_found);
}

TEST_CASE("a known signature over another text is bad, not absent") {
  Note note = sample_note();
  note.text = "other line\n";
  check_refused(verify_note(note, verifier("example.com/log", "log")), Errc::malformed, "bad");
}

TEST_CASE("a second, bad signature by the same key spoils the good one") {
  Note note = sample_note();
  note.signatures.push_back(note.signatures[0]);
  CHECK(verify_note(note, verifier("example.com/log", "log")).ok());
  note.signatures.back().signature[0] ^= 1;
  check_refused(verify_note(note, verifier("example.com/log", "log")), Errc::malformed, "bad");
}

TEST_CASE("every flipped bit of a note leaves it unread or without that signature") {
  const Note note = [] {
    Note one{"text\n", {}};
    sign_note(one, "example.com/log", fixed_key("log"));
    return one;
  }();
  for_each_bit_flip(to_bytes(std::string_view(encode_note(note))), [&](const Bytes& changed, std::size_t bit) {
    INFO("bit " << bit);
    const auto read = parse_note(as_text(changed));
    CHECK_FALSE((read.ok() && verify_note(*read, verifier("example.com/log", "log")).ok()));
  });
}

TEST_CASE("the text of a note ends at the last empty line") {
  Note note{"one\n\ntwo\n", {}};
  sign_note(note, "example.com/log", fixed_key("log"));
  CHECK(require_ok(parse_note(encode_note(note))).text == "one\n\ntwo\n");
}

TEST_CASE("a note without an empty line, signatures or the last line feed is malformed") {
  const std::string good = encode_note(sample_note());
  check_refused(parse_note(""), Errc::malformed, "empty line");
  check_refused(parse_note("text\n"), Errc::malformed, "empty line");
  check_refused(parse_note("text\n\n"), Errc::malformed, "missing");
  check_refused(parse_note(good.substr(0, good.size() - 1)), Errc::malformed, "line feed");
  check_refused(parse_note(good + "\n"), Errc::malformed);
}

TEST_CASE("control characters and broken UTF-8 make a note malformed") {
  const std::string good = encode_note(sample_note());
  for (const char* by : {"first\tline", "first\rline", "first\x01line"})
    check_refused(parse_note(with_replaced(good, "first line", by)), Errc::malformed, "control");
  check_refused(parse_note(with_replaced(good, "first", "f\xffrst")), Errc::malformed, "UTF-8");
  check_refused(parse_note(with_replaced(good, "first line", std::string_view("f\0", 2))), Errc::malformed, "control");
}

TEST_CASE("signature lines of another form are malformed") {
  const std::string good = encode_note(sample_note());
  const std::string dash = "\xe2\x80\x94 ";
  check_refused(parse_note(with_replaced(good, dash, "- ")), Errc::malformed, "dash");
  check_refused(parse_note(with_replaced(good, dash + "example.com/log ", dash)), Errc::malformed, "name");
  check_refused(parse_note(with_replaced(good, "example.com/log ", "example.com+log ")), Errc::malformed, "name");
  check_refused(parse_note(with_replaced(good, "example.com/log ", "example.com\xc2\xa0log ")), Errc::malformed, "name");
  check_refused(parse_note("text\n\n" + dash + "name AAAAAA==\n"), Errc::malformed, "4 bytes");
  check_refused(parse_note("text\n\n" + dash + "name AAAAAA\n"), Errc::malformed, "base64");
  check_refused(parse_note("text\n\n" + dash + "name AAAAAAA= \n"), Errc::malformed, "base64");
}

TEST_CASE("a hundred signatures are read and one more refused") {
  Note note{"text\n", {}};
  for (int i = 0; i < 100; ++i) note.signatures.push_back({"name" + std::to_string(i), 7, Bytes{1}});
  CHECK(require_ok(parse_note(encode_note(note))).signatures.size() == 100);
  note.signatures.push_back({"more", 7, Bytes{1}});
  check_refused(parse_note(encode_note(note)), Errc::malformed, "100");
}

TEST_CASE("a verifier key comes back from its text") {
  const NoteVerifier log = verifier("example.com/log", "log");
  const NoteVerifier again = require_ok(NoteVerifier::parse(log.to_vkey()));
  CHECK(again.name == log.name);
  CHECK(again.key == log.key);
  CHECK(again.to_vkey() == log.to_vkey());
}

TEST_CASE("a verifier key with another id, length or shape is malformed") {
  const std::string good = verifier("example.com/log", "log").to_vkey();
  check_refused(NoteVerifier::parse(with_replaced(good, "/log", "/lot")), Errc::malformed, "id");
  check_refused(NoteVerifier::parse(good.substr(0, good.rfind('+'))), Errc::malformed);
  check_refused(NoteVerifier::parse("name"), Errc::malformed, "name+id+key");
  check_refused(NoteVerifier::parse(""), Errc::malformed);
  check_refused(NoteVerifier::parse("+00000000+AQ=="), Errc::malformed, "name");
  check_refused(NoteVerifier::parse("a name+00000000+AQ=="), Errc::malformed, "name");
  check_refused(NoteVerifier::parse("name+0000+AQ=="), Errc::malformed, "4 bytes");
  check_refused(NoteVerifier::parse("name+00000000+AQ=="), Errc::malformed, "0 bytes, expected 32");
}

TEST_CASE("a verifier key of another type is unsupported") {
  Bytes typed = {0x04};
  append(typed, Bytes(32, 1));
  check_refused(NoteVerifier::parse("name+00000000+" + to_base64(typed)), Errc::unsupported, "type 4");
}
