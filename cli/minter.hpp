#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/request.hpp>

#include "model_part.hpp"
#include "workspace.hpp"

namespace stegpass::cli {

/// An owner's home, open for minting user passports, one after the other.
class Minter {
 public:
  /// `isn` names weights, or is empty for those that come with the program. Errors  those of open_home; not_found without a
  /// cover.
  static Result<Minter> open(const HomeOptions& home, const std::filesystem::path& isn, double reveal_bar_db);

  /// The registration that a request is for, or null when it is not this owner's.
  const VaultRegistration* registration(const credential::LicenseRequest& request) const;
  /// Mints, and puts what opens the license later into the vault in memory. Errors  refused (not this owner's registration, other
  /// weights than the registered ones, a reveal under the bar). `pictures` asks for those for people too.
  Result<MintResult> mint(const credential::LicenseRequest& request, bool pictures = false);
  /// The same for several at once, on all cores; one result each, in their order.
  std::vector<Result<MintResult>> mint(const std::vector<credential::LicenseRequest>& requests);
  /// Writes the vault: before passports leave, so that what was handed out can always be opened.
  Status save() const { return save_vault(home_); }

 private:
  Minter(ModelPart& model, OpenHome home, Bytes weights, double reveal_bar_db)
      : model_(&model),
        home_(std::move(home)),
        weights_(std::move(weights)),
        weights_digest_(credential::fast_sha256(weights_)),
        reveal_bar_db_(reveal_bar_db) {}
  Result<MintRequest> checked(const credential::LicenseRequest& request) const;
  void remember(const credential::LicenseRequest& request, const MintResult& minted);

  ModelPart* model_;
  OpenHome home_;
  Bytes weights_;
  Digest32 weights_digest_;
  double reveal_bar_db_;
};

/// A license request from its file. Errors  those of read_file and decode_license_request, naming the file.
Result<credential::LicenseRequest> read_license_request(const std::filesystem::path& path);

struct MintBatch {
  HomeOptions home;
  std::filesystem::path licensees;  ///< folder of requests
  std::filesystem::path out;        ///< folder for passports and the manifest
  std::string isn;
  double reveal_bar_db = 30;
  bool force = false;  ///< mints those anew that the manifest has already
};
/// Mints for every request in a folder; a request that cannot be served is a line of the manifest, and the first such error is
/// returned at the end.
Result<Report> mint_batch(const MintBatch& batch);

}  // namespace stegpass::cli
