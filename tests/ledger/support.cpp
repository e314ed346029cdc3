#include "support.hpp"

#include <rocksdb/db.h>
#include <stdlib.h>

#include <cstdio>
#include <fstream>
#include <stdexcept>

#include "database.hpp"
#include "tests/support/catch.hpp"

namespace stegpass::ledger::test {

namespace fs = std::filesystem;
using credential::KeyType, credential::PrivateKey, credential::Statement;

namespace {

Digest32 digest(std::uint64_t number) { return sha256(id(number)); }

Statement must_sign(const PrivateKey& key, const credential::StatementBody& body, std::int64_t issued_at) {
  auto statement = sign_statement(key, body, issued_at);
  if (!statement) throw std::runtime_error("cannot sign: " + statement.error().detail);
  return std::move(*statement);
}

/// The database behind the ledger's back, with its column families.
class Raw {
 public:
  explicit Raw(const fs::path& folder) {
    std::vector<rocksdb::ColumnFamilyDescriptor> families{{rocksdb::kDefaultColumnFamilyName, {}}};
    rocksdb::ColumnFamilyOptions growing;
    growing.compaction_style = rocksdb::kCompactionStyleUniversal;
    for (const char kind : Database::kFamilies) families.emplace_back(std::string(1, kind), growing);
    rocksdb::DB* db = nullptr;
    const auto status = rocksdb::DB::Open({}, (folder / "db").string(), families, &handles_, &db);
    if (!status.ok()) throw std::runtime_error(status.ToString());
    db_.reset(db);
  }
  Raw(const Raw&) = delete;
  ~Raw() {
    for (auto* handle : handles_) db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  }
  rocksdb::DB* operator->() const { return db_.get(); }
  rocksdb::ColumnFamilyHandle* family(const Bytes& key) const {
    const auto at = Database::kFamilies.find(static_cast<char>(key[0]));
    return handles_[at == Database::kFamilies.npos ? 0 : at + 1];
  }

 private:
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
};

std::string text(const Bytes& bytes) { return std::string(as_text(bytes)); }

}  // namespace

TempFolder::TempFolder() {
  std::string name = (fs::temp_directory_path() / "stegpass-ledger-XXXXXX").string();
  if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
  path_ = name;
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

const PrivateKey& log_key() {
  static const auto key = PrivateKey::generate(KeyType::ed25519);
  return key;
}
const PrivateKey& owner() {
  static const auto key = PrivateKey::generate(KeyType::ed25519);
  return key;
}
const PrivateKey& stranger() {
  static const auto key = PrivateKey::generate(KeyType::p256);
  return key;
}

Bytes id(std::uint64_t number) {
  Bytes out(8, 0);
  append_big_endian(out, number, 8);
  return out;
}

Statement policy_statement(const credential::LedgerPolicy& policy, const PrivateKey& key) { return must_sign(key, policy, kNow); }

Statement registration(std::uint64_t number, const PrivateKey& key, std::uint64_t model, std::int64_t issued_at) {
  credential::Registration body{.owner = key.public_key(), .id = id(number)};
  body.model_name = "release.safetensors";
  body.model_digest = body.model_root = body.tensor_root = digest(model);
  body.tensor_count = 3;
  body.owner_model = digest(model + 1);
  body.mark.architecture = "alexnet";
  body.mark.layers = {"features.8"};
  body.mark.bits = 256;
  body.mark.picture_size = 256;
  body.mark.cover = digest(2);
  body.mark.reserves = {digest(3), digest(4)};
  return must_sign(key, body, issued_at);
}

Statement license(std::uint64_t number, std::uint64_t under, std::uint64_t status_index, const PrivateKey& key,
                  std::int64_t issued_at) {
  credential::License body{.id = id(number), .registration_id = id(under), .licensee = stranger().public_key()};
  body.not_before = kNow;
  body.expires = kNow + 1'000'000;
  body.status_index = status_index;
  body.identity = digest(number);
  body.reveal_bar_mdb = 30'000;
  body.terms = {"inference", "worldwide", 1};
  return must_sign(key, body, issued_at);
}

Statement revocation(std::uint64_t number, std::uint64_t of_license, const PrivateKey& key, std::int64_t issued_at) {
  return must_sign(key, credential::Revocation{id(number), id(of_license), "terms broken", issued_at}, issued_at);
}

Statement status_list(std::uint64_t under, std::vector<std::uint8_t> states, const PrivateKey& key, std::int64_t issued_at) {
  return must_sign(key, credential::StatusList{id(under), issued_at + 86'400, 3'600, std::move(states)}, issued_at);
}

Statement suspension(std::uint64_t number, std::uint64_t of_license, const PrivateKey& key) {
  return must_sign(key, credential::Suspension{id(number), id(of_license), "invoice open", kNow}, kNow);
}

Statement reinstatement(std::uint64_t number, std::uint64_t of_license, std::uint64_t of_suspension, const PrivateKey& key) {
  return must_sign(key, credential::Reinstatement{id(number), id(of_license), id(of_suspension), "invoice paid", kNow}, kNow);
}

Statement renewal(std::uint64_t number, std::uint64_t of_license, std::int64_t expires, const PrivateKey& key) {
  return must_sign(key, credential::Renewal{id(number), id(of_license), expires}, kNow);
}

Statement transfer(std::uint64_t number, std::uint64_t from, std::uint64_t to, const PrivateKey& key) {
  return must_sign(key, credential::Transfer{id(number), id(from), id(to), "business sold", kNow}, kNow);
}

Statement rotation(std::uint64_t number, const PrivateKey& from, const PrivateKey& to, std::optional<std::int64_t> compromised) {
  return must_sign(from, credential::make_key_rotation(from, to, id(number), "planned", compromised), kNow);
}

Statement license_to(const credential::PublicKey& licensee, std::uint64_t number, std::uint64_t under, std::uint64_t status_index,
                     const PrivateKey& key) {
  credential::License body = *license(number, under, status_index, key).as<credential::License>();
  body.licensee = licensee;
  return must_sign(key, body, kNow);
}

std::vector<Statement> some_statements(std::uint64_t count) {
  std::vector<Statement> out{registration(1)};
  for (std::uint64_t i = 0; i < count; ++i) out.push_back(license(1000 + i, 1, i));
  return out;
}

Ledger make_log(const fs::path& folder, const std::vector<Statement>& statements) {
  auto log = Ledger::create(folder, kOrigin, log_key(), kNow);
  if (!log) throw std::runtime_error("cannot create: " + log.error().detail);
  for (const auto& statement : statements) append_one(*log, statement);
  return std::move(*log);
}

std::uint64_t append_one(Ledger& log, const Statement& statement, std::int64_t now) {
  const auto appended = log.append({statement}, log_key(), now);
  if (!appended) throw std::runtime_error("cannot append: " + appended.error().detail);
  return appended->at(0).index;
}

Result<AuditReport> audit_folder(const fs::path& folder) {
  STEGPASS_TRY(log, Ledger::open(folder, Ledger::Mode::read));
  return audit(log, {});
}

std::string invalid_checks(const Verdict& verdict) {
  std::string out;
  for (const auto& check : verdict.checks())
    if (check.outcome == Outcome::invalid) out += (out.empty() ? "" : " ") + check.code;
  return out;
}

std::string detail_of(const Verdict& verdict, const std::string& code) {
  const auto* check = verdict.find(code);
  return check ? check->detail : "no such check";
}

void copy_folder(const fs::path& from, const fs::path& to) {
  fs::remove_all(to);
  fs::copy(from, to, fs::copy_options::recursive);
}

Bytes read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_file(const fs::path& path, ByteView bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

void tamper_put(const fs::path& folder, const Bytes& key, const Bytes& value) {
  const Raw raw(folder);
  REQUIRE(raw->Put({}, raw.family(key), text(key), text(value)).ok());
}

void tamper_delete(const fs::path& folder, const Bytes& key) {
  const Raw raw(folder);
  REQUIRE(raw->Delete({}, raw.family(key), text(key)).ok());
}

void replace_by_first_format(const fs::path& folder) {
  fs::remove_all(folder / "db");
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* opened = nullptr;
  REQUIRE(rocksdb::DB::Open(options, (folder / "db").string(), &opened).ok());
  const std::unique_ptr<rocksdb::DB> db(opened);
  REQUIRE(db->Put({}, "v", "stegpass.ledger.v1").ok());
}

Bytes tamper_get(const fs::path& folder, const Bytes& key) {
  std::string value;
  const Raw raw(folder);
  REQUIRE(raw->Get({}, raw.family(key), text(key), &value).ok());
  return to_bytes(value);
}

RegistrationPolicy after(const std::vector<Statement>& statements) {
  RegistrationPolicy policy;
  REQUIRE(policy.accept(policy_statement({kOrigin, log_key().public_key()}), 0, kNow));
  std::uint64_t index = 1;
  for (const auto& statement : statements) {
    const auto taken = policy.accept(statement, index++, kNow);
    INFO((taken ? "" : taken.error().detail));
    REQUIRE(taken.ok());
  }
  return policy;
}

void refuses(RegistrationPolicy policy, const Statement& statement, const std::string& rule, std::uint64_t index) {
  const auto registrations = policy.registrations().size();
  const auto status = policy.accept(statement, index, kNow);
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().code == Errc::refused);
  CHECK_THAT(status.error().detail, Catch::Matchers::Contains("rule " + rule + ":"));
  CHECK(policy.registrations().size() == registrations);
}

}  // namespace stegpass::ledger::test
