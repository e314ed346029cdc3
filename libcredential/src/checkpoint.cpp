#include <algorithm>
#include <cassert>
#include <charconv>
#include <optional>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/note.hpp>

namespace stegpass::credential {
namespace {

constexpr std::string_view kTimeLabel = "time ", kIndexLabel = "index ";

Error bad(std::string detail) { return {Errc::malformed, "checkpoint: " + std::move(detail)}; }

// A decimal in its one form: digits alone, no leading zero.
template <class Number>
std::optional<Number> parse_decimal(std::string_view text) {
  const bool digits = std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (text.empty() || !digits || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  Number number{};
  const auto done = std::from_chars(text.data(), text.data() + text.size(), number);
  return done.ec == std::errc{} ? std::optional(number) : std::nullopt;
}

// Takes the first line off `text`; nothing when no line feed is left.
std::optional<std::string_view> take_line(std::string_view& text) {
  const auto end = text.find('\n');
  if (end == text.npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

Status read_index(std::string_view value, Checkpoint& checkpoint) {
  const auto root = parse_base64(value);
  if (!root || root->size() != 32 || checkpoint.index_root) return bad("index line twice or not 32 bytes in base64");
  std::copy(root->begin(), root->end(), checkpoint.index_root.emplace().begin());
  return Done{};
}

Status read_extensions(std::string_view text, Checkpoint& checkpoint) {
  while (!text.empty()) {
    const auto line = take_line(text);
    if (!line || line->empty()) return bad("extension line empty or without a line feed");
    if (line->substr(0, kIndexLabel.size()) == kIndexLabel)
      STEGPASS_CHECK_OK(read_index(line->substr(kIndexLabel.size()), checkpoint));
    if (line->substr(0, kTimeLabel.size()) != kTimeLabel) continue;
    const auto seconds = parse_decimal<std::int64_t>(line->substr(kTimeLabel.size()));
    if (!seconds || *seconds == 0 || checkpoint.time != 0) return bad("time line twice or not a count of seconds");
    checkpoint.time = *seconds;
  }
  return Done{};
}

}  // namespace

Result<Checkpoint> parse_checkpoint(std::string_view note_text) {
  const auto origin = take_line(note_text), size = take_line(note_text), root = take_line(note_text);
  if (!root) return bad("fewer than three lines");
  if (origin->empty()) return bad("no origin");
  const auto tree_size = parse_decimal<std::uint64_t>(*size);
  if (!tree_size) return bad("tree size is not a decimal of at most 64 bits");
  STEGPASS_TRY(hash, parse_base64(*root));
  Checkpoint checkpoint{std::string(*origin), *tree_size, {}, 0, {}};
  if (hash.size() != checkpoint.root.size()) return bad("root of " + std::to_string(hash.size()) + " bytes, expected 32");
  std::copy(hash.begin(), hash.end(), checkpoint.root.begin());
  STEGPASS_CHECK_OK(read_extensions(note_text, checkpoint));
  return checkpoint;
}

std::string encode_checkpoint(const Checkpoint& checkpoint) {
  assert(!checkpoint.origin.empty() && checkpoint.origin.find('\n') == std::string::npos && checkpoint.time >= 0);
  std::string text = checkpoint.origin + "\n" + std::to_string(checkpoint.tree_size) + "\n" + to_base64(checkpoint.root) + "\n";
  if (checkpoint.time != 0) text.append(kTimeLabel).append(std::to_string(checkpoint.time)).append("\n");
  if (checkpoint.index_root) text.append(kIndexLabel).append(to_base64(*checkpoint.index_root)).append("\n");
  return text;
}

}  // namespace stegpass::credential
