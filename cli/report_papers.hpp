#pragma once

#include <optional>
#include <string>
#include <vector>

#include <stegpass/credential/bundle.hpp>
#include <stegpass/credential/note.hpp>
#include <stegpass/credential/statement.hpp>

#include "charts.hpp"
#include "page.hpp"
#include "report.hpp"

namespace stegpass::cli {

/// A statement of a bundle as a report shows it.
struct PaperEntry {
  std::optional<std::uint64_t>
      index;  ///< in the ledger, as its receipt says, if that holds under the key that the ledger policy names
  credential::StatementKind kind;
  std::int64_t issued_at = 0;
  std::string subject, issuer;
};

/// What can be read of a bundle, whatever the verdict on it: nothing of it is trusted here.
struct PapersView {
  std::optional<credential::Bundle> bundle;
  std::vector<PaperEntry> entries;
  std::optional<credential::Checkpoint> checkpoint;
  std::vector<std::string> signers;  ///< names in the checkpoint's signature lines
  const PaperEntry* find(std::string_view kind) const;
};
PapersView view_papers(ByteView bundle);

/// What a check rests on: a file that was brought, an entry with its time, the checkpoint.
html::Markup evidence_of(std::string_view code, const PapersView& papers, const ReportInputs& inputs);

/// The statements in order of the ledger, then checkpoint and verdict.
std::vector<Event> events_of(const PapersView& papers, const ReportInputs& inputs);

/// Pictures that the evidence holds or that follow from it, for the report; what cannot be shown says why.
std::vector<Figure> pictures_of(const ReportInputs& inputs, std::vector<std::string>& not_shown);

}  // namespace stegpass::cli
