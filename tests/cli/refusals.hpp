#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "program.hpp"

namespace stegpass::test {

/// Stands in an argument list for the file under test.
inline constexpr const char* kFile = "{file}";

/// Ways in which a file can be wrong.
struct BadFile {
  std::string kind;  ///< missing, empty, folder, truncated, another type, oversized
  std::string path;
};

/// One bad file of each kind in `folder`; `good` is what is cut in half, `limit` the greatest size of its class (0: no oversized
/// one).
std::vector<BadFile> bad_files(const TempFolder& folder, const std::string& good, std::uint64_t limit);

/// Runs the program with `args`, and again with --json, and demands: an exit code among `codes`, one clear line (or one JSON
/// object), and nothing changed in `folder`.
void require_refused(const Args& args, std::initializer_list<int> codes, const TempFolder& folder);

/// The same for every bad file in the place of kFile.
void require_bad_files_refused(const Args& args, const std::vector<BadFile>& files, std::initializer_list<int> codes,
                               const TempFolder& folder);

inline constexpr std::uint64_t kSmallFile = 1u << 20, kPictureFile = 64u << 20;

}  // namespace stegpass::test
