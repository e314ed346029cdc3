#include <memory>

#include <stegpass/credential/core/text.hpp>

#include "dispute.hpp"
#include "files.hpp"
#include "license_desk.hpp"

namespace stegpass::cli {
namespace {

using namespace credential;

struct EnterOptions {
  HomeOptions home;
  std::vector<std::string> files;
};

bool is_of_dispute(const Statement& statement) {
  return statement.as<DisputeClaim>() || statement.as<DisputeEvidence>() || statement.as<DisputeFinding>();
}

Result<std::vector<Statement>> read_statements(const std::vector<std::string>& files) {
  std::vector<Statement> out;
  for (const std::string& file : files) {
    STEGPASS_TRY(bytes, read_file(file, kMaxSmallFile, "a dispute's claim, evidence or finding"));
    auto statement = Statement::decode(bytes);
    if (!statement) return about(file, statement.error());
    if (!is_of_dispute(*statement))
      return Error{Errc::usage, file + " is a " + std::string(statement_kind_name(statement->kind())) + ", not of a dispute"};
    out.push_back(std::move(*statement));
  }
  return out;
}

Result<Report> enter(const EnterOptions& options) {
  STEGPASS_TRY(statements, read_statements(options.files));
  STEGPASS_TRY(desk, open_desk(options.home));
  STEGPASS_TRY(appended, desk.ledger.log.append(statements, desk.signers.log, current_time()));
  Report report;
  report.figures["entries"] = Json::array();
  for (std::size_t i = 0; i < appended.size(); ++i) {
    const std::string kind(statement_kind_name(statements[i].kind()));
    report.text += (i == 0 ? "" : "\n") + std::string("entered ") + options.files[i] + ", a " + kind + ", as entry " +
                   std::to_string(appended[i].index);
    report.figures["entries"].push_back({{"file", options.files[i]}, {"kind", kind}, {"index", appended[i].index}});
  }
  return report;
}

int run(const EnterOptions& options, Output& output) { return finish(output, enter(options)); }

}  // namespace

void setup_dispute_enter(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<EnterOptions>();
  CLI::App& command =
      *group.add_subcommand("enter", "Enter a dispute's claim, evidence or finding into a ledger; all of them or none");
  add_home_options(command, options->home);
  command.add_option("file", options->files, "Statements, in the order in which they shall stand there")->required();
  command.footer("Example: stegpass dispute enter claim.cose acme-bundle.cose --home rival");
  bind_command(commands, command, options, run);
}

}  // namespace stegpass::cli
