#pragma once

#include <string>
#include <vector>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>

#include "pickle_reader.hpp"

namespace stegpass::model {

/// A file of torch.save taken apart: the stream, and the bytes of each of its storages. Both view the file.
struct TorchFile {
  Pickle pickle;
  std::vector<ByteView> storages;  ///< for each of pickle.storages, elements * width bytes
};

/// The refusal of a file, for what was found in it.
inline Error bad_torch_file(const std::string& what) { return {Errc::malformed, "PyTorch file: " + what}; }

bool is_torch_zip(ByteView file);
bool is_torch_legacy(ByteView file);

/// The form since torch 1.6: a zip archive with NAME/data.pkl and NAME/data/KEY. Errors of `read_zip` and `read_pickle`;
/// malformed on a storage that is absent, of another size, or damaged; unsupported on big-endian data.
Result<TorchFile> read_torch_zip(ByteView file);

/// The older form: a magic number, a protocol number, facts of the machine, the stream, a list of keys, and for each key in that
/// order the number of elements and their bytes; then the end.
Result<TorchFile> read_torch_legacy(ByteView file);

}  // namespace stegpass::model
