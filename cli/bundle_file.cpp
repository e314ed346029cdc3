#include "bundle_file.hpp"

#include <stegpass/credential/bundle_armor.hpp>

#include "files.hpp"

namespace stegpass::cli {

Result<EvidenceFile> read_bundle(const std::string& path) {
  STEGPASS_TRY(file, read_evidence(path, kMaxPictureFile, "a bundle"));
  if (!file.problem.empty() || !credential::is_armored_bundle(file.bytes)) return file;
  auto bytes = credential::unarmor_bundle(file.bytes);
  if (!bytes) return EvidenceFile{path, {}, bytes.error().detail};
  file.bytes = std::move(*bytes);
  return file;
}

}  // namespace stegpass::cli
