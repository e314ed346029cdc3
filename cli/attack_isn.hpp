#pragma once

#include <string>
#include <vector>

#include <stegpass/credential/core/digest.hpp>

#include "attack_record.hpp"
#include "model_part_attack_isn.hpp"

namespace stegpass::cli {

void setup_attack_collude(Commands& commands, CLI::App& attack);
void setup_attack_near(Commands& commands, CLI::App& attack);
void setup_attack_replay(Commands& commands, CLI::App& attack);

/// A user passport with its license's secrets and what the license says of them: a real one, as a bundle for verifiers opens it,
/// or one that was minted for the purpose.
struct IsnSubject {
  Bytes user_passport, isn_key, identity;
  Bytes hidden_in;  ///< the passport that an attacker hides in: the cover where it is known
  Bytes key_salt, identity_salt;
  Digest32 owner{};     ///< thumbprint
  Digest32 licensee{};  ///< thumbprint
  Digest64 passport_digest{};
  Digest32 key_commitment{}, identity_commitment{};
  double reveal_bar_db = 30;
};

/// Where the subject comes from.
struct IsnSubjectOptions {
  std::string bundle, policy, passport, isn;
  std::uint32_t size = 256;
  std::uint64_t trials = 1, seed = 1;
};
/// --bundle, --policy and --passport for a real license; --size, --trials and --seed for drawn ones; --isn.
void add_subject_options(CLI::App& command, IsnSubjectOptions& options);
/// One subject of a real license, or as many drawn and minted ones as there are trials. Errors  refused when the bundle is not
/// valid or opens no key.
Result<std::vector<IsnSubject>> read_subjects(const IsnSubjectOptions& options, ByteView isn_weights, ModelPart& part);

/// What `verify` compares with the license's digests.
bool opens_key(const IsnSubject& subject, ByteView key);
bool opens_identity(const IsnSubject& subject, ByteView picture);

/// --out and --force, and --plot of attacks that have a curve: `plot` says what it shows.
void add_record_files(CLI::App& command, AttackFiles& files, const char* plot = nullptr);

/// Writes plot (if asked for and there is a script) and record, and reports. The text ends with where the record is.
Result<Report> finish_isn_attack(const AttackRecord& record, const AttackFiles& files, const std::string& script,
                                 std::string text);

/// One curve of gnuplot's: "x y" lines under a title.
struct PlotLine {
  std::string title, points;
};
/// A panel with lines, as a script of its own.
std::string lines_plot(const std::string& title, const std::string& x, const std::string& y, const std::vector<PlotLine>& lines,
                       bool log_x = false);

}  // namespace stegpass::cli
