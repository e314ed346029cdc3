#include <algorithm>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/statement.hpp>
#include <stegpass/credential/verification.hpp>

#include "attack_isn.hpp"
#include "files.hpp"
#include "plot.hpp"
#include "policy_files.hpp"

namespace stegpass::cli {
namespace {

using credential::commitment;

/// Bytes that follow from the seed: what an owner draws at random, so that a record can be made again.
Digest64 drawn(std::string_view what, std::uint64_t seed) {
  return Sha512().update("stegpass.attack-subject.v1").update(as_bytes(what)).update_u64(seed).finish();
}
Digest32 drawn_half(std::string_view what, std::uint64_t seed) {
  Digest32 out{};
  std::copy_n(drawn(what, seed).begin(), out.size(), out.begin());
  return out;
}

Result<IsnSubject> draw_subject(ModelPart& part, std::uint32_t size, std::uint64_t seed, ByteView weights) {
  IsnSubject out;
  STEGPASS_TRY(scale, part.draw("scene", 10 * seed, size, ""));
  STEGPASS_TRY(bias, part.draw("scene", 10 * seed + 1, size, ""));
  STEGPASS_TRY(portrait, part.draw("portrait", 10 * seed + 2, size, "the licensee"));
  STEGPASS_TRY(cover, part.compose_passport(scale, bias, size));
  const Digest64 key = drawn("key", seed);
  out.isn_key = Bytes(key.begin(), key.end());
  out.licensee = drawn_half("licensee", seed);
  out.owner = drawn_half("owner", seed);
  out.reveal_bar_db = size < 256 ? 25 : 30;  // small pictures come back worse
  STEGPASS_TRY(minted, part.mint({.cover = cover.picture,
                                  .identity_picture = portrait,
                                  .thumbprint = out.licensee,
                                  .isn_key = out.isn_key,
                                  .isn_weights = to_bytes(weights),
                                  .reveal_bar_db = out.reveal_bar_db,
                                  .pictures = false}));
  out.hidden_in = cover.picture;
  out.user_passport = minted.user_passport.picture;
  out.passport_digest = minted.user_passport.digest;
  out.identity = minted.identity;
  const Digest32 key_salt = drawn_half("key-salt", seed), identity_salt = drawn_half("identity-salt", seed);
  out.key_salt = Bytes(key_salt.begin(), key_salt.end());
  out.identity_salt = Bytes(identity_salt.begin(), identity_salt.end());
  out.key_commitment = commitment("isn-key", out.owner, out.key_salt, out.isn_key);
  out.identity_commitment = commitment("identity", out.owner, out.identity_salt, credential::fast_sha256(out.identity));
  return out;
}

/// A real license: what its bundle opens, if the verifier's own checks let it.
Result<IsnSubject> read_subject(const IsnSubjectOptions& options) {
  if (options.policy.empty() || options.passport.empty()) return Error{Errc::usage, "--bundle needs --policy and --passport"};
  STEGPASS_TRY(policy, read_trust_policy(options.policy));
  STEGPASS_TRY(bundle, read_file(options.bundle, kMaxPictureFile, "a bundle"));
  STEGPASS_TRY(passport, read_file(options.passport, kMaxPictureFile, "a user passport (PNG)"));
  const credential::PaperVerdict papers = credential::verify_papers(bundle, policy, {current_time(), {}, {}});
  if (!papers.registration || !papers.license)
    return Error{Errc::refused, options.bundle + " holds no license that verifies under " + options.policy};
  const credential::Disclosures& opened = papers.disclosures;
  if (!opened.isn_key || !opened.identity)
    return Error{Errc::refused, options.bundle + " opens no ISN key and identity; a bundle for a verifier does"};
  IsnSubject out;
  out.user_passport = out.hidden_in = std::move(passport);
  out.isn_key = opened.isn_key->key;
  out.key_salt = opened.isn_key->salt;
  out.identity = opened.identity->picture;
  out.identity_salt = opened.identity->salt;
  out.owner = papers.registration->owner.thumbprint();
  out.licensee = papers.license->licensee.thumbprint();
  out.passport_digest = papers.license->user_passport;
  out.key_commitment = papers.license->isn_key;
  out.identity_commitment = papers.license->identity;
  out.reveal_bar_db = papers.license->reveal_bar_mdb / 1000.0;
  return out;
}

}  // namespace

void add_subject_options(CLI::App& command, IsnSubjectOptions& options) {
  auto* bundle = command.add_option(
      "--bundle", options.bundle, "A real license: its bundle for verifiers, which opens key and identity; default: drawn ones");
  command.add_option("--policy", options.policy, "Trust policy for that bundle")->needs(bundle);
  command.add_option("--passport", options.passport, "The user passport of that license")->needs(bundle);
  command.add_option("--isn", options.isn, "ISN weights; default: those that come with stegpass");
  command.add_option("--size", options.size, "Side of drawn passports in pixels")
      ->check(CLI::Range(128, 1024))
      ->capture_default_str()
      ->excludes(bundle);
  command.add_option("--trials", options.trials, "Drawn licenses to attack, one after the other")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str()
      ->excludes(bundle);
  command.add_option("--seed", options.seed, "Seed of all that is drawn")
      ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1} << 40))
      ->capture_default_str();
}

Result<std::vector<IsnSubject>> read_subjects(const IsnSubjectOptions& options, ByteView isn_weights, ModelPart& part) {
  std::vector<IsnSubject> out;
  if (!options.bundle.empty()) {
    STEGPASS_TRY(subject, read_subject(options));
    out.push_back(std::move(subject));
    return out;
  }
  if (options.size % 2 != 0) return Error{Errc::usage, "--size is " + std::to_string(options.size) + ", an even number expected"};
  for (std::uint64_t trial = 0; trial < options.trials; ++trial) {
    STEGPASS_TRY(subject, draw_subject(part, options.size, options.seed * 1000 + trial, isn_weights));
    out.push_back(std::move(subject));
  }
  return out;
}

bool opens_key(const IsnSubject& subject, ByteView key) {
  return commitment("isn-key", subject.owner, subject.key_salt, key) == subject.key_commitment;
}

bool opens_identity(const IsnSubject& subject, ByteView picture) {
  return commitment("identity", subject.owner, subject.identity_salt, credential::fast_sha256(picture)) ==
         subject.identity_commitment;
}

void add_record_files(CLI::App& command, AttackFiles& files, const char* plot) {
  command.add_option("--out", files.out, "The attack's record (JSON; schemas/attack-isn.md)")->required();
  if (plot != nullptr) command.add_option("--plot", files.plot, plot);
  command.add_flag("--force", files.force, "Replace what is there");
}

Result<Report> finish_isn_attack(const AttackRecord& record, const AttackFiles& files, const std::string& script,
                                 std::string text) {
  const Json json = attack_json(record);
  const std::string body = json.dump(2) + "\n";
  STEGPASS_CHECK_OK(write_file(files.out, as_bytes(body), {.force = files.force}));
  STEGPASS_CHECK_OK(draw_attack_plot(script, files));
  return Report{std::move(text) + "\n  record  " + files.out, json};
}

std::string lines_plot(const std::string& title, const std::string& x, const std::string& y, const std::vector<PlotLine>& lines,
                       bool log_x) {
  std::string script =
                  "set terminal pngcairo size 800,480 font 'sans,10'\nset grid\nset style data linespoints\nset key bottom "
                  "right\nset title '" +
                  title + "'\nset xlabel '" + x + "'\nset ylabel '" + y + "'\n" + (log_x ? "set logscale x\n" : ""),
              parts;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string name = "$line" + std::to_string(i);
    script += name + " << EOD\n" + lines[i].points + "EOD\n";
    parts += (i == 0 ? "" : ", ") + name + " title '" + lines[i].title + "'";
  }
  return script + "plot " + parts + "\n";
}

}  // namespace stegpass::cli
