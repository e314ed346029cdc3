#pragma once

#include "model_part.hpp"

namespace stegpass::cli {

/// What is revealed, beside what a forger wants it to be.
struct ForgedReveal {
  Bytes picture;  ///< PNG
  double psnr_db = 0, correlation = 0;
  bool code_reads = false;  ///< the QR code at its place is the wanted thumbprint's
};

struct ForgeIsnRequest {
  bool forge_key = false;  ///< a key for the passport as it is; else a passport for the key as it is
  Bytes user_passport;     ///< PNG
  Bytes isn_key;           ///< 64 bytes; of `forge_key` only to compare with
  Bytes wanted_picture;    ///< any picture file
  Digest32 wanted_thumbprint{};
  Bytes isn_weights;
  std::uint64_t steps = 1000, report_every = 50, seed = 1;
  double rate = 1e-3;
  double near_weight = 0;      ///< of a passport: weight of its distance from where the search starts
  bool random_start = false;   ///< of a passport: start from a drawn picture instead of the user passport
  bool through_signs = false;  ///< of a key
  bool bf16 = false;
};
struct ForgeIsnResult {
  struct Point {
    std::uint64_t step = 0;
    double loss = 0, reveal_psnr_db = 0, start_psnr_db = 0;
  };
  std::vector<Point> curve;
  Bytes wanted;              ///< PNG: the identity as composed
  ForgedReveal forged;       ///< under the key's real values, or from the 8-bit picture
  ForgedReveal other_way;    ///< under the key's signs; or from one pass of hiding under the known key, without any search
  double agreement = 0;      ///< of a key: share of signs that are the true key's
  PassportFile passport;     ///< of a passport
  double start_psnr_db = 0;  ///< of a passport: against where the search started
};

/// A QR code of another key over the licensee's, before hiding; and codes elsewhere in a picture that asks to be minted.
struct PasteRequest {
  Bytes user_passport;  ///< what is hidden in: the cover for whoever has it, a user passport for who has not
  Bytes identity;       ///< PNG: the identity as the license opens it
  Bytes isn_key;
  Digest32 pasted{};  ///< the other key's thumbprint
  Bytes isn_weights;
  std::uint64_t places = 8, seed = 1;
};
struct PasteResult {
  Bytes identity;  ///< PNG with the pasted code
  PassportFile passport;
  Bytes revealed;                ///< PNG
  std::optional<Digest32> read;  ///< thumbprint that the reveal reads
  double identity_psnr_db = 0;   ///< revealed against the identity that the license opens
  std::uint64_t refused = 0;     ///< of `places` pictures with a code somewhere, those that a mint refuses
};

struct CollusionRequest {
  Bytes cover;  ///< passport PNG
  Bytes isn_weights;
  std::vector<std::uint64_t> counts;  ///< of licensees, rising
  std::uint64_t simulated = 32, seed = 1;
};
struct CollusionPoint {
  std::uint64_t licensees = 0;
  std::string method;  ///< mean, median, mix, unbias
  double exact_pixels = 0, exact_values = 0, psnr_db = 0;
  int largest_error = 0;
  bool same_digest = false;                                 ///< whether the recovered passport has the cover's digest
  std::uint64_t identities_left = 0, identities_tried = 0;  ///< colluders whose own key still reads their code
};
struct CollusionResult {
  std::vector<CollusionPoint> curve;
  std::vector<std::pair<std::string, Bytes>> recovered;  ///< method, passport PNG of the most licensees
};

/// Pictures a little away from a passport. Only the scale picture changes.
struct NearPassport {
  std::string change;
  Bytes picture;  ///< PNG
  double psnr_db = 0;
};

}  // namespace stegpass::cli
