#include <stegpass/model/survey.hpp>

#include <cmath>
#include <random>

#include <stegpass/model/weights.hpp>
#include <tests/support/catch.hpp>

#include "model_fixtures.hpp"

using namespace stegpass;
using namespace stegpass::model;
using namespace stegpass::model::testing;

namespace {

std::vector<int> binomial_counts(int bits, int count, double chance) {
  std::mt19937_64 random(5);
  std::binomial_distribution<int> distribution(bits, chance);
  std::vector<int> out;
  for (int i = 0; i < count; ++i) out.push_back(distribution(random));
  return out;
}

}  // namespace

TEST_CASE("wrong passports on a marked network match as the exact binomial has it") {
  const Bytes release = encode_release_model(tiny_model().network);
  std::vector<Passport> passports;
  for (std::uint64_t i = 0; i < 20; ++i) passports.push_back(drawn_passport(1000 + i));
  const Survey survey = survey_wrong_passports(release, tiny_architecture(), passports, 100, 7).value();
  CHECK(survey.matches.size() == 2000);
  CHECK(survey.bits == 112);
  CHECK(survey.mean_match() == Approx(0.5).margin(0.01));
  CHECK(survey.degrees_of_freedom > 15);
  CHECK(survey.binomial());
}

TEST_CASE("a survey reads the signs that a mark's own directions read") {
  const Passport passport = drawn_passport(1000);
  const Bytes release = encode_release_model(tiny_model().network);
  const Survey survey = survey_wrong_passports(release, tiny_architecture(), {passport}, 3, 7).value();
  for (std::uint64_t i = 0; i < 3; ++i) {
    const MarkSeed seed{Sha512().update("stegpass.survey.v1").update_u64(7).update_u64(i).finish()};
    const Mark mark = make_mark(tiny_architecture(), Pooling::whitened, passport, seed, MarkPictures::scale_only).value();
    CHECK(read_mark(release, tiny_architecture(), mark).value().matches == survey.matches[i]);
  }
}

TEST_CASE("counts of a chance of one half pass, those of another chance or with one outlier do not") {
  CHECK(judge_survey(896, binomial_counts(896, 10000, 0.5)).binomial());
  CHECK_FALSE(judge_survey(896, binomial_counts(896, 10000, 0.505)).binomial());
  std::vector<int> outlier = binomial_counts(896, 10000, 0.5);
  outlier[17] = 540;
  const Survey survey = judge_survey(896, outlier);
  CHECK(survey.p_value > 0.001);
  CHECK(survey.smallest_p < 0.001);
}

TEST_CASE("counts too few for a chi-square are not called binomial") {
  const Survey survey = judge_survey(896, {440, 450, 455});
  CHECK(survey.degrees_of_freedom == 0);
  CHECK_FALSE(survey.binomial());
}

TEST_CASE("a survey without passports, seeds or layers is a usage error, and stops when asked") {
  const Bytes release = encode_release_model(tiny_model().network);
  CHECK(survey_wrong_passports(release, tiny_architecture(), {}, 1, 1).error().code == Errc::usage);
  CHECK(survey_wrong_passports(release, tiny_architecture(), {drawn_passport(1)}, 0, 1).error().code == Errc::usage);
  const auto stopped =
      survey_wrong_passports(release, tiny_architecture(), {drawn_passport(1)}, 1, 1, [](std::size_t) { return false; });
  CHECK(stopped.error().code == Errc::interrupted);
}
