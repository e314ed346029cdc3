#pragma once

#include "model_part.hpp"
#include "model_part_attack.hpp"
#include "model_part_attack_isn.hpp"

namespace stegpass::cli {

/// The model part over libmodel and model_io: passports and networks in model_part_passport.cpp, the ISN in model_part_isn.cpp
/// and model_part_hide.cpp, training in model_part_train.cpp, attacks in model_part_attack*.cpp, data sets in
/// model_part_data.cpp, weights of other programs in model_part_convert.cpp, pictures of reports and cards in
/// model_part_report.cpp.
class LibtorchModelPart final : public ModelPart {
 public:
  Result<Bytes> draw(std::string_view kind, std::uint64_t seed, std::uint32_t size, std::string_view caption) override;
  Result<Bytes> square_png(ByteView picture, std::uint32_t size) override;
  Result<PassportFile> compose_passport(ByteView scale_picture, ByteView bias_picture, std::uint32_t size) override;
  Result<PassportFile> read_passport(ByteView png) override;
  Result<Bytes> mark_seed(ByteView passport_png, const Digest32& owner, ByteView salt) override;
  Result<TrainResult> train(const TrainRequest& request, const Progress& progress) override;
  Result<Accuracy> evaluate(ByteView model, std::string_view data, std::string_view pooling,
                            const std::optional<OpenPassport>& passport) override;
  Result<MarkReading> read_mark(ByteView model, const MarkDescription& mark, const OpenPassport& passport) override;
  Result<AlignedModel> align(ByteView copy, ByteView original, const MarkDescription& mark,
                             const std::vector<OpenPassport>& passports) override;
  Result<MintResult> mint(const MintRequest& request) override;
  std::vector<Result<MintResult>> mint_all(const std::vector<MintRequest>& requests) override;
  Result<RevealResult> reveal(ByteView user_passport_png, ByteView isn_key, ByteView isn_weights) override;
  Result<HideResult> hide(const HideRequest& request) override;
  Result<Bytes> reveal_hidden(ByteView stego_png, ByteView key, ByteView isn_weights) override;
  Result<Bytes> convert_isn(ByteView file) override;
  Result<double> psnr(ByteView a_png, ByteView b_png) override;
  Result<IsnTrainResult> train_isn(const IsnTrainRequest& request, const Progress& progress) override;
  Result<IsnFigures> evaluate_isn(ByteView weights, const std::filesystem::path& images, std::uint32_t size,
                                  std::uint64_t seed) override;
  Result<MintTrial> try_mints(ByteView weights, const std::filesystem::path& images, std::uint64_t count, std::uint64_t seed,
                              const Progress& progress) override;
  std::string versions() override;
  double log10_chance(int bits, int matches) override;
  Result<DataSummary> check_data(std::string_view path, std::uint32_t side, const Progress& progress, const Note& note) override;
  Result<ImportedData> import_data(std::string_view path, std::uint32_t side, const Progress& progress) override;
  std::vector<std::pair<std::string, std::string>> data_kinds() override;
  std::vector<FoundData> find_data(const std::vector<std::filesystem::path>& folders) override;
  Result<PickedPictures> pick_pictures(const PickRequest& request) override;
  Result<SurveyResult> survey(ByteView model, const SurveyRequest& request, const Progress& progress) override;
  Result<AttackResult> attack(const AttackRequest& request, const Progress& progress) override;
  Result<Conversion> convert(const ConvertRequest& request) override;
  Result<Conversion> list_tensors(ByteView file) override;
  Result<Bytes> scale_picture(ByteView passport_png) override;
  Result<Bytes> difference(ByteView passport_png, ByteView other_png) override;
  Result<QrModules> code_of(std::string_view text) override;
  Result<std::string> read_code(ByteView picture) override;
  Result<Bytes> draw_card(const CardPicture& card) override;
  Result<ForgeIsnResult> forge_isn(const ForgeIsnRequest& request, const Progress& progress) override;
  Result<PasteResult> paste_code(const PasteRequest& request) override;
  Result<CollusionResult> collude(const CollusionRequest& request, const Progress& progress) override;
  Result<std::vector<NearPassport>> near_passports(ByteView passport_png, std::uint64_t pixels, std::uint64_t seed) override;
};

}  // namespace stegpass::cli
