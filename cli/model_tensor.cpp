#include <algorithm>

#include <stegpass/credential/core/safetensors.hpp>
#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/statement.hpp>
#include <stegpass/credential/tensor_proof.hpp>

#include "files.hpp"
#include "model_signature.hpp"
#include "workspace.hpp"

namespace stegpass::cli {
namespace {

using credential::Registration;
using credential::TensorProof;

struct ProveOptions {
  std::string model, name, out;
  bool force = false;
};

struct VerifyOptions {
  std::string proof, registration, model;
};

Result<Report> prove(const ProveOptions& options) {
  STEGPASS_CHECK_OK(check_output(options.out, options.force));
  STEGPASS_TRY(file, read_file(options.model, kMaxModelFile, "a model (safetensors)"));
  auto proof = credential::prove_tensor(file, options.name);
  if (!proof) return about(options.model, proof.error());
  STEGPASS_TRY(root, credential::tensor_root_of(*proof));
  STEGPASS_CHECK_OK(write_file(options.out, encode_tensor_proof(*proof), {.force = options.force}));
  Report report;
  report.text = "wrote " + options.out + ": tensor " + std::to_string(proof->place.leaf_index) + " of " +
                std::to_string(proof->place.tree_size) + " under the root " + to_hex(root);
  report.figures = {{"proof", options.out},
                    {"tensor", proof->name},
                    {"index", proof->place.leaf_index},
                    {"count", proof->place.tree_size},
                    {"tensor_root", to_hex(root)},
                    {"data_sha256", to_hex(proof->data)}};
  return report;
}

void check_proof(Verdict& verdict, const TensorProof& proof, const Registration& registration) {
  const auto root = credential::tensor_root_of(proof);
  const std::string at = "tensor " + std::to_string(proof.place.leaf_index) + " of " + std::to_string(proof.place.tree_size);
  if (!root) return verdict.add("tensor.proof", Outcome::invalid, root.error().detail);
  if (*root == registration.tensor_root && proof.place.tree_size == registration.tensor_count)
    return verdict.add("tensor.proof", Outcome::valid, at + " of the registered model, root " + to_hex(*root));
  verdict.add("tensor.proof", Outcome::invalid,
              at + " under the root " + to_hex(*root) + "; registered are " + std::to_string(registration.tensor_count) +
                  " with root " + to_hex(registration.tensor_root));
}

/// Whether a file holds that very tensor; its other tensors do not matter.
Status check_data(Verdict& verdict, const TensorProof& proof, const std::string& path) {
  if (path.empty())
    return verdict.add("tensor.data", Outcome::not_checked, "would need a file with the tensor (--model)"), Done{};
  STEGPASS_TRY(bytes, read_file(path, kMaxModelFile, "a model (safetensors)"));
  const auto file = parse_safetensors(bytes);
  if (!file) return verdict.add("tensor.data", Outcome::invalid, path + " is no model file: " + file.error().detail), Done{};
  const auto tensor =
      std::find_if(file->tensors.begin(), file->tensors.end(), [&](const TensorView& one) { return one.name == proof.name; });
  if (tensor == file->tensors.end())
    return verdict.add("tensor.data", Outcome::invalid, path + " holds no tensor " + proof.name), Done{};
  const bool same =
      tensor->dtype == proof.dtype && tensor->shape == proof.shape && credential::fast_sha256(tensor->data) == proof.data;
  verdict.add("tensor.data", same ? Outcome::valid : Outcome::invalid,
              same ? "the tensor in " + path + ", SHA-256 " + to_hex(proof.data)
                   : "the tensor in " + path + " has another type, shape or content");
  return Done{};
}

int verify(const VerifyOptions& options, Output& output) {
  auto file = read_file(options.proof, kMaxSmallFile, "a tensor proof");
  if (!file) return output.fail(file.error());
  auto statement = read_statement(options.registration, credential::StatementKind::registration);
  if (!statement) return output.fail(statement.error());
  const Registration& registration = *statement->as<Registration>();
  Verdict verdict;
  verdict.add("registration.signature", Outcome::valid, "registration " + to_hex(registration.id) + " by " + statement->issuer());
  const auto proof = credential::decode_tensor_proof(*file);
  if (!proof) {
    verdict.add("tensor.proof", proof.error().code == Errc::unsupported ? Outcome::undecided : Outcome::invalid,
                proof.error().detail);
    return output.judged(verdict, current_time());
  }
  check_proof(verdict, *proof, registration);
  if (const Status checked = check_data(verdict, *proof, options.model); !checked) return output.fail(checked.error());
  return output.judged(verdict, current_time(), {{"tensor", proof->name}, {"registration", to_hex(registration.id)}});
}

int run_prove(const ProveOptions& options, Output& output) { return finish(output, prove(options)); }

void setup_prove(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<ProveOptions>();
  CLI::App* command = group.add_subcommand("prove", "Prove that one tensor is part of a model, without the others");
  command->add_option("--model", options->model, "The registered model (safetensors)")->required();
  command->add_option("--name", options->name, "The tensor's name")->required();
  command->add_option("--out", options->out, "The proof")->required();
  command->add_flag("--force", options->force, "Replace what is there");
  command->footer(
      "Example: stegpass model tensor prove --model release.safetensors --name features.0.conv.weight --out tensor.proof");
  bind_command(commands, *command, options, run_prove);
}

void setup_verify(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App* command = group.add_subcommand(
      "verify", "Judge a tensor proof against a registration; whether its owner is trusted is for stegpass verify");
  command->add_option("--proof", options->proof, "The proof")->required();
  command->add_option("--registration", options->registration, "The registration statement")->required();
  command->add_option("--model", options->model, "A file that is said to hold the tensor (safetensors)");
  command->footer(
      "Exit codes: 0 valid, 1 proved false, 2 usage, 3 undecided, 4 file or environment.\n"
      "Example: stegpass model tensor verify --proof tensor.proof --registration registration.cose --model suspect.safetensors");
  bind_command(commands, *command, options, verify);
}

}  // namespace

void setup_model_tensor(Commands& commands, CLI::App& group) {
  CLI::App* tensor = group.add_subcommand("tensor", "Single tensors of a registered model");
  tensor->require_subcommand(1);
  setup_prove(commands, *tensor);
  setup_verify(commands, *tensor);
}

}  // namespace stegpass::cli
