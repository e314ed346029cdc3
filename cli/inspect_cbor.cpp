#include "inspect_cbor.hpp"

#include <array>
#include <utility>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/cose.hpp>

#include "output.hpp"

namespace stegpass::cli {
namespace {

using namespace credential;

constexpr std::size_t kMaxShownBytes = 64, kMaxLine = 100;
constexpr std::array<std::uint8_t, 4> kPngHead = {0x89, 'P', 'N', 'G'};

/// Which registry names the integer keys of a map.
enum class Labels { none, header, claims, confirmation, cose_key, proofs };

struct LabelName {
  std::int64_t label;
  std::string_view name;
  Labels inside = Labels::none;  ///< of the label's value
};

constexpr LabelName kHeader[] = {{1, "alg"},
                                 {2, "crit"},
                                 {3, "content type"},
                                 {4, "kid"},
                                 {15, "CWT claims", Labels::claims},
                                 {16, "typ"},
                                 {17, "sd_claims"},
                                 {33, "x5chain"},
                                 {34, "x5t"},
                                 {258, "payload hash"},
                                 {259, "preimage type"},
                                 {260, "payload location"},
                                 {269, "time of content"},
                                 {270, "time of signature"},
                                 {394, "receipts"},
                                 {395, "vds"},
                                 {396, "proofs", Labels::proofs}};
constexpr LabelName kClaims[] = {{1, "iss"},     {2, "sub"},
                                 {3, "aud"},     {4, "exp"},
                                 {5, "nbf"},     {6, "iat"},
                                 {7, "cti"},     {8, "cnf", Labels::confirmation},
                                 {39, "cnonce"}, {65533, "status_list"},
                                 {65534, "ttl"}, {65535, "status"}};
constexpr LabelName kConfirmation[] = {{1, "COSE_Key", Labels::cose_key}};
constexpr LabelName kCoseKey[] = {{1, "kty"}, {2, "kid"}, {3, "alg"}, {-1, "crv"}, {-2, "x"}, {-3, "y"}};
constexpr LabelName kProofs[] = {{-1, "inclusion", Labels::proofs}, {-2, "consistency", Labels::proofs}};

std::span<const LabelName> names_of(Labels labels) {
  switch (labels) {
    case Labels::none: return {};
    case Labels::header: return kHeader;
    case Labels::claims: return kClaims;
    case Labels::confirmation: return kConfirmation;
    case Labels::cose_key: return kCoseKey;
    case Labels::proofs: return kProofs;
  }
  return {};
}

const LabelName* find_name(Labels labels, const Cbor& key) {
  std::int64_t label = 0;
  if (!key.as_integer(label)) return nullptr;
  for (const LabelName& name : names_of(labels)) {
    if (name.label == label) return &name;
  }
  return nullptr;
}

bool is_time(const LabelName& name) { return name.name == "exp" || name.name == "nbf" || name.name == "iat"; }

std::string short_bytes(const Bytes& bytes) {
  if (bytes.size() <= kMaxShownBytes) return "h'" + to_hex(bytes) + "'";
  const ByteView head = ByteView(bytes).first(8);
  const bool picture = std::equal(kPngHead.begin(), kPngHead.end(), head.begin());
  return "h'" + to_hex(head) + "...' / " + std::to_string(bytes.size()) + " bytes" + (picture ? ", PNG picture /" : " /");
}

/// Writes one item after another into `out_`; `indent` is the column of the line that the item begins on.
class Printer {
 public:
  std::string print(const Cbor& item) {
    write(item, name_top(item), 0);
    return std::move(out_) + "\n";
  }

 private:
  static Labels name_top(const Cbor& item) { return item.find(-1) != nullptr ? Labels::cose_key : Labels::none; }

  void line(int indent) { out_ += "\n" + std::string(static_cast<std::size_t>(indent), ' '); }

  void write(const Cbor& item, Labels labels, int indent) {
    if (const auto* tag = item.as_tag()) return write_tag(*tag, indent);
    if (const auto* bytes = item.as_bytes()) return write_bytes(*bytes, labels, indent);
    if (const auto* items = item.as_array()) return write_array(*items, labels, indent);
    if (const auto* pairs = item.as_map()) return write_map(*pairs, labels, indent);
    out_ += cbor_diagnostic(item);
  }

  void write_tag(const Cbor::Tag& tag, int indent) {
    out_ += std::to_string(tag.number) + "(";
    const CborArray* parts = tag.content.as_array();
    if (tag.number == cose::kSign1Tag && parts != nullptr && parts->size() == 4)
      write_sign1(*parts, indent);
    else
      write(tag.content, Labels::none, indent);
    out_ += ")";
  }

  void write_sign1(const CborArray& parts, int indent) {
    constexpr std::string_view names[] = {"protected", "unprotected", "payload", "signature"};
    constexpr Labels labels[] = {Labels::header, Labels::header, Labels::claims, Labels::none};
    out_ += "[";
    for (std::size_t i = 0; i < parts.size(); ++i) {
      line(indent + 2);
      out_ += "/ " + std::string(names[i]) + " / ";
      const Bytes* bytes = parts[i].as_bytes();
      if (i == 3 || bytes == nullptr || !embed(*bytes, labels[i], indent + 2)) write(parts[i], labels[i], indent + 2);
      if (i + 1 < parts.size()) out_ += ",";
    }
    line(indent);
    out_ += "]";
  }

  /// Opens a byte string that holds an item in deterministic encoding; false when it holds none.
  bool embed(const Bytes& bytes, Labels labels, int indent) {
    auto inside = decode_cbor(bytes);
    if (!inside) return false;
    out_ += "<< ";
    write(*inside, labels, indent);
    out_ += " >>";
    return true;
  }

  void write_bytes(const Bytes& bytes, Labels labels, int indent) {
    constexpr std::uint8_t sign1_head = 0xd2;  // tag 18
    const bool holds_item = labels == Labels::proofs || (!bytes.empty() && bytes[0] == sign1_head);
    if (!holds_item || !embed(bytes, Labels::none, indent)) out_ += short_bytes(bytes);
  }

  void write_array(const CborArray& items, Labels labels, int indent) {
    std::string flat = "[";
    for (const Cbor& item : items)
      flat += (flat.size() > 1 ? ", " : "") + (item.as_bytes() ? short_bytes(*item.as_bytes()) : cbor_diagnostic(item));
    if (labels == Labels::none && flat.size() < kMaxLine && !holds_message(items)) return void(out_ += flat + "]");
    out_ += "[";
    for (std::size_t i = 0; i < items.size(); ++i) {
      line(indent + 2);
      write(items[i], labels, indent + 2);
      if (i + 1 < items.size()) out_ += ",";
    }
    line(indent);
    out_ += "]";
  }

  static bool holds_message(const CborArray& items) {
    for (const Cbor& item : items) {
      const Bytes* bytes = item.as_bytes();
      if (item.as_map() != nullptr || item.as_tag() != nullptr || (bytes != nullptr && bytes->size() > kMaxShownBytes))
        return true;
    }
    return false;
  }

  void write_map(const CborMap& pairs, Labels labels, int indent) {
    if (pairs.empty()) return void(out_ += "{}");
    out_ += "{";
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      line(indent + 2);
      write_pair(pairs[i], labels, indent + 2);
      if (i + 1 < pairs.size()) out_ += ",";
    }
    line(indent);
    out_ += "}";
  }

  void write_pair(const std::pair<Cbor, Cbor>& pair, Labels labels, int indent) {
    const LabelName* name = find_name(labels, pair.first);
    if (name != nullptr) out_ += "/ " + std::string(name->name) + " / ";
    out_ += cbor_diagnostic(pair.first) + ": ";
    write(pair.second, name != nullptr ? name->inside : Labels::none, indent);
    std::int64_t seconds = 0;
    if (name != nullptr && is_time(*name) && pair.second.as_integer(seconds)) out_ += " / " + utc_time(seconds) + " /";
  }

  std::string out_;
};

std::string name_sign1(const Cbor& item) {
  auto message = decode_sign1(encode_cbor(item));
  if (!message) return "CBOR with tag 18 that is no COSE_Sign1: " + message.error().detail;
  const Cbor* typ = message->protected_header.find(cose::kTyp);
  if (typ != nullptr && typ->as_text() != nullptr) return *typ->as_text();
  return message->protected_header.find(cose::kVds) != nullptr ? "receipt (COSE_Sign1)" : "COSE_Sign1";
}

}  // namespace

std::string name_cbor(const Cbor& item) {
  if (const auto* tag = item.as_tag(); tag != nullptr && tag->number == cose::kSign1Tag) return name_sign1(item);
  if (PublicKey::from_cose_key(item)) return "public key (COSE_Key)";
  const CborArray* parts = item.as_array();
  const std::string* version = parts == nullptr || parts->empty() ? nullptr : (*parts)[0].as_text();
  return version != nullptr && version->starts_with("stegpass.") ? *version : "CBOR";
}

std::string annotate_cbor(const Cbor& item) { return Printer().print(item); }

}  // namespace stegpass::cli
