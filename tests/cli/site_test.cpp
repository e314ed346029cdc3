#include <filesystem>
#include <fstream>

#include <stegpass/credential/merkle.hpp>

#include "html_check.hpp"
#include "shop.hpp"

using namespace stegpass::test;
namespace fs = std::filesystem;

namespace {

const std::string kHostile = "</code><script>alert(1)</script>\"'&<svg/onload=alert(2)>\xe2\x80\xae";
const std::string kHostileName =
    "<script>alert(1)<!--\"'&<svg onload=alert(2)>\xe2\x80\xae.safetensors";  // file names have no slash

Ran make_site(const Shop& shop, const std::string& folder) { return run_json({"ledger", "site", folder, "--home", shop.home()}); }

/// Registers a model and a license whose texts try to be markup.
void add_hostile(const Shop& shop) {
  using namespace stegpass::credential;
  const stegpass::cli::Signers keys = shop.signers();
  auto log = stegpass::ledger::Ledger::open({shop.home() + "/ledger"}, stegpass::ledger::Ledger::Mode::write);
  REQUIRE(log);
  Registration model{.owner = keys.owner.public_key(), .id = stegpass::Bytes(16, 2)};
  model.model_name = kHostileName;
  model.model_digest[0] = 7;
  model.tensor_count = 1;
  model.mark.architecture = "none";
  model.mark.layers = {"<b>"};
  model.mark.bits = 256;
  model.mark.picture_size = 64;
  model.mark.reserves.resize(2);
  License license{
      .id = stegpass::Bytes(16, 3), .registration_id = model.id, .licensee = PrivateKey::generate(KeyType::ed25519).public_key()};
  license.not_before = kFixtureTime;
  license.expires = kFixtureTime + kDay;
  license.reveal_bar_mdb = 30'000;
  license.terms = {kHostile, std::string(900, 'x') + "<i>", 1};
  std::vector<Statement> statements;
  for (const StatementBody& body : std::vector<StatementBody>{model, license}) {
    auto statement = sign_statement(keys.owner, body, kFixtureTime);
    INFO((statement ? "" : statement.error().detail));
    REQUIRE(statement);
    statements.push_back(*statement);
  }
  REQUIRE(log->append(statements, keys.log, kFixtureTime));
}

/// Every page is sound, and every link in it leads to a file of the site.
void check_pages(const fs::path& site) {
  for (const auto& file : fs::recursive_directory_iterator(site)) {
    if (file.path().extension() != ".html") continue;
    INFO(file.path().string());
    const bool entry = file.path().parent_path().filename() == "entries" &&
                       std::isdigit(static_cast<unsigned char>(file.path().filename().string()[0]));
    const PageRead page = read_page(read_text(file.path()));
    CHECK(page_fault(page, entry) == "");
    CHECK(page.all("script").size() == (entry ? 1u : 0u));
    for (const char* name : {"a", "link"})
      for (const Tag& link : page.all(name)) {
        const std::string target = link.attributes.at("href");
        INFO(target);
        CHECK(fs::is_regular_file(file.path().parent_path() / target));
      }
  }
}

}  // namespace

TEST_CASE("the pages of a ledger show every entry, model and license, and all links lead somewhere") {
  const Shop shop;
  REQUIRE(shop.license("revoke", kBob, {"--reason", "ended"}).code == 0);
  const fs::path site = shop.folder().file("site");
  const Ran made = make_site(shop, site.string());
  INFO(made.out << made.err);
  REQUIRE(made.code == 0);
  check_pages(site);
  const auto size = made.json()["size"].get<std::size_t>();
  CHECK(size >= 6);
  for (std::size_t i = 0; i < size; ++i) {
    CHECK(fs::exists(site / "entries" / (std::to_string(i) + ".html")));
    CHECK(run({"inspect", (site / "entries" / (std::to_string(i) + ".cose")).string()}).code == 0);
  }
  CHECK(read_text(site / "licenses" / (std::string(kBob) + ".html")).find("Revoked") != std::string::npos);
  CHECK(read_text(site / "licenses" / (std::string(kAda) + ".html")).find("In force") != std::string::npos);
  CHECK(read_text(site / "checkpoint") == read_text(shop.home() + "/ledger/checkpoint"));
}

TEST_CASE("the proof on an entry's page leads to the checkpoint's root") {
  using namespace stegpass::credential;
  const Shop shop;
  const fs::path site = shop.folder().file("site");
  const Ran made = make_site(shop, site.string());
  REQUIRE(made.code == 0);
  const auto size = made.json()["size"].get<std::uint64_t>();
  for (std::uint64_t index = 0; index < size; ++index) {
    const PageRead page = read_page(read_text(site / "entries" / (std::to_string(index) + ".html")));
    InclusionProof proof{size, index, {}};
    stegpass::Digest32 leaf{}, root{};
    const auto digest = [](const Tag& tag, stegpass::Digest32& out) {
      const auto bytes = stegpass::parse_hex(tag.text);
      REQUIRE(bytes);
      REQUIRE(bytes->size() == out.size());
      std::copy(bytes->begin(), bytes->end(), out.begin());
    };
    for (Tag tag : page.tags) {
      tag.text = tag.text.substr(0, tag.text.find(' '));
      if (tag.attributes.count("data-path")) digest(tag, proof.path.emplace_back());
      if (tag.attributes.count("id") && tag.attributes.at("id") == "root") digest(tag, root);
      if (tag.attributes.count("id") && tag.attributes.at("id") == "octets")
        leaf = merkle_leaf(stegpass::parse_hex(tag.text).value());
    }
    const auto found = root_from_inclusion(leaf, proof);
    REQUIRE(found);
    CHECK(*found == root);
  }
}

TEST_CASE("names that try to be markup stay text on every page of a ledger") {
  const Shop shop;
  add_hostile(shop);
  const fs::path site = shop.folder().file("site");
  REQUIRE(make_site(shop, site.string()).code == 0);
  check_pages(site);
  const std::string index = read_text(site / "index.html");
  CHECK(index.find("<script>") == std::string::npos);
  CHECK(index.find("\xe2\x80\xae") == std::string::npos);
  CHECK(index.find("[U+202E]") != std::string::npos);
}

TEST_CASE("pages made again are the same bytes, and are replaced whole") {
  const Shop shop;
  const std::string site = shop.folder().file("site");
  REQUIRE(make_site(shop, site).code == 0);
  const auto first = contents_of(site);
  REQUIRE(make_site(shop, site).code == 0);
  CHECK(contents_of(site) == first);
  std::ofstream(site + "/stray") << "left by somebody";
  REQUIRE(shop.license("revoke", kAda, {"--reason", "ended"}).code == 0);
  REQUIRE(make_site(shop, site + "/").code == 0);
  const auto second = contents_of(site);
  CHECK(second.size() > first.size());
  CHECK(second.count("stray") == 0);
  for (const auto& file : fs::directory_iterator(shop.folder().path()))
    CHECK(file.path().filename().string().find("site.") == std::string::npos);
}

TEST_CASE("a folder with other files is left as it is") {
  const Shop shop, other;
  const fs::path mine = shop.folder().file("mine");
  fs::create_directory(mine);
  std::ofstream(mine / "letter") << "dear";
  const auto before = contents_of(mine);
  CHECK(make_site(shop, mine.string()).code == 2);
  CHECK(contents_of(mine) == before);
  CHECK(make_site(shop, shop.folder().file("absent/site")).code == 4);
  CHECK(make_site(shop, shop.folder().write("file", "x")).code == 2);
  const Ran full = run({"ledger", "site", shop.folder().file("full"), "--home", shop.home()}, {.max_file_bytes = 512});
  CHECK(full.code == 4);
  CHECK(!fs::exists(shop.folder().file("full")));
  std::ofstream(mine / ".stegpass-site") << "another.example/log\n";
  CHECK(make_site(shop, mine.string()).code == 2);
}
