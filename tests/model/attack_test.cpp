#include "model_fixtures.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

#include <stegpass/credential/core/safetensors.hpp>
#include <stegpass/model/attack.hpp>
#include <stegpass/model/weights.hpp>

using namespace stegpass;
using namespace stegpass::model;
using namespace stegpass::model::testing;
using Json = nlohmann::json;

namespace {

constexpr int kBits = 112;

PassportNetwork released(const PassportNetwork& owner) { return decode_release_model(encode_release_model(owner)).value(); }

/// Attackers' passports, and what every task here is judged by.
AttackTask task_around(const PassportNetwork& owner, Pooling pooling, SignatureMode signature) {
  AttackTask task{.model = released(owner), .owner = owner, .pooling = pooling, .signature = signature};
  task.marks = {{"cover", mark_of(1, pooling)}, {"reserve-1", mark_of(2, pooling)}, {"reserve-2", mark_of(3, pooling)}};
  task.train = draw_shapes(320, 1);
  task.test = draw_shapes(200, 2);
  for (std::uint64_t i = 100; i < 104; ++i) {
    task.pictures.push_back(drawn_passport(i));
    task.seeds.push_back(seed_of(task.pictures.back()));
  }
  task.cover = drawn_passport(1);
  task.cover_seed = seed_of(*task.cover);
  return task;
}

/// As the defaults have it, trained once for all cases.
const AttackTask& whitened() {
  static const AttackTask task = task_around(tiny_model().network, Pooling::whitened, SignatureMode::strict);
  return task;
}

/// As the papers have it: mean pooling, and the reading of the published code.
const AttackTask& published() {
  static const AttackTask task = [] {
    TrainingSettings settings = tiny_settings();
    settings.signature = SignatureMode::reference;
    return task_around(train(tiny_task(Pooling::mean), settings).value().network, Pooling::mean, SignatureMode::reference);
  }();
  return task;
}

AttackSettings attack_of(const std::string& name, const std::string& variant = "") {
  AttackSettings settings;
  settings.name = name;
  settings.variant = variant;
  settings.epochs = 1;
  settings.batch = 32;
  settings.augment = false;
  settings.seed = 5;
  return settings;
}

Json curve_of(const AttackTask& task, const AttackSettings& settings) {
  const auto outcome = run_attack(task, settings);
  INFO(settings.name << " " << (outcome ? "" : outcome.error().detail));
  REQUIRE(outcome.ok());
  UNSCOPED_INFO(settings.name << " " << outcome->curve);
  return Json::parse(outcome->curve);
}

/// Matches of a role at a point, under one reading; -1 where there is none.
int matches(const Json& point, const std::string& role, const std::string& reading = "strict") {
  for (const Json& mark : point["marks"]) {
    if (mark["role"] == role && mark["reading"] == reading) return mark["matches"];
  }
  return -1;
}

}  // namespace

TEST_CASE("fine-tuning leaves the mark, with a fresh classifier and with other classes too") {
  const Json ftal = curve_of(whitened(), attack_of("finetune"));
  REQUIRE(ftal.size() == 2);
  CHECK(ftal[0]["accuracy_deployment"] > 0.5);
  CHECK(matches(ftal[1], "cover") >= 110);
  CHECK(ftal[1]["steps"] == 10);
  CHECK(ftal[1]["images"] == 320);
  CHECK(matches(curve_of(whitened(), attack_of("finetune", "rtal"))[1], "cover") >= 105);
  AttackTask other = whitened();
  other.train.classes = other.test.classes = 7;
  other.train.labels = other.train.labels % 7;
  other.test.labels = other.test.labels % 7;
  const Json moved = curve_of(other, attack_of("finetune"));
  CHECK_FALSE(moved[0].contains("accuracy_deployment"));
  CHECK(moved[1].contains("accuracy_deployment"));
  CHECK(matches(moved[1], "cover") >= 105);
}

TEST_CASE("pruning runs from the untouched model to nothing") {
  for (const char* variant : {"l1", "random", "structured"}) {
    const Json curve = curve_of(whitened(), attack_of("prune", variant));
    REQUIRE(curve.size() == 22);
    CHECK(curve[1]["accuracy_deployment"] == curve[0]["accuracy_deployment"]);
    CHECK(matches(curve[1], "cover") == matches(curve[0], "cover"));
    CHECK(matches(curve[21], "cover") == 0);
    CHECK(matches(curve[11], "cover") < matches(curve[0], "cover") + 1);
  }
  CHECK(matches(curve_of(whitened(), attack_of("prune"))[11], "cover") >= 95);  // half of the weights, the smallest
}

TEST_CASE("eight bits keep every sign, and two lose accuracy first") {
  for (const char* variant : {"channel", "tensor"}) {
    const Json curve = curve_of(whitened(), attack_of("quantise", variant));
    REQUIRE(curve.size() == 5);
    CHECK(matches(curve[1], "cover") == matches(curve[0], "cover"));
    CHECK(matches(curve[3], "cover") >= 100);
  }
}

TEST_CASE("noise of a tenth of the weights' spread keeps the mark") {
  AttackSettings settings = attack_of("noise");
  settings.strengths = {0, 0.1, 2};
  const Json curve = curve_of(whitened(), settings);
  CHECK(curve[1]["accuracy_deployment"] == curve[0]["accuracy_deployment"]);
  CHECK(matches(curve[2], "cover") >= 108);
  CHECK(matches(curve[3], "cover") < matches(curve[2], "cover"));
}

TEST_CASE("what leaves the function as it is hides the mark until the copy is aligned") {
  for (const char* variant : {"order", "scale", "sign"}) {
    const Json curve = curve_of(whitened(), attack_of("permute", variant));
    REQUIRE(curve.size() == 3);
    CHECK(std::abs(curve[1]["accuracy_deployment"].get<double>() - curve[0]["accuracy_deployment"].get<double>()) < 0.011);
    CHECK(matches(curve[1], "cover") < 85);
    for (const char* role : {"cover", "reserve-1", "reserve-2"}) CHECK(matches(curve[2], role) == matches(curve[0], role));
  }
  const Json folded = curve_of(whitened(), attack_of("fold"));
  CHECK(std::abs(folded[1]["accuracy_deployment"].get<double>() - folded[0]["accuracy_deployment"].get<double>()) < 0.011);
  CHECK(matches(folded[2], "cover") == matches(folded[0], "cover"));
}

TEST_CASE("another passport wipes the published reading, and hardly turns a bit of ours") {
  AttackSettings settings = attack_of("overwrite");
  settings.count = 2;
  settings.rate = 0.02;
  settings.sign_weight = 1;
  const Json ours = curve_of(whitened(), settings), theirs = curve_of(published(), settings);
  REQUIRE(ours.size() == 3);
  CHECK(matches(ours[1], "attacker-1") >= 105);
  CHECK(matches(ours[2], "cover") >= 95);
  CHECK(matches(theirs[0], "cover", "reference") >= 105);
  CHECK(matches(theirs[2], "cover", "reference") < 80);
  CHECK(matches(theirs[2], "cover") < 80);
}

TEST_CASE("a framed mark lies beside the owner's, not in its place") {
  AttackSettings settings = attack_of("frame");
  settings.rate = 0.02;
  const Json curve = curve_of(whitened(), settings);
  CHECK(matches(curve[1], "framed") > matches(curve[0], "cover") - 20);
  CHECK(matches(curve[1], "cover") >= 100);
}

TEST_CASE("chosen signs of a1 forge the published reading and not the strict one") {
  AttackSettings settings = attack_of("sign-flip");
  settings.count = 3;
  for (const AttackTask* task : {&whitened(), &published()}) {
    const Json curve = curve_of(*task, settings);
    REQUIRE(curve.size() == 4);
    for (std::size_t i = 1; i < 4; ++i) {
      CHECK(matches(curve[i], "forged", "reference") == kBits);
      CHECK(matches(curve[i], "forged") < 80);
    }
  }
}

TEST_CASE("expanded blocks reach accuracy with a passport that the strict reading refuses") {
  for (const char* variant : {"cerb", "ierb"}) {
    AttackSettings settings = attack_of("erb", variant);
    settings.epochs = 4;
    settings.rate = 0.05;
    const Json curve = curve_of(whitened(), settings);
    REQUIRE(curve.size() == 5);
    CHECK(curve[4]["accuracy_verification"] > 0.3);
    CHECK(matches(curve[4], "forged", "reference") >= 105);
    const int strict = matches(curve[4], "forged");
    CHECK(corrected_log10_p(log10_binomial_tail(kBits, strict), 1) == 0);
  }
}

TEST_CASE("fakes: random ones fail, trained ones gain accuracy, and neither is a picture") {
  AttackSettings settings = attack_of("fake1");
  settings.count = 3;
  const Json random = curve_of(whitened(), settings);
  REQUIRE(random.size() == 4);
  for (std::size_t i = 1; i < 4; ++i) CHECK(matches(random[i], "forged") < 80);
  settings = attack_of("fake2");
  settings.rate = 0.2;
  settings.epochs = 6;
  const Json trained = curve_of(whitened(), settings);
  for (std::size_t i = 1; i < 4; ++i) CHECK(random[i]["accuracy_verification"] < 0.3);
  CHECK(trained[6]["accuracy_verification"] > 0.5);
  CHECK(trained[6]["like_genuine"] < 0.8);
  settings.name = "fake3";
  settings.strengths = {0.1};
  settings.sign_weight = 1;
  const Json turned = curve_of(whitened(), settings);
  CHECK(matches(turned[2], "forged", "layer-key") > 100);
  CHECK(turned[2]["like_genuine"] < 0.97);
}

TEST_CASE("an insider with the seed turns the cover, and the reserves stand") {
  AttackSettings settings = attack_of("insider", "seed");
  settings.strengths = {2};
  const Json curve = curve_of(whitened(), settings);
  REQUIRE(curve.size() == 3);
  CHECK(matches(curve[1], "cover") < 12);
  CHECK(matches(curve[2], "cover") < 60);
  for (const char* role : {"reserve-1", "reserve-2"}) CHECK(matches(curve[2], role) >= 90);
  CHECK(curve_of(whitened(), attack_of("insider", "picture")).size() == 5);
}

TEST_CASE("informed attackers and distillers pay in steps, and a distilled network has no mark") {
  AttackSettings settings = attack_of("informed");
  settings.count = 4;
  settings.at_once = 2;
  CHECK(matches(curve_of(whitened(), settings)[1], "cover") >= 90);
  settings.variant = "subspace";
  settings.strengths = {0.1};
  const Json emptied = curve_of(whitened(), settings);
  REQUIRE(emptied.size() == 3);
  CHECK(matches(emptied[1], "cover") >= 100);
  CHECK(emptied[1]["accuracy_deployment"] < emptied[0]["accuracy_deployment"]);
  const Json averaged = curve_of(published(), settings);  // natural pictures' mean columns share directions
  CHECK(matches(averaged[1], "cover") < 106);
  CHECK(matches(averaged[1], "reserve-2") < 95);
  settings = attack_of("distill");
  settings.rate = 0.02;
  settings.epochs = 3;
  const Json distilled = curve_of(whitened(), settings);
  CHECK(distilled.back()["accuracy_deployment"] > 0.2);
  CHECK(matches(distilled.back(), "cover") < 80);
}

TEST_CASE("a searched picture goes with a known seed, and never with its own") {
  AttackSettings settings = attack_of("search", "signs");
  settings.count = 60;
  const Json curve = curve_of(whitened(), settings);
  CHECK(matches(curve.back(), "under the cover's seed") >= 75);
  CHECK(matches(curve.back(), "under its own seed") < 80);
  settings.variant = "hash";
  settings.count = 400;
  const Json tries = curve_of(whitened(), settings);
  CHECK(tries[1]["strength"] == 400);
  CHECK(matches(tries[1], "best") > 62);
  CHECK(matches(tries[1], "best") < 85);
}

TEST_CASE("an attack that was stopped goes on to the same curve, and only with its own settings") {
  for (const char* name : {"finetune", "overwrite", "erb"}) {
    AttackSettings settings = attack_of(name);
    settings.count = 2;
    settings.epochs = 2;
    settings.test_images = 40;
    settings.train_images = 64;
    settings.rate = 1e-3;
    const auto whole = run_attack(whitened(), settings);
    REQUIRE(whole.ok());
    Bytes state;
    int calls = 0;
    const AttackHooks stop{{}, [&](ByteView bytes) -> Status {
                             if (++calls == 1) return state.assign(bytes.begin(), bytes.end()), Status(Done{});
                             return Error{Errc::interrupted, "stopped"};
                           }};
    CHECK(run_attack(whitened(), settings, stop).error().code == Errc::interrupted);
    const auto resumed = run_attack(whitened(), settings, {}, state);
    REQUIRE(resumed.ok());
    CHECK(resumed->curve == whole->curve);
    settings.seed = 6;
    CHECK(run_attack(whitened(), settings, {}, state).error().code == Errc::refused);
    CHECK(run_attack(whitened(), settings, {}, ByteView(state).first(state.size() / 2)).error().code == Errc::malformed);
    settings.seed = 5;
    AttackTask other = whitened();
    other.marks[0].mark = mark_of(9);
    CHECK(run_attack(other, settings, {}, state).error().code == Errc::refused);
    const Safetensors file = parse_safetensors(state).value();
    auto metadata = file.metadata;
    metadata["stegpass.stage"] = "9";
    CHECK(run_attack(whitened(), settings, {}, encode_safetensors(file.tensors, metadata)).error().code == Errc::malformed);
  }
}

TEST_CASE("a copy in another order computes the same, measured beside the owner's branches too") {
  TrainingSettings training = tiny_settings();
  training.scheme = Scheme::deepipr_v1;
  const AttackTask task = task_around(train(tiny_task(), training).value().network, Pooling::whitened, SignatureMode::strict);
  AttackSettings settings = attack_of("permute", "sign");
  settings.verification = true;
  const Json curve = curve_of(task, settings);
  CHECK(curve[0]["accuracy_deployment"] > 0.3);
  CHECK(curve[1]["accuracy_deployment"] == Approx(curve[0]["accuracy_deployment"].get<double>()).margin(0.011));
}

TEST_CASE("what a norm divides by takes a channel's factor, and gains keep what it does not") {
  for (const Norm norm : {Norm::batch, Norm::instance, Norm::none}) {
    ArchitectureSettings of = tiny_architecture().settings();
    of.norm = norm;
    const PassportNetwork network(Architecture::create(of).value(), Branches::both, 3, Scheme::sp);
    AttackTask task = whitened();
    task.model = released(network);
    task.owner = network;
    for (OpenedMark& opened : task.marks)
      opened.mark = make_mark(network->architecture(), Pooling::whitened, drawn_passport(1), seed_of(drawn_passport(1))).value();
    const auto outcome = run_attack(task, attack_of("permute", "scale"));
    REQUIRE(outcome.ok());
    const torch::NoGradGuard no_grad;
    const torch::Tensor images = take_images(task.test, 8, 1).images.to(torch::kFloat32) / 255;
    task.model->eval();
    PassportNetwork moved = outcome->model;
    const torch::Tensor before = task.model->deployment(images, Precision::fp32),
                        after = moved->deployment(images, Precision::fp32);
    const double difference = (before - after).abs().max().item<double>(), size = before.abs().max().item<double>();
    INFO(norm_name(norm));
    CHECK(difference < 1e-3 * size);
  }
}

TEST_CASE("every attack runs on every scheme") {
  for (const Scheme scheme : {Scheme::sp, Scheme::pan, Scheme::deepipr_v1, Scheme::deepipr_v2, Scheme::deepipr_v3}) {
    for (const Pooling pooling : {Pooling::whitened, Pooling::mean}) {
      const AttackTask task =
          task_around(PassportNetwork(tiny_architecture(), Branches::both, 3, scheme), pooling, SignatureMode::strict);
      for (const AttackKind& kind : attack_kinds()) {
        AttackSettings settings = attack_of(std::string(kind.name));
        if (kind.name == "prune") settings.strengths = {0.5};
        settings.train_images = 32;
        settings.test_images = 20;
        settings.count = 2;
        settings.verification = true;
        const auto outcome = run_attack(task, settings);
        INFO(scheme_name(scheme) << " " << kind.name << " " << (outcome ? "" : outcome.error().detail));
        CHECK(outcome.ok());
        if (outcome) CHECK(Json::parse(outcome->curve).size() >= 2);
      }
    }
  }
}

TEST_CASE("what an attack cannot do is said before it begins") {
  const auto refused = [](AttackTask task, const AttackSettings& settings) { return run_attack(task, settings).error().code; };
  CHECK(refused(whitened(), attack_of("brute")) == Errc::unsupported);
  CHECK(refused(whitened(), attack_of("prune", "l7")) == Errc::usage);
  AttackSettings settings = attack_of("prune");
  settings.strengths = {1.5};
  CHECK(refused(whitened(), settings) == Errc::usage);
  settings = attack_of("quantise");
  settings.strengths = {2.5};
  CHECK(refused(whitened(), settings) == Errc::usage);
  settings = attack_of("overwrite");
  settings.count = 9;
  CHECK(refused(whitened(), settings) == Errc::usage);
  settings = attack_of("finetune");
  settings.epochs = 0;
  CHECK(refused(whitened(), settings) == Errc::usage);
  settings = attack_of("informed", "passports");
  settings.strengths = {0.5};
  CHECK(refused(whitened(), settings) == Errc::usage);
  settings = attack_of("fake1");
  settings.count = 0;
  CHECK(refused(whitened(), settings) == Errc::usage);
  AttackTask task = whitened();
  task.owner = nullptr;
  settings = attack_of("fold");
  settings.verification = true;
  CHECK(refused(task, settings) == Errc::usage);
  CHECK(refused(task, attack_of("fake1")) == Errc::usage);
  task.marks.clear();
  CHECK(refused(task, attack_of("fold")) == Errc::usage);
}
