#include <algorithm>
#include <array>
#include <filesystem>
#include <vector>

#include <stegpass/credential/printable.hpp>

#include "card.hpp"
#include "files.hpp"
#include "verifier_memory.hpp"
#include "verify_inputs.hpp"

namespace stegpass::cli {
namespace {

using namespace credential;
namespace fs = std::filesystem;

/// Every *.safetensors file under a folder, sorted; links to files count, links to folders are not followed.
Result<std::vector<std::string>> find_models(const fs::path& folder) {
  std::error_code problem;
  std::vector<std::string> out;
  for (fs::recursive_directory_iterator at(folder, problem), end; !problem && at != end; at.increment(problem)) {
    std::error_code ignored;
    if (at->path().extension() == ".safetensors" && !at->is_directory(ignored)) out.push_back(at->path().string());
  }
  if (problem) return Error{Errc::io, "cannot read all of the folder " + folder.string() + ": " + problem.message()};
  std::sort(out.begin(), out.end());
  return out;
}

/// Which of two exit codes says the worse: proved false before unreadable before undecided before valid.
int worse(int a, int b) {
  constexpr std::array<int, 4> rising = {kExitValid, kExitUndecided, kExitEnvironment, kExitInvalid};
  const auto rank = [&](int code) { return std::find(rising.begin(), rising.end(), code); };
  return rank(a) < rank(b) ? b : a;
}

/// The checks on which a model's line rests: all on the model, and those of the papers that are not valid.
Json checks_json(const Verdict& papers, const Verdict& all) {
  Json out = Json::array();
  for (std::size_t i = 0; i < all.checks().size(); ++i) {
    const Check& check = all.checks()[i];
    const bool telling = check.outcome == Outcome::undecided || check.outcome == Outcome::invalid;
    if (i < papers.checks().size() && !telling) continue;
    out.push_back({{"code", check.code}, {"outcome", outcome_name(check.outcome)}, {"detail", check.detail}});
  }
  return out;
}

std::string line_of(const std::string& path, const Verdict& verdict) {
  std::string out = std::string(outcome_name(verdict.outcome())) + "  " + path;
  for (const Check& check : verdict.checks()) {
    if (verdict.outcome() == Outcome::valid || check.outcome != verdict.outcome()) continue;
    return out + "  (" + check.code + ": " + check.detail + ")";
  }
  const Check* descent = verdict.find("model.descends");
  return descent && descent->outcome == Outcome::valid ? out + "  (" + descent->detail + ")" : out;
}

class Fleet {
 public:
  Fleet(const VerifyInputs& inputs, const PaperVerdict& papers, Output& output)
      : inputs_(inputs),
        papers_(papers),
        output_(output),
        verdict_(papers.verdict),
        judge_(papers, inputs.policy, inputs.evidence) {
    check_contract(verdict_, papers.license, inputs.contract);
    check_card(verdict_, inputs.card, inputs.bundle, papers);
  }

  Status judge(const std::string& path) {
    auto file = read_evidence(path, kMaxModelFile, "a model (safetensors)");
    if (!file) return fail(path, file.error());
    const ModelVerdict model = judge_.judge(std::move(*file));
    Verdict all = verdict_;
    all.append(model.verdict);
    apply_requirements(all, inputs_.policy);
    worst_ = worse(worst_, exit_code_of(all.outcome()));
    if (!output_.json()) return output_.line(printable(line_of(path, all)));
    Json line = {{"model", path},
                 {"verdict", outcome_name(all.outcome())},
                 {"exit", exit_code_of(all.outcome())},
                 {"papers", outcome_name(verdict_.outcome())},
                 {"as_of", papers_.as_of > 0 ? Json(utc_time(papers_.as_of)) : Json()},
                 {"checks", checks_json(verdict_, all)}};
    line.update(model.figures);
    return print(line);
  }

  /// A folder without a model is no model that passed.
  Status nothing(const std::string& folder) {
    worst_ = worse(kExitUndecided, exit_code_of(verdict_.outcome()));
    const std::string detail = "there is no *.safetensors file under " + folder;
    if (!output_.json()) return output_.line(printable("undecided  " + detail));
    const Check none{"model.digest", Outcome::undecided, detail};
    return print({{"model", Json()},
                  {"verdict", outcome_name(none.outcome)},
                  {"exit", kExitUndecided},
                  {"checks", {{{"code", none.code}, {"outcome", outcome_name(none.outcome)}, {"detail", none.detail}}}}});
  }

  int worst() const { return worst_; }

 private:
  Status print(const Json& line) { return output_.line(line.dump(-1, ' ', false, Json::error_handler_t::replace)); }

  Status fail(const std::string& path, const Error& error) {
    worst_ = worse(worst_, exit_code_of(error.code));
    if (!output_.json()) return output_.line(printable("unreadable  " + path + "  (" + error.detail + ")"));
    return print({{"model", path}, {"verdict", Json()}, {"exit", exit_code_of(error.code)}, {"error", error.detail}});
  }

  const VerifyInputs& inputs_;
  const PaperVerdict& papers_;
  Output& output_;
  Verdict verdict_;  // of the papers
  ModelJudge judge_;
  int worst_ = kExitValid;
};

}  // namespace

int verify_every_model(const VerifyOptions& options, Output& output) {
  auto models = find_models(options.every_model);
  if (!models) return output.fail(models.error());
  auto inputs = read_inputs(options);
  if (!inputs) return output.fail(inputs.error());
  const PaperVerdict papers = judge_papers(*inputs);
  if (auto kept = keep_memory(options.memory, inputs->papers.memory, papers.memory); !kept) {
    return output.fail(kept.error(), "the verdict is withheld, since it could not be remembered");
  }
  Fleet fleet(*inputs, papers, output);
  if (models->empty()) {
    if (auto said = fleet.nothing(options.every_model); !said) return output.fail(said.error());
  }
  for (const std::string& path : *models) {
    if (interrupted()) return output.fail({Errc::interrupted, "stopped before " + path});
    if (auto said = fleet.judge(path); !said) return output.fail(said.error());
  }
  return fleet.worst();
}

}  // namespace stegpass::cli
