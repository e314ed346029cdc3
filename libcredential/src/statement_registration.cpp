#include "statement_body.hpp"

namespace stegpass::credential {
namespace {

constexpr const char* kRegistrationClaim = "stegpass.registration";
constexpr std::size_t kMaxName = 255, kMaxArchitecture = 8000, kMaxLayers = 4096, kMaxReserves = 64;
constexpr std::uint64_t kMaxBits = 1u << 24, kMaxSide = 1u << 14, kMaxTensors = 1u << 24;

Cbor digest_item(const Digest32& digest) { return Cbor::bytes(digest); }

bool is_file_name(std::string_view name) {
  return name != "." && name != ".." && name.find_first_of("/\\") == std::string_view::npos;
}

Cbor write_mark(const MarkClaim& mark) {
  CborArray layers, reserves;
  for (const std::string& layer : mark.layers) layers.push_back(Cbor::text(layer));
  for (const Digest32& reserve : mark.reserves) reserves.push_back(digest_item(reserve));
  return Cbor::map({field("scheme", Cbor::text(mark.scheme)), field("signature", Cbor::text(mark.signature)),
                    field("pooling", Cbor::text(mark.pooling)), field("architecture", Cbor::text(mark.architecture)),
                    field("layers", Cbor::array(std::move(layers))), field("bits", cbor_number(mark.bits)),
                    field("picture-size", cbor_number(mark.picture_size)), field("cover", digest_item(mark.cover)),
                    field("reserves", Cbor::array(std::move(reserves)))});
}

// An array of distinct plain texts.
std::vector<std::string> read_layers(Fields& mark) {
  std::vector<std::string> out;
  for (const CborView item : mark.array("layers", 1, kMaxLayers)) {
    const auto name = item.as_text();
    if (!name || !is_plain_text(*name, kMaxName)) return mark.refuse("a layer is not 1 to 255 bytes of text"), out;
    out.emplace_back(*name);
  }
  return out;
}

std::vector<Digest32> read_reserves(Fields& mark) {
  std::vector<Digest32> out;
  for (const CborView item : mark.array("reserves", 2, kMaxReserves)) {
    const auto bytes = item.as_bytes();
    if (!bytes || bytes->size() != 32) return mark.refuse("a reserve's commitment is not 32 bytes"), out;
    std::copy(bytes->begin(), bytes->end(), out.emplace_back().begin());
  }
  return out;
}

bool known_scheme(const std::string& name) {
  return name == "sp" || name == "pan" || name == "deepipr-v1" || name == "deepipr-v2" || name == "deepipr-v3";
}

MarkClaim read_mark(Fields mark) {
  MarkClaim out;
  out.scheme = mark.text("scheme", 32);
  out.signature = mark.text("signature", 32);
  out.pooling = mark.text("pooling", 32);
  out.architecture = mark.text("architecture", kMaxArchitecture);
  out.layers = read_layers(mark);
  out.bits = mark.number("bits", 1, kMaxBits);
  out.picture_size = mark.number("picture-size", 1, kMaxSide);
  out.cover = mark.digest<32>("cover");
  out.reserves = read_reserves(mark);
  mark.require(known_scheme(out.scheme), "scheme is none of sp, pan, deepipr-v1, -v2, -v3");
  mark.require(out.signature == "strict" || out.signature == "reference", "signature is neither strict nor reference");
  mark.require(out.pooling == "whitened" || out.pooling == "mean", "pooling is neither whitened nor mean");
  mark.finish();
  return out;
}

void read_model(Fields model, Registration& out) {
  out.model_name = model.text("name", kMaxName);
  model.require(is_file_name(out.model_name), "name is not a file name without folders");
  out.model_root = model.digest<32>("root");
  out.model_digest = model.digest<32>("digest");
  out.owner_model = model.digest<32>("owner");
  Fields tensors = model.map("tensors");
  out.tensor_root = tensors.digest<32>("root");
  out.tensor_count = tensors.number("count", 1, kMaxTensors);
  tensors.finish();
  model.finish();
}

void read_accuracy(Fields accuracy, Registration& out) {
  out.accuracy_deployment = static_cast<std::uint32_t>(accuracy.number("deployment", 0, 10000));
  out.accuracy_verification = static_cast<std::uint32_t>(accuracy.number("verification", 0, 10000));
  accuracy.finish();
}

}  // namespace

CborMap write_body(const Registration& body) {
  const Cbor tensors = Cbor::map({field("root", digest_item(body.tensor_root)), field("count", cbor_number(body.tensor_count))});
  const Cbor model = Cbor::map({field("name", Cbor::text(body.model_name)), field("root", digest_item(body.model_root)),
                                field("digest", digest_item(body.model_digest)), field("owner", digest_item(body.owner_model)),
                                field("tensors", tensors)});
  const Cbor accuracy = Cbor::map({field("deployment", cbor_number(body.accuracy_deployment)),
                                   field("verification", cbor_number(body.accuracy_verification))});
  CborMap own = {field("model", model), field("mark", write_mark(body.mark)), field("isn", digest_item(body.isn_digest)),
                 field("accuracy", accuracy)};
  if (body.card) own.push_back(field("card", digest_item(*body.card)));
  return {field(7, Cbor::bytes(body.id)), field(8, confirmation(body.owner)),
          field(kRegistrationClaim, Cbor::map(std::move(own)))};
}

std::optional<StatementBody> read_registration(Fields& claims) {
  const Bytes id = claims.bytes(7, kIdBytes);
  const std::optional<PublicKey> owner = claims.confirmation_key(8);
  if (!owner) return std::nullopt;
  Registration out{.owner = *owner, .id = id};
  Fields own = claims.map(kRegistrationClaim);
  read_model(own.map("model"), out);
  out.mark = read_mark(own.map("mark"));
  out.isn_digest = own.digest<32>("isn");
  read_accuracy(own.map("accuracy"), out);
  if (own.has("card")) out.card = own.digest<32>("card");
  own.finish();
  return out;
}

}  // namespace stegpass::credential
