#include "model_folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <thread>

#include "files.hpp"

namespace stegpass::cli {
namespace {

namespace fs = std::filesystem;
using credential::ModelManifest;
using credential::ModelResource;
using credential::StreamHash;

constexpr std::size_t kPiece = 1u << 20;

/// A range of a file that becomes one resource.
struct Job {
  fs::path file;
  std::string name;
  std::uint64_t begin = 0, end = 0;
};

struct Listed {
  fs::path file, relative;
  std::uint64_t bytes = 0;
};

bool is_ignored(const fs::path& relative, const std::vector<std::string>& ignored) {
  return std::any_of(ignored.begin(), ignored.end(), [&](const std::string& text) {
    fs::path path = fs::path(text).lexically_normal();
    if (!path.has_filename()) path = path.parent_path();  // "folder/"
    return !path.empty() && std::mismatch(path.begin(), path.end(), relative.begin(), relative.end()).first == path.end();
  });
}

Error not_plain(const fs::path& path, fs::file_type type) {
  if (type == fs::file_type::symlink)
    return {Errc::refused, path.string() + " is a symbolic link; a model is signed as the files that it is"};
  return {Errc::refused, path.string() + " is neither a file nor a folder"};
}

Result<std::vector<Listed>> list_folder(const fs::path& folder, const std::vector<std::string>& ignored) {
  std::vector<Listed> files;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const fs::path relative = at->path().lexically_relative(folder);
    const fs::file_type type = at->symlink_status().type();
    if (is_ignored(relative, ignored)) {
      if (type == fs::file_type::directory) at.disable_recursion_pending();
      continue;
    }
    if (type == fs::file_type::directory) continue;
    if (type != fs::file_type::regular) return not_plain(at->path(), type);
    files.push_back({at->path(), relative, at->file_size()});
  }
  if (error) return Error{Errc::io, "cannot read the folder " + folder.string() + ": " + error.message()};
  std::sort(files.begin(), files.end(), [](const Listed& a, const Listed& b) {
    return std::lexicographical_compare(a.relative.begin(), a.relative.end(), b.relative.begin(), b.relative.end());
  });
  return files;
}

Result<std::vector<Listed>> list_model(const fs::path& model, const std::vector<std::string>& ignored) {
  std::error_code error;
  const fs::file_type type = fs::symlink_status(model, error).type();
  if (type == fs::file_type::not_found) return Error{Errc::not_found, "there is no model at " + model.string()};
  if (type == fs::file_type::directory) return list_folder(model, ignored);
  if (type != fs::file_type::regular) return not_plain(model, type);
  return std::vector<Listed>{{model, model.filename(), fs::file_size(model, error)}};
}

std::vector<Job> jobs_of(const std::vector<Listed>& files, std::optional<std::uint64_t> shard_bytes) {
  std::vector<Job> jobs;
  for (const Listed& file : files) {
    const std::string name = file.relative.generic_string();
    if (!shard_bytes) jobs.push_back({file.file, name, 0, file.bytes});
    for (std::uint64_t begin = 0; shard_bytes && begin < file.bytes;) {
      const std::uint64_t end = begin + std::min(*shard_bytes, file.bytes - begin);
      jobs.push_back({file.file, name + ":" + std::to_string(begin) + ":" + std::to_string(end), begin, end});
      begin = end;
    }
  }
  return jobs;
}

/// Reads one range after another into the same piece of memory.
class Worker {
 public:
  explicit Worker(StreamHash::Algorithm hash) : hash_(hash), piece_(kPiece) {}

  Result<Bytes> digest(const Job& job) {
    const int fd = ::open(job.file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) return Error{Errc::io, "cannot read " + job.file.string() + ": " + std::strerror(errno)};
    auto read = digest_of(fd, job);
    ::close(fd);
    return read;
  }

 private:
  Result<Bytes> digest_of(int fd, const Job& job) {
    StreamHash hash(hash_);
    for (std::uint64_t at = job.begin; at < job.end;) {
      if (interrupted()) return Error{Errc::interrupted, "stopped while hashing " + job.file.string()};
      const ssize_t count = ::pread(fd, piece_.data(), std::min<std::uint64_t>(kPiece, job.end - at), static_cast<off_t>(at));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0)
        return Error{Errc::io, job.file.string() +
                                   (count < 0 ? ": " + std::string(std::strerror(errno)) : " became shorter while it was read")};
      hash.update(ByteView(piece_).first(static_cast<std::size_t>(count)));
      at += static_cast<std::uint64_t>(count);
    }
    return hash.finish();
  }

  StreamHash::Algorithm hash_;
  Bytes piece_;
};

unsigned thread_count(unsigned asked, std::size_t jobs) {
  const unsigned most = asked != 0 ? asked : std::max(1u, std::thread::hardware_concurrency());
  return static_cast<unsigned>(std::clamp<std::size_t>(jobs, 1, most));
}

/// Each thread takes the next range that nobody has; the first error ends them all.
Result<std::vector<ModelResource>> hash_all(const std::vector<Job>& jobs, const ManifestOptions& options) {
  std::vector<ModelResource> out(jobs.size());
  std::atomic<std::size_t> next{0};
  std::mutex mutex;  // guards error
  std::optional<Error> error;
  const auto work = [&] {
    Worker worker(options.hash);
    for (std::size_t i = next++; i < jobs.size(); i = next++) {
      auto digest = worker.digest(jobs[i]);
      if (digest) {
        out[i] = {jobs[i].name, std::move(*digest)};
        continue;
      }
      const std::lock_guard lock(mutex);
      if (!error) error = digest.error();
      next = jobs.size();
    }
  };
  std::vector<std::jthread> threads;
  for (unsigned i = 1; i < thread_count(options.threads, jobs.size()); ++i) threads.emplace_back(work);
  work();
  threads.clear();
  if (error) return *error;
  return out;
}

}  // namespace

std::vector<std::string> default_ignored() { return {".git", ".gitattributes", ".github", ".gitignore"}; }

Result<ModelManifest> hash_model(const fs::path& given, const ManifestOptions& options) {
  std::error_code error;
  fs::path model = given.lexically_normal();
  if (!model.has_filename()) model = model.parent_path();
  STEGPASS_TRY(files, list_model(model, options.ignore_paths));
  STEGPASS_TRY(resources, hash_all(jobs_of(files, options.shard_bytes), options));
  const fs::path name = fs::absolute(model, error).lexically_normal().filename();
  ModelManifest out{
      .model_name = name.empty() ? "model" : name.string(), .hash = options.hash, .shard_bytes = options.shard_bytes};
  out.ignore_paths = options.ignore_paths;
  out.resources = std::move(resources);
  const std::string text = encode_model_manifest(out);
  STEGPASS_TRY(read_back, credential::decode_model_manifest(as_bytes(text)));  // names that nobody could read are not signed
  return read_back;
}

}  // namespace stegpass::cli
