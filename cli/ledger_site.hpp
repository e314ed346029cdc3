#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/merkle.hpp>
#include <stegpass/credential/note.hpp>
#include <stegpass/credential/statement.hpp>

#include "workspace_ledger.hpp"

namespace stegpass::cli {

/// An entry with what its page shows.
struct SiteEntry {
  std::uint64_t index = 0;
  std::int64_t time = 0;  ///< of the commit that took it
  Bytes octets;
  credential::Statement statement;
  credential::InclusionProof proof;  ///< to the checkpoint's tree
};

/// A line of the list of entries.
struct EntryLine {
  std::uint64_t index = 0;
  credential::StatementKind kind;
  std::int64_t issued_at = 0;
  std::string subject;
};

/// Takes a page or file by its path within the site.
using PutFile = std::function<Status(const std::string& path, ByteView content)>;

/// The pages of a ledger, made of the log's public content alone; the same log gives the same bytes. Page `entries/N.html` has
/// the one script of the site, which checks the proof in the reader's browser; without it everything is there to read.
class SitePages {
 public:
  static constexpr std::size_t kListed = 256;  ///< entries on a page of the list

  /// `note` is the signed checkpoint that every proof leads to. The ledger must outlive this.
  SitePages(const OpenLedger& ledger, std::string note, credential::Checkpoint checkpoint);
  /// style.css, index.html, checkpoint.html, checkpoint, models/ID.html, licenses/ID.html.
  Status put_front(const PutFile& put) const;
  /// entries/N.html
  Status put_entry(const SiteEntry& entry, const PutFile& put) const;
  /// entries/index.html, entries/page-1.html, ...; `lines` are all entries, in order.
  Status put_list(const std::vector<EntryLine>& lines, const PutFile& put) const;

 private:
  std::string index_page() const;
  std::string checkpoint_page() const;
  std::string model_page(const std::string& id, const ledger::RegistrationState& state) const;
  std::string license_page(const std::string& id, const ledger::RegistrationState& owner,
                           const ledger::LicenseState& state) const;
  std::string entry_page(const SiteEntry& entry) const;
  std::string list_page(const std::vector<EntryLine>& lines, std::size_t page_number, std::size_t pages) const;
  static std::string list_file(std::size_t page_number);

  const OpenLedger& ledger_;
  std::string note_;
  credential::Checkpoint checkpoint_;
};

}  // namespace stegpass::cli
