#include "model_part.hpp"
#include "report_papers.hpp"

namespace stegpass::cli {

using namespace credential;
using html::Markup;

namespace {

/// Collects figures; what fails leaves a sentence instead.
class Pictures {
 public:
  Pictures(const ReportInputs& inputs, std::vector<std::string>& not_shown) : inputs_(inputs), not_shown_(not_shown) {}

  std::vector<Figure> all() {
    const Disclosures& opened = inputs_.papers.disclosures;
    const bool passports = passport() != nullptr || !opened.passports.empty();
    if (passports) {
      if (auto part = load_model_part()) {
        show_passports(**part);
      } else {
        not_shown_.push_back("the passports: " + part.error().detail);
      }
    }
    if (opened.identity)
      add(Result<Bytes>(opened.identity->picture), "The identity", "as the bundle opens it: the picture that was hidden",
          "the opened identity picture");
    return std::move(figures_);
  }

 private:
  const EvidenceFile* passport() const {
    const auto& file = inputs_.evidence.passport;
    return file && file->problem.empty() ? &*file : nullptr;
  }
  const PassportOpening* cover() const {
    for (const PassportOpening& opened : inputs_.papers.disclosures.passports)
      if (opened.role == "cover") return &opened;
    return nullptr;
  }

  void show_passports(ModelPart& part) {
    for (const PassportOpening& opened : inputs_.papers.disclosures.passports)
      add(part.scale_picture(opened.picture), "Owner's passport: " + opened.role, "its scale picture, opened in the bundle",
          "the opened " + opened.role + " passport");
    if (passport() == nullptr) return;
    add(part.scale_picture(passport()->bytes), "The user passport", "its scale picture, as brought",
        "the user passport that was brought");
    if (cover() != nullptr)
      add(part.difference(cover()->picture, passport()->bytes), "Difference × 20",
          "user passport less cover; grey where they are equal", "the difference");
    show_reveal(part);
  }

  void show_reveal(ModelPart& part) {
    const auto& key = inputs_.papers.disclosures.isn_key;
    if (!key) return;
    auto weights = inputs_.evidence.isn ? Result<Bytes>(inputs_.evidence.isn->bytes) : load_isn_weights({});
    auto revealed = weights ? part.reveal(passport()->bytes, key->key, *weights) : Result<RevealResult>(weights.error());
    add(revealed ? Result<Bytes>(std::move(revealed->picture)) : Result<Bytes>(revealed.error()), "Identity revealed",
        "what the license's key finds in the user passport", "the identity revealed from the user passport");
  }

  void add(const Result<Bytes>& file, const std::string& title, const std::string& what, const std::string& alternative) {
    if (!file) return not_shown_.push_back(alternative + ": " + file.error().detail);
    figures_.push_back({html::picture(*file, title + ": " + what), html::element("strong", title) + ", " + what});
  }

  const ReportInputs& inputs_;
  std::vector<std::string>& not_shown_;
  std::vector<Figure> figures_;
};

}  // namespace

std::vector<Figure> pictures_of(const ReportInputs& inputs, std::vector<std::string>& not_shown) {
  return Pictures(inputs, not_shown).all();
}

}  // namespace stegpass::cli
