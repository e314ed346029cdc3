// What the parties of the dispute grid do that the program does not do for them: models pruned, permuted or turned by somebody
// who knows a seed, registrations of other people's bytes, bundles altered. Usage: dispute_forge DEED ARGUMENT...;
// make_disputes.sh calls it.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <iostream>
#include <map>

#include <stegpass/credential/bundle.hpp>
#include <stegpass/credential/core/safetensors.hpp>
#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/request.hpp>
#include <stegpass/credential/statement.hpp>
#include <stegpass/ledger/witness.hpp>
#include <stegpass/model/io/image.hpp>
#include <stegpass/model/mark.hpp>

#include "files.hpp"
#include "workspace.hpp"
#include "workspace_ledger.hpp"

namespace stegpass {
namespace {

using namespace credential;
using Arguments = std::vector<std::string>;
using Floats = std::vector<float>;

constexpr const char* kPassphrase = "correct horse battery staple";
constexpr std::uint64_t kMaxFile = 64u << 20;

template <class T>
T must(Result<T> result) {
  if (result) return std::move(result).value();
  std::cerr << "dispute_forge: " << result.error().detail << "\n";
  std::exit(1);
}
Bytes read(const std::string& path) { return must(cli::read_file(path, kMaxFile, "an input")); }
void write(const std::string& path, ByteView bytes) { must(cli::write_file(path, bytes, {.force = true})); }

/// Rewrites the weights of every tensor; `change` gets name, shape and values.
Bytes with_floats(ByteView file, const std::function<void(const TensorView&, Floats&)>& change) {
  auto parsed = must(parse_safetensors(file));
  std::vector<Floats> held(parsed.tensors.size());
  for (std::size_t i = 0; i < held.size(); ++i) {
    TensorView& tensor = parsed.tensors[i];
    if (tensor.dtype != "F32") continue;
    held[i].resize(tensor.data.size() / sizeof(float));
    std::memcpy(held[i].data(), tensor.data.data(), tensor.data.size());
    change(tensor, held[i]);
    tensor.data = ByteView(reinterpret_cast<const std::uint8_t*>(held[i].data()), tensor.data.size());
  }
  return encode_safetensors(parsed.tensors, parsed.metadata);
}

bool is_filter(const TensorView& tensor) { return tensor.shape.size() == 4; }

/// Sets the smallest weights of each filter bank to zero: MODEL PERCENT OUT.
void prune(const Arguments& in) {
  const double share = std::stod(in[1]) / 100;
  write(in[2], with_floats(read(in[0]), [&](const TensorView& tensor, Floats& values) {
          if (!is_filter(tensor)) return;
          Floats sizes = values;
          for (float& value : sizes) value = std::abs(value);
          const auto bar = sizes.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(sizes.size()));
          std::nth_element(sizes.begin(), bar, sizes.end());
          for (float& value : values) value = std::abs(value) < *bar ? 0 : value;
        }));
}

/// Rounds each filter bank to 8 bits: MODEL OUT.
void quantise(const Arguments& in) {
  write(in[1], with_floats(read(in[0]), [](const TensorView& tensor, Floats& values) {
          if (!is_filter(tensor)) return;
          float largest = 0;
          for (const float value : values) largest = std::max(largest, std::abs(value));
          for (float& value : values) value = std::round(value / largest * 127) * largest / 127;
        }));
}

/// Output channels of features.4 in reverse, and the input channels of features.5 with them: MODEL OUT.
void permute(const Arguments& in) {
  write(in[1], with_floats(read(in[0]), [](const TensorView& tensor, Floats& values) {
          const bool rows = tensor.name.starts_with("features.4."), columns = tensor.name == "features.5.conv.weight";
          if (!rows && !columns) return;
          const auto channels = static_cast<std::size_t>(tensor.shape[rows ? 0 : 1]);
          const std::size_t outer = rows ? 1 : static_cast<std::size_t>(tensor.shape[0]),
                            piece = values.size() / outer / channels;
          const Floats before = values;
          for (std::size_t o = 0; o < outer; ++o) {
            for (std::size_t c = 0; c < channels; ++c)
              std::copy_n(before.begin() + static_cast<std::ptrdiff_t>((o * channels + channels - 1 - c) * piece), piece,
                          values.begin() + static_cast<std::ptrdiff_t>((o * channels + c) * piece));
          }
        }));
}

model::Mark mark_of(const Bundle& bundle) {
  const PassportOpening& opened = bundle.disclosures.passports.at(0);
  auto raster = must(model::io::decode_image(opened.picture));
  const auto passport = must(model::Passport::create(static_cast<int>(raster.width), std::move(raster.rgb)));
  model::MarkSeed seed;
  std::copy(opened.seed.seed.begin(), opened.seed.seed.end(), seed.value.begin());
  for (const Bytes& bytes : bundle.statements) {
    const auto statement = must(Statement::decode(bytes));
    if (const auto* registration = statement.as<Registration>())
      return must(model::make_mark(must(model::Architecture::parse(registration->mark.architecture)), model::Pooling::whitened,
                                   passport, seed, model::MarkPictures::scale_only));
  }
  std::exit(1);
}

/// Turns every `step`-th channel of the opened passport over: a licensee who knows its seed. MODEL BUNDLE STEP OUT.
void turn(const Arguments& in) {
  const model::Mark mark = mark_of(must(decode_bundle(read(in[1]))));
  const std::size_t step = std::stoul(in[2]);
  write(in[3], with_floats(read(in[0]), [&](const TensorView& tensor, Floats& values) {
          for (const model::LayerMark& layer : mark.layers) {
            if (tensor.name != layer.layer + ".conv.weight") continue;
            const auto channels = static_cast<std::size_t>(layer.scale.size(0)),
                       length = static_cast<std::size_t>(layer.scale.size(1));
            const double* u = layer.scale.data_ptr<double>();
            for (std::size_t c = 0; c < channels; c += step) {
              double s = 0, norm = 0;
              for (std::size_t i = 0; i < length; ++i)
                s += values[c * length + i] * u[c * length + i], norm += u[c * length + i] * u[c * length + i];
              for (std::size_t i = 0; i < length; ++i)
                values[c * length + i] -= static_cast<float>(2 * s / norm * u[c * length + i]);
            }
          }
        }));
}

Registration body_of(const std::string& statement) { return *must(Statement::decode(read(statement))).as<Registration>(); }

Registration of_bytes(Registration body, const std::string& model) {
  const Bytes file = read(model);
  const TensorTree tree = must(tensor_tree(file));
  const Digest32 name = fast_sha256(as_bytes("dispute_forge " + model));
  body.id.assign(name.begin(), name.begin() + 16);
  body.model_digest = fast_sha256(file);
  body.model_root = oms_root_of_file(body.model_digest);
  body.tensor_root = tree.root;
  body.tensor_count = tree.leaves.size();
  return body;
}

std::uint64_t enter(const cli::Home& home, const Registration& body) {
  const auto signers = must(cli::read_signers(home, SecretBytes::copy_of(as_bytes(kPassphrase))));
  auto ledger = must(ledger::Ledger::open(home.ledger(), ledger::Ledger::Mode::write));
  const Statement statement = must(sign_statement(signers.owner, body, cli::current_time()));
  return must(ledger.append({statement}, signers.log, cli::current_time())).front().index;
}

/// Registers bytes with the commitments of another registration by the same owner; `stegpass model register` would refuse. HOME
/// STATEMENT MODEL.
void reregister(const Arguments& in) {
  const Registration body = of_bytes(body_of(in[1]), in[2]);
  enter({in[0]}, body);
  std::cout << to_hex(body.id) << "\n";
}

/// Registers somebody's bytes, commits to the seed of his cover, and opens it with a user passport. HOME STATEMENT MODEL
/// VERIFIER-BUNDLE USER-PASSPORT OUT.
void lie(const Arguments& in) {
  const cli::Home home{in[0]};
  const Bundle shown = must(decode_bundle(read(in[3])));
  Registration body = of_bytes(body_of(in[1]), in[2]);
  const SeedOpening seed{Bytes(32, 1), shown.disclosures.cover->seed};
  body.id[0] ^= 1;  // beside the thief's other registration of these bytes
  body.mark.reserves[0] = commitment("mark-seed", body.owner.thumbprint(), seed.salt, seed.seed);
  const std::uint64_t index = enter(home, body);
  const auto log = must(ledger::Ledger::open(home.ledger(), ledger::Ledger::Mode::read));
  Bundle out{.purpose = Purpose::arbiter,
             .checkpoint = must(ledger::cosigned_checkpoint(log)),
             .statements = {},
             .disclosures = {},
             .time_token = {}};
  for (const std::uint64_t entry : {std::uint64_t{0}, index})
    out.statements.push_back(must(cli::transparent_statement(log, entry)));
  out.disclosures.passports.push_back({"reserve-1", Bytes(32, 2), seed, read(in[4])});
  write(in[5], encode_bundle(out));
}

/// Another salt for the opened passport, so that its seed does not follow: BUNDLE OUT.
void missalt(const Arguments& in) {
  Bundle bundle = must(decode_bundle(read(in[0])));
  bundle.disclosures.passports.at(0).seed_salt[0] ^= 1;
  write(in[1], encode_bundle(bundle));
}

/// A receipt of another path, with the bundle's SHA-256 made anew: BUNDLE OUT.
void alter(const Arguments& in) {
  Bundle bundle = must(decode_bundle(read(in[0])));
  bundle.statements.at(1).back() ^= 1;
  write(in[1], encode_bundle(bundle));
}

/// Presents somebody else's license under one's own key, which `stegpass license present` refuses: KEY BUNDLE OUT.
void present(const Arguments& in) {
  const PrivateKey key = must(cli::read_private_key(in[0], SecretBytes::copy_of(as_bytes(kPassphrase))));
  for (const Bytes& bytes : must(decode_bundle(read(in[1]))).statements) {
    const Statement statement = must(Statement::decode(bytes));
    const auto* license = statement.as<License>();
    if (license)
      write(in[2], must(sign_presentation(key, {"arbiter", Bytes{0x00, 0x11, 0x22, 0x33}, license->id, cli::current_time()})));
  }
}

}  // namespace
}  // namespace stegpass

int main(int argc, char** argv) {
  using namespace stegpass;
  const std::map<std::string, std::pair<std::size_t, void (*)(const Arguments&)>> deeds = {
      {"prune", {3, prune}},     {"quantise", {2, quantise}},     {"permute", {2, permute}},
      {"turn", {4, turn}},       {"reregister", {3, reregister}}, {"lie", {6, lie}},
      {"present", {3, present}}, {"missalt", {2, missalt}},       {"alter", {2, alter}}};
  const auto found = argc > 1 ? deeds.find(argv[1]) : deeds.end();
  if (found == deeds.end() || static_cast<std::size_t>(argc) != 2 + found->second.first) {
    std::cerr << "dispute_forge: no such deed, or other arguments than it takes\n";
    return 2;
  }
  found->second.second(Arguments(argv + 2, argv + argc));
  return 0;
}
