#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/result.hpp>

namespace stegpass::cli {

/// The part of the program that needs tensors or pictures: LibTorch and OpenCV behind core values. It is a shared object beside
/// the program (lib/stegpass/libstegpass_model_part.so) that `load_model_part` opens when a command asks for it, so the program
/// starts without either.

/// Called now and then in long work; return false to stop (Errc::interrupted).
using Progress = std::function<bool(double done, double total, std::string_view detail)>;

/// A passport with what reads or embeds its mark: the PNG file (scale picture above, bias picture below) and the 64-byte mark
/// seed.
struct OpenPassport {
  std::string role;  ///< cover, reserve-1, reserve-2, ...
  Bytes picture;
  Bytes seed;
};

/// What a network is and how its mark is read; the technical half of a registration.
struct MarkDescription {
  std::string scheme, signature, pooling, architecture;
  std::vector<std::string> layers;
  std::uint64_t bits = 0;
};

/// Least share of the cover's bits that a user passport must read: the ISN's small change to the cover turns none or hardly any.
inline constexpr double kConsistentShare = 0.99;

struct MarkReading {
  std::uint64_t bits = 0, matches = 0;
  double log10_p = 0;            ///< exact binomial tail, before any correction
  double log10_p_corrected = 0;  ///< plus log10(2^80) for tries unseen
  struct Layer {
    std::string name;
    std::uint64_t bits = 0, matches = 0;
  };
  std::vector<Layer> layers;
};

/// The processes of one training run, as launchers say it; size 1 is a run of one.
struct Processes {
  int rank = 0, size = 1, port = 29500;
  std::string address = "127.0.0.1";  ///< or file:// and a path, for processes of one machine
};

struct TrainRequest {
  std::string data;  ///< path of a data set, or "drawn"
  std::string network = "alexnet-cifar", norm = "batch", keys = "image", scheme = "sp";
  std::string layers;  ///< last3, layer4, all, none, or names with commas between; empty: the network's usual ones
  std::uint64_t width = 1000, input = 32;
  std::string preset = "quick";                      ///< quick, paper, published
  std::string settings;                              ///< JSON whose fields replace the preset's, or empty
  std::string signature;                             ///< strict, reference, or empty for the preset's
  std::string pooling;                               ///< whitened, mean, or empty for the preset's: mean of published alone
  std::optional<std::uint64_t> images, test_images;  ///< so many of the training set and the test set, drawn by the seed
  std::optional<std::uint64_t> epochs, batch, validation;
  std::optional<double> rate, balance;
  std::uint64_t seed = 1;
  Bytes initial;  ///< weights to begin from (safetensors), or empty
  Processes processes;
  std::string device = "cpu";
  std::string precision;                ///< fp32, bf16, auto, or empty for the preset's
  std::vector<OpenPassport> passports;  ///< cover first, then the reserves
  Bytes resume;                         ///< a checkpoint, or empty
  std::function<Status(ByteView)> on_checkpoint;
};

struct TrainResult {
  Bytes owner_model, release_model;  ///< safetensors files
  MarkDescription mark;
  double accuracy_deployment = 0, accuracy_verification = 0;  ///< on the test set, 0..1
  std::vector<MarkReading> readings;  ///< one a passport, in order; none of a network without passport layers
  std::string run_record;             ///< JSON: settings, data digest, versions, curves
};

struct PassportFile {
  Bytes picture;  ///< PNG
  std::uint32_t size = 0;
  Digest64 digest{};  ///< canonical digest
};

struct MintRequest {
  Bytes cover;             ///< passport PNG
  Bytes identity_picture;  ///< any picture of the licensee
  Digest32 thumbprint{};   ///< goes into the identity's QR code
  Bytes isn_key;           ///< 64 bytes
  Bytes isn_weights;
  double reveal_bar_db = 30;
  bool pictures = false;  ///< whether those for people are wanted too
};

struct MintResult {
  PassportFile user_passport;
  Bytes identity;  ///< PNG: the picture with its QR code, as hidden
  Bytes revealed, cover_scale, stego, difference,
      sheet;  ///< PNGs for people, if wanted: read back, ..., difference x20, all side by side
  double stego_psnr_db = 0, reveal_psnr_db = 0;
  double wrong_key_correlation = 0;  ///< of what another key reveals with the identity or the cover, whichever is more
  double contrast = 1;               ///< of the identity's picture as hidden; under 1 where it would not come back well otherwise
  int refined = 0;  ///< steps by which the stego's pixels were improved, where it would not come back well otherwise
};

struct HideRequest {
  Bytes cover, secret;  ///< picture files; the secret's middle is brought to the cover's size
  Bytes key;            ///< any file that is hard to guess
  Bytes isn_weights;
};
/// A wrong key's reveal may correlate no more than this with the secret or the cover.
inline constexpr double kMaxWrongKeyCorrelation = 0.1;

struct HideResult {
  Bytes stego;  ///< PNG
  Bytes sheet;  ///< PNG: cover, stego, difference, secret, revealed, wrong key; empty unless the cover is a square of at least
                ///< 128 pixels
  double stego_psnr_db = 0, reveal_psnr_db = 0, stego_ssim = 0, reveal_ssim = 0;  ///< from the PNG
  double wrong_key_correlation = 0;
};

struct RevealResult {
  Bytes picture;                       ///< PNG
  std::optional<Digest32> thumbprint;  ///< read from the QR code's place, if it reads
};

struct IsnTrainRequest {
  std::filesystem::path images;
  std::uint64_t steps = 9000;
  double rate = 1e-3;          ///< Adam's, after the first hundred steps
  double stego_weight = 8;     ///< of the cover's error in the loss, beside 2 for the reveal's
  std::string form = "small";  ///< small, full, hinet
  bool recompute = false;      ///< memory that hardly grows with the blocks, for about 1.6 times the time
  Bytes start_weights;         ///< weights to go on from; empty for a fresh network
  std::uint64_t seed = 1;
  std::string device = "cpu", precision = "fp32";
  std::uint64_t batch = 4;  ///< pairs a step
  Processes processes;
  Bytes resume;
  std::function<Status(ByteView)> on_checkpoint;
};
struct IsnTrainResult {
  Bytes weights;
  std::string run_record;
};
struct IsnFigures {
  std::uint64_t images = 0;
  double stego_psnr_db = 0, reveal_psnr_db = 0;  ///< means over the images, from 8-bit values
  double stego_psnr_db_min = 0, reveal_psnr_db_min = 0;
  double stego_ssim = 0, reveal_ssim = 0;
  double wrong_key_correlation = 0;        ///< mean absolute value, with the secret
  double wrong_key_cover_correlation = 0;  ///< the same with the cover
  double jpeg_reveal_psnr_db = 0;          ///< of stegos that went through JPEG 95, mean over eight at most
  double resized_reveal_psnr_db = 0;       ///< of stegos that were resized to three quarters and back
};
/// Identities with QR codes, hidden in one picture after the other, each under a key of its own.
struct MintTrial {
  std::uint64_t mints = 0, codes_read = 0;        ///< codes that read from the 8-bit stego under the right key
  std::uint64_t varied = 0, refused = 0;          ///< mints that did not pass at once, and those that never did
  std::uint64_t wrong_keys = 0, wrong_codes = 0;  ///< keys a bit away and others', and codes that read under them
  double worst_correlation = 0;                   ///< of a wrong key's reveal with identity or cover
  double reveal_psnr_db = 0, reveal_psnr_db_min = 0;
};

/// What a data set holds.
struct DataSummary {
  std::string kind, name;
  std::uint32_t side = 0;                ///< pixels
  std::vector<std::string> class_names;  ///< one a class, or none
  struct Part {
    std::uint64_t images = 0;
    std::vector<std::uint64_t> per_class;  ///< images of each label
    Digest64 digest{};                     ///< of pixels and labels
  };
  Part train, test;
};
/// A data set whole: what it holds, and the data file (schemas/dataset.md) that keeps it.
struct ImportedData {
  DataSummary summary;
  Bytes file;
};
/// A data set that lies somewhere; its contents were not read.
struct FoundData {
  std::string kind;
  std::filesystem::path path;
};
struct PickRequest {
  std::filesystem::path folder;
  std::size_t count = 6;
  std::uint64_t seed = 1;
  std::uint32_t size = 256;  ///< side of the squares that are judged
};
struct PickedPictures {
  std::vector<Bytes> pictures;
  std::vector<std::filesystem::path> paths;  ///< of the pictures
  std::vector<std::string> passed_over;      ///< a line for each candidate that would not do
};

/// A copy's convolutions brought back into the original's order.
struct AlignedModel {
  struct Layer {
    std::string name;
    std::uint64_t channels = 0, moved = 0, turned = 0;
    double similarity = 0;  ///< mean absolute cosine of the matched channels
    std::vector<int> from;  ///< channel c of the original is channel from[c] of the copy
  };
  std::vector<Layer> layers;
  Bytes model;  ///< for `read_mark` alone
};

struct ConvertRequest {
  ByteView file;  ///< a state dict of torch.save, or safetensors
  /// (name, new name), an empty new name to leave a tensor out; without a map the published networks' names become ours.
  std::optional<std::vector<std::pair<std::string, std::string>>> map;
};

struct Conversion {
  struct Tensor {
    std::string name, dtype;  ///< type as safetensors names it
    std::vector<std::int64_t> shape;
  };
  using NamePairs = std::vector<std::pair<std::string, std::string>>;
  Bytes model;                  ///< safetensors; empty from `list_tensors`
  std::string network;          ///< alexnet-cifar, resnet18-reference, or empty
  std::vector<Tensor> tensors;  ///< as they were read
  NamePairs renamed;            ///< from, to
  std::vector<std::string> kept, filled, notes;
  NamePairs left_out;  ///< name, reason
};

/// Wrong passports tried on a model: drawn pictures, several seeds each.
struct SurveyRequest {
  std::string architecture;  ///< the descriptor's text; empty: the one that the model names
  std::uint64_t pictures = 500, seeds = 20, seed = 1;
};
struct SurveyResult {
  std::uint64_t bits = 0;
  std::vector<int> matches;  ///< one a wrong passport
  double mean_match = 0, chi_square = 0, p_value = 0, smallest_p = 0;
  int degrees_of_freedom = 0;
  bool binomial = false;  ///< neither test rejects at 0.001
};

struct AttackRequest;  // model_part_attack.hpp
struct AttackResult;
/// One side of a license card (libmodel/io/qr.hpp): the code, and what stands beside it.
struct CardPicture {
  std::string title, foot, qr_text;
  std::vector<std::pair<std::string, std::string>> facts;  ///< name, value
};
/// A QR code's modules, row by row; 1 is dark.
struct QrModules {
  std::uint32_t side = 0;
  Bytes dark;
};
struct ForgeIsnRequest;  // model_part_attack_isn.hpp
struct ForgeIsnResult;
struct PasteRequest;
struct PasteResult;
struct CollusionRequest;
struct CollusionResult;
struct NearPassport;

class ModelPart {
 public:
  virtual ~ModelPart() = default;

  /// A drawn picture: kind "scene" (passport pictures) or "portrait" (identity); the same for the same seed.
  virtual Result<Bytes> draw(std::string_view kind, std::uint64_t seed, std::uint32_t size, std::string_view caption) = 0;
  /// Any picture file as a PNG, cropped to its middle square and resized.
  virtual Result<Bytes> square_png(ByteView picture, std::uint32_t size) = 0;
  /// Makes a passport file of two pictures (any image files), square-cropped and resized to `size`. Errors refused when flat.
  virtual Result<PassportFile> compose_passport(ByteView scale_picture, ByteView bias_picture, std::uint32_t size) = 0;
  virtual Result<PassportFile> read_passport(ByteView png) = 0;
  /// SHA-512(domain, digest(P), owner thumbprint, salt): design section 3.
  virtual Result<Bytes> mark_seed(ByteView passport_png, const Digest32& owner, ByteView salt) = 0;
  virtual Result<TrainResult> train(const TrainRequest& request, const Progress& progress) = 0;
  /// Accuracy 0..1 of the deployment branch, and of the verification branch under `passport` where the model has one.
  struct Accuracy {
    double deployment = 0;
    std::optional<double> verification;
    std::uint64_t images = 0;
  };
  virtual Result<Accuracy> evaluate(ByteView model, std::string_view data, std::string_view pooling,
                                    const std::optional<OpenPassport>& passport) = 0;
  virtual Result<MarkReading> read_mark(ByteView model, const MarkDescription& mark, const OpenPassport& passport) = 0;
  /// Undoes a permutation or rescaling of the copy's channels by what the passports do not read. Errors  those of
  /// model::align_model.
  virtual Result<AlignedModel> align(ByteView copy, ByteView original, const MarkDescription& mark,
                                     const std::vector<OpenPassport>& passports) = 0;
  virtual Result<MintResult> mint(const MintRequest& request) = 0;
  /// Mints for each, side by side on all cores; one result each, in their order.
  virtual std::vector<Result<MintResult>> mint_all(const std::vector<MintRequest>& requests) = 0;
  virtual Result<RevealResult> reveal(ByteView user_passport_png, ByteView isn_key, ByteView isn_weights) = 0;
  /// Hides a picture in another, of any size. Errors  refused on a key that can be guessed (flat, short, the cover itself).
  virtual Result<HideResult> hide(const HideRequest& request) = 0;
  /// What a key finds in a stego, as a PNG. Errors  malformed unless the stego is a PNG.
  virtual Result<Bytes> reveal_hidden(ByteView stego_png, ByteView key, ByteView isn_weights) = 0;
  /// The invertible network of the published code (a state dict of torch.save) as ISN weights without a key.
  virtual Result<Bytes> convert_isn(ByteView file) = 0;
  /// PSNR in dB over two pictures of one size.
  virtual Result<double> psnr(ByteView a_png, ByteView b_png) = 0;
  virtual Result<IsnTrainResult> train_isn(const IsnTrainRequest& request, const Progress& progress) = 0;
  /// `size`: side of the centred squares, or 0 for whole pictures.
  virtual Result<IsnFigures> evaluate_isn(ByteView weights, const std::filesystem::path& images, std::uint32_t size,
                                          std::uint64_t seed) = 0;
  virtual Result<MintTrial> try_mints(ByteView weights, const std::filesystem::path& images, std::uint64_t count,
                                      std::uint64_t seed, const Progress& progress) = 0;
  /// Library versions for reports: LibTorch, OpenCV.
  virtual std::string versions() = 0;
  /// log10 P[X >= matches] of X binomial with `bits` tries at one half.
  virtual double log10_chance(int bits, int matches) = 0;

  /// Told what happens on the way, one line a time.
  using Note = std::function<void(std::string_view)>;
  /// Loads a data set whole and counts it. `side` 0: what lies there, or 32 where pictures have to be brought to a side.
  virtual Result<DataSummary> check_data(std::string_view path, std::uint32_t side, const Progress& progress,
                                         const Note& note) = 0;
  /// The same, and the data file that keeps it; a folder tree is decoded whether a cache holds it or not.
  virtual Result<ImportedData> import_data(std::string_view path, std::uint32_t side, const Progress& progress) = 0;
  /// The kinds of data that are read, with where they lie in a word or two.
  virtual std::vector<std::pair<std::string, std::string>> data_kinds() = 0;
  /// Data sets in these folders and one level below, and the files of the cache.
  virtual std::vector<FoundData> find_data(const std::vector<std::filesystem::path>& folders) = 0;
  /// Different pictures that are not flat, at random by the seed. Errors refused when there are too few.
  virtual Result<PickedPictures> pick_pictures(const PickRequest& request) = 0;
  /// Reads wrong passports and holds their matches against the exact binomial.
  virtual Result<SurveyResult> survey(ByteView model, const SurveyRequest& request, const Progress& progress) = 0;
  /// Runs one attack on a network. Errors  those of model::run_attack, and of files that the request brings.
  virtual Result<AttackResult> attack(const AttackRequest& request, const Progress& progress) = 0;
  /// Weights of other programs as safetensors, under our names where we know theirs: schemas/pytorch.md. Runs nothing of the
  /// file.
  virtual Result<Conversion> convert(const ConvertRequest& request) = 0;
  /// The tensors of such a file, and what else it holds in `left_out`.
  virtual Result<Conversion> list_tensors(ByteView file) = 0;

  /// The scale picture of a passport alone, as a PNG; and twenty times the difference of two, on grey. Errors malformed; usage
  /// when sizes differ.
  virtual Result<Bytes> scale_picture(ByteView passport_png) = 0;
  virtual Result<Bytes> difference(ByteView passport_png, ByteView other_png) = 0;
  /// QR codes of up to 400 printable ASCII characters. `read_code` finds one anywhere in a PNG or JPEG: malformed for no picture,
  /// not_found for no code.
  virtual Result<QrModules> code_of(std::string_view text) = 0;
  virtual Result<std::string> read_code(ByteView picture) = 0;
  virtual Result<Bytes> draw_card(const CardPicture& card) = 0;
  /// Searches a key, or a passport, that reveals a wanted identity. Errors  those of model::forge_isn_key and of the files.
  virtual Result<ForgeIsnResult> forge_isn(const ForgeIsnRequest& request, const Progress& progress) = 0;
  /// Hides an identity with another key's QR code pasted over its own.
  virtual Result<PasteResult> paste_code(const PasteRequest& request) = 0;
  /// Mints for many licensees of one cover and puts their user passports together.
  virtual Result<CollusionResult> collude(const CollusionRequest& request, const Progress& progress) = 0;
  /// Passports a little away from one: `pixels` with a grey level in one pixel, then with noise and through JPEG.
  virtual Result<std::vector<NearPassport>> near_passports(ByteView passport_png, std::uint64_t pixels, std::uint64_t seed) = 0;
};

/// Opens the model part once; the pointer lives as long as the process. Errors unsupported when this build has none, io when it
/// does not load.
Result<ModelPart*> load_model_part();

/// Ends the program once all is written. Where the part was loaded, the statics of its libraries are left to the system: taking
/// them down takes a tenth of a second, and nothing in them is ours.
[[noreturn]] void exit_past_model_part(int code);

/// The ISN weights that come with the program (share/stegpass/isn-small.safetensors), or those at `path` when not empty.
Result<Bytes> load_isn_weights(const std::filesystem::path& path);

}  // namespace stegpass::cli
