#include <algorithm>

#include <stegpass/model/io/draw.hpp>
#include <stegpass/model/survey.hpp>
#include <stegpass/model/weights.hpp>

#include "model_part_impl.hpp"
#include "model_part_pictures.hpp"

namespace stegpass::cli {
namespace {

Result<model::Architecture> architecture_of(ByteView file, const std::string& text) {
  return text.empty() ? model::model_architecture(file) : model::Architecture::parse(text);
}

/// Drawn passports of the smallest size that the network takes; only their scale pictures are read.
Result<std::vector<model::Passport>> draw_passports(const model::Architecture& architecture, const SurveyRequest& request) {
  constexpr std::uint64_t kMostPictures = 100000;
  const std::int64_t size = static_cast<std::int64_t>(architecture.tiles()) * architecture.input_side();
  std::vector<model::Passport> out;
  for (std::uint64_t i = 0; i < std::min(request.pictures, kMostPictures); ++i) {
    const model::Raster scene = model::io::draw_scene(size, size, request.seed * kMostPictures + i);
    STEGPASS_TRY(passport, join_passport(scene, scene));
    out.push_back(passport);
  }
  return out;
}

}  // namespace

Result<SurveyResult> LibtorchModelPart::survey(ByteView file, const SurveyRequest& request, const Progress& progress) {
  STEGPASS_TRY(architecture, architecture_of(file, request.architecture));
  STEGPASS_TRY(passports, draw_passports(architecture, request));
  const auto step = [&](std::size_t done) {
    return !progress || progress(static_cast<double>(done), static_cast<double>(passports.size()), "wrong passports");
  };
  const int seeds = static_cast<int>(std::min<std::uint64_t>(request.seeds, 100000));
  STEGPASS_TRY(survey, model::survey_wrong_passports(file, architecture, passports, seeds, request.seed, step));
  if (survey.degrees_of_freedom == 0)
    return Error{Errc::usage,
                 std::to_string(survey.matches.size()) + " wrong passports are too few for a chi-square test, take a hundred"};
  SurveyResult out;
  out.bits = static_cast<std::uint64_t>(survey.bits);
  out.mean_match = survey.mean_match();
  out.binomial = survey.binomial();
  out.matches = std::move(survey.matches);
  out.chi_square = survey.chi_square;
  out.degrees_of_freedom = survey.degrees_of_freedom;
  out.p_value = survey.p_value;
  out.smallest_p = survey.smallest_p;
  return out;
}

}  // namespace stegpass::cli
