#include <stegpass/credential/bundle.hpp>
#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/statement.hpp>

#include "bundle_file.hpp"
#include "card.hpp"
#include "files.hpp"
#include "license.hpp"
#include "model_part.hpp"
#include "page.hpp"

namespace stegpass::cli {
namespace {

using namespace credential;
using html::element;
using html::Markup;

struct CardOptions {
  std::string bundle, out;
  bool force = false;
};

/// What a card is printed from. Nothing of it is verified here, which the card says.
struct CardContent {
  CardCode code;
  std::string model, licensee, dates, terms;
};

constexpr const char* kFoot =
    "This card proves nothing by itself. Check it: stegpass verify --bundle B --policy P --card PICTURE";

Result<CardContent> read_content(const std::string& path) {
  STEGPASS_TRY(file, read_bundle(path));
  if (!file.problem.empty()) return Error{Errc::malformed, file.problem};
  auto bundle = decode_bundle(file.bytes);
  if (!bundle) return Error{bundle.error().code, path + ": " + bundle.error().detail};
  CardContent out;
  out.code.bundle = fast_sha256(file.bytes);
  for (const Bytes& bytes : bundle->statements) {
    STEGPASS_TRY(statement, Statement::decode(bytes));
    if (const auto* registration = statement.as<Registration>()) {
      out.code.registration = registration->id;
      out.model = registration->model_name;
    } else if (const auto* license = statement.as<License>()) {
      out.code.license = license->id;
      out.licensee = license->licensee.thumbprint_uri();
      out.dates = utc_time(license->not_before) + " to " + utc_time(license->expires);
      out.terms = describe_terms(license->terms);
    } else if (const auto* renewal = statement.as<Renewal>()) {
      out.dates = out.dates.substr(0, out.dates.find(" to ")) + " to " + utc_time(renewal->expires) + " (renewed)";
    }
  }
  if (out.code.license.empty() || out.code.registration.empty())
    return Error{Errc::malformed, path + " has no license and registration, which a card is made of"};
  return out;
}

std::string short_key(const std::string& uri) { return uri.substr(uri.rfind(':') + 1); }

std::vector<std::pair<std::string, std::string>> facts_of(const CardContent& card) {
  return {{"License", to_hex(card.code.license)},
          {"Model", card.model},
          {"Licensee's key (SHA-256)", short_key(card.licensee)},
          {"In force", card.dates},
          {"Terms", card.terms},
          {"Bundle's SHA-256", to_hex(card.code.bundle)}};
}

/// The code as a drawing: a path of unit squares, with four modules of white around it.
Markup drawn_code(const QrModules& code) {
  std::string path;
  for (std::uint32_t row = 0; row < code.side; ++row)
    for (std::uint32_t column = 0; column < code.side; ++column)
      if (code.dark[row * code.side + column]) path += "M" + std::to_string(column) + " " + std::to_string(row) + "h1v1h-1z";
  const std::string whole = std::to_string(code.side + 8);
  return element("svg",
                 {{"viewBox", "-4 -4 " + whole + " " + whole},
                  {"role", "img"},
                  {"aria-label", "QR code with the ids of license and registration and the bundle's SHA-256"},
                  {"shape-rendering", "crispEdges"}},
                 element("rect", {{"x", "-4"}, {"y", "-4"}, {"width", whole}, {"height", whole}, {"fill", "#ffffff"}}) +
                     element("path", {{"d", path}, {"fill", "#000000"}}));
}

std::string card_page(const CardContent& card, const QrModules& code) {
  Markup facts;
  for (const auto& [name, value] : facts_of(card)) facts += element("dt", name) + element("dd", html::foreign(value, 120));
  Document document("License card " + to_hex(card.code.license));
  document.put(element("article", {{"class", "card"}},
                       element("h1", "License card") +
                           element("div", {{"class", "face"}}, element("dl", facts) + drawn_code(code)) +
                           element("p", {{"class", "foot"}}, kFoot)));
  document.put(element("p", {{"class", "note screen"}},
                       Markup("Prints at 85.6 by 54 mm. The code says: ") + html::code(encode_card_code(card.code))));
  return document.write();
}

Result<Bytes> draw(const CardContent& card, bool picture) {
  STEGPASS_TRY(part, load_model_part());
  const std::string text = encode_card_code(card.code);
  if (picture) return part->draw_card({"stegpass license card", kFoot, text, facts_of(card)});
  STEGPASS_TRY(code, part->code_of(text));
  return to_bytes(card_page(card, code));
}

int run(const CardOptions& options, Output& output) {
  const bool picture = options.out.ends_with(".png");
  if (!picture && !options.out.ends_with(".html"))
    return output.fail({Errc::usage, "--out " + options.out + ": expected a name that ends in .png or .html"});
  if (auto free = check_output(options.out, options.force); !free) return output.fail(free.error());
  auto card = read_content(options.bundle);
  if (!card) return output.fail(card.error());
  auto file = draw(*card, picture);
  if (!file) return output.fail(file.error());
  if (auto written = write_file(options.out, *file, {.force = options.force}); !written) return output.fail(written.error());
  return output.done(options.out, {{"out", options.out},
                                   {"license", to_hex(card->code.license)},
                                   {"registration", to_hex(card->code.registration)},
                                   {"bundle_sha256", to_hex(card->code.bundle)},
                                   {"code", encode_card_code(card->code)}});
}

}  // namespace

void setup_license_card(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<CardOptions>();
  CLI::App* command = group.add_subcommand("card", "Print a card whose QR code names the license and the bundle's SHA-256");
  command->add_option("--bundle", options->bundle, "The bundle that the card goes with, binary or text")->required();
  command->add_option("--out", options->out, "The card: a name that ends in .png or .html")->required();
  command->add_flag("--force", options->force, "Replace the output if it exists");
  command->footer(
      "Example: stegpass license card --bundle license.bundle --out card.png\nChecked by: stegpass verify --bundle "
      "license.bundle --policy trust.policy --card card.png");
  bind_command(commands, *command, options, run);
}

}  // namespace stegpass::cli
