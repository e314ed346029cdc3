#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/model_signature.hpp>

namespace stegpass::cli {

/// How a model's files are listed and hashed.
struct ManifestOptions {
  credential::StreamHash::Algorithm hash = credential::StreamHash::Algorithm::sha256;
  std::optional<std::uint64_t> shard_bytes;  ///< method shards
  std::vector<std::string> ignore_paths;     ///< relative to the model; a folder's name covers all below it
  unsigned threads = 0;                      ///< 0: as many as there are processors
};

/// The model's name, and the digests of all files below a folder, or of the one file that `model` is: in order of the parts of
/// their paths, read on all threads piece by piece. Memory is a megabyte a thread, whatever the files' sizes. Errors  not_found,
/// io; refused on symbolic links, which could lead anywhere, and on what is neither file nor folder;
///         interrupted; malformed on names that are no UTF-8 or hold control characters.
Result<credential::ModelManifest> hash_model(const std::filesystem::path& model, const ManifestOptions& options);

/// Paths that are left out of every manifest, as other tools do: .git, .gitattributes, .github, .gitignore.
std::vector<std::string> default_ignored();

}  // namespace stegpass::cli
