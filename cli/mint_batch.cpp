#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <stegpass/credential/core/text.hpp>

#include "files.hpp"
#include "minter.hpp"

namespace stegpass::cli {
namespace {

namespace fs = std::filesystem;

/// Passports that are minted side by side, and then written: each write of the vault derives its key from the passphrase anew.
constexpr std::ptrdiff_t kMintsPerSave = 16;
constexpr std::string_view kManifest = "manifest.jsonl";

Result<std::vector<fs::path>> list_requests(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> out;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (at->path().extension() == ".request") out.push_back(at->path());
  if (error) return Error{Errc::not_found, folder.string() + ": " + error.message() + ", a folder of requests expected"};
  if (out.empty()) return Error{Errc::usage, folder.string() + " holds no *.request files"};
  std::sort(out.begin(), out.end());
  return out;
}

/// One line a request, in the order of minting.
class Manifest {
 public:
  explicit Manifest(const fs::path& folder) : folder_(folder) {}

  /// Lines of an earlier run. Errors  malformed, naming the line.
  Status load() {
    std::error_code error;
    if (!fs::exists(folder_ / kManifest, error)) return Done{};
    STEGPASS_TRY(file, read_file(folder_ / kManifest, kMaxPictureFile, "a manifest"));
    std::size_t number = 0;
    for (std::size_t from = 0, to; from < file.size(); from = to + 1) {
      to = static_cast<std::size_t>(std::find(file.begin() + static_cast<std::ptrdiff_t>(from), file.end(), '\n') - file.begin());
      const Json line = Json::parse(file.begin() + static_cast<std::ptrdiff_t>(from),
                                    file.begin() + static_cast<std::ptrdiff_t>(to), nullptr, false);
      ++number;
      if (!line.is_object() || !line.contains("request") || !line["request"].is_string())
        return Error{Errc::malformed,
                     (folder_ / kManifest).string() + ": line " + std::to_string(number) + " is none of a manifest"};
      if (line.contains("user_passport")) lines_.push_back(line);  // those that failed are tried again
    }
    return Done{};
  }

  bool has(const fs::path& request) const {
    std::error_code error;
    return std::any_of(lines_.begin(), lines_.end(), [&](const Json& line) {
      return line["request"] == request.filename().string() && line.contains("user_passport") &&
             fs::exists(passport_path(request), error);
    });
  }
  void add(Json line) { lines_.push_back(std::move(line)); }
  fs::path passport_path(const fs::path& request) const { return folder_ / request.filename().replace_extension(".png"); }
  Status save() const {
    std::string text;
    for (const Json& line : lines_) text += line.dump() + "\n";
    return write_file(folder_ / kManifest, as_bytes(text), {.force = true});
  }

 private:
  fs::path folder_;
  std::vector<Json> lines_;
};

class Batch {
 public:
  Batch(Minter minter, const fs::path& out) : minter_(std::move(minter)), manifest_(out) {}

  Status load() { return manifest_.load(); }
  bool done(const fs::path& request) const { return manifest_.has(request); }

  /// Mints for these requests together and keeps what came of them.
  Status mint(const std::vector<fs::path>& paths) {
    std::vector<credential::LicenseRequest> requests;
    std::map<fs::path, Error> errors;
    for (const fs::path& path : paths) {
      auto request = read_license_request(path);
      if (!request) {
        errors.emplace(path, request.error());
        continue;
      }
      requests.push_back(std::move(*request));
    }
    auto minted = minter_.mint(requests);
    for (std::size_t i = 0, next = 0; i < paths.size(); ++i) {
      if (const auto error = errors.find(paths[i]); error != errors.end()) {
        add_failure(paths[i], error->second);
        continue;
      }
      if (minted[next])
        add_minted(paths[i], requests[next], std::move(*minted[next]));
      else
        add_failure(paths[i], minted[next].error());
      ++next;
    }
    return save();
  }

  /// The vault first, then the passports, then the manifest: a run that ends between them mints a few again.
  Status save() {
    if (!waiting_.empty()) STEGPASS_CHECK_OK(minter_.save());
    for (const auto& [path, picture] : waiting_) STEGPASS_CHECK_OK(write_file(path, picture, {.force = true, .secret = true}));
    waiting_.clear();
    return manifest_.save();
  }

  std::size_t minted() const { return minted_; }
  std::size_t failed() const { return failed_; }
  const std::optional<Error>& first_error() const { return first_error_; }

 private:
  void add_failure(const fs::path& path, const Error& error) {
    if (!first_error_) first_error_ = about(path.filename().string(), error);
    manifest_.add({{"request", path.filename().string()}, {"error", error.detail}});
    ++failed_;
  }
  void add_minted(const fs::path& path, const credential::LicenseRequest& request, MintResult minted) {
    const fs::path picture = manifest_.passport_path(path);
    manifest_.add({{"request", path.filename().string()},
                   {"user_passport", picture.filename().string()},
                   {"licensee", request.licensee.thumbprint_uri()},
                   {"digest", to_hex(minted.user_passport.digest)},
                   {"stego_psnr_db", minted.stego_psnr_db},
                   {"reveal_psnr_db", minted.reveal_psnr_db}});
    waiting_.emplace_back(picture, std::move(minted.user_passport.picture));
    ++minted_;
  }

  Minter minter_;
  Manifest manifest_;
  std::vector<std::pair<fs::path, Bytes>> waiting_;
  std::size_t minted_ = 0, failed_ = 0;
  std::optional<Error> first_error_;
};

}  // namespace

Result<Report> mint_batch(const MintBatch& options) {
  STEGPASS_TRY(requests, list_requests(options.licensees));
  STEGPASS_CHECK_OK(make_folder(options.out));
  STEGPASS_TRY(minter, Minter::open(options.home, options.isn, options.reveal_bar_db));
  Batch batch(std::move(minter), options.out);
  if (!options.force) STEGPASS_CHECK_OK(batch.load());
  const auto waiting =
      std::stable_partition(requests.begin(), requests.end(), [&](const fs::path& request) { return batch.done(request); });
  const auto already = static_cast<std::size_t>(waiting - requests.begin());
  {
    ProgressBar bar("minting");
    for (auto from = waiting; from != requests.end() && !interrupted();) {
      const auto to = from + std::min<std::ptrdiff_t>(kMintsPerSave, requests.end() - from);
      STEGPASS_CHECK_OK(batch.mint({from, to}));
      from = to;
      bar.update(static_cast<double>(to - requests.begin()), static_cast<double>(requests.size()), (to - 1)->filename().string());
    }
  }
  STEGPASS_CHECK_OK(batch.save());
  const std::string counts = std::to_string(batch.minted()) + " minted, " + std::to_string(already) + " were there, " +
                             std::to_string(batch.failed()) + " could not be";
  if (interrupted()) return Error{Errc::interrupted, "stopped: " + counts + "; the same command goes on"};
  if (batch.first_error())
    return Error{batch.first_error()->code, counts + "; the first of these: " + batch.first_error()->detail};
  Report report;
  report.text = counts + ", in " + options.out.string();
  report.figures = {{"minted", batch.minted()}, {"already", already}, {"manifest", (options.out / kManifest).string()}};
  return report;
}

}  // namespace stegpass::cli
