#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <stegpass/credential/key.hpp>
#include <stegpass/credential/statement.hpp>
#include <stegpass/ledger/audit.hpp>
#include <stegpass/ledger/ledger.hpp>
#include <stegpass/ledger/policy.hpp>

// What the ledger's tests share: a folder that goes away, keys made once, and short ways to statements.
namespace stegpass::ledger::test {

inline constexpr std::int64_t kNow = 1'800'000'000;
inline constexpr const char* kOrigin = "log.example/stegpass";

/// A folder of its own under the system's temporary folder, removed at the end.
class TempFolder {
 public:
  TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder();
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

const credential::PrivateKey& log_key();
const credential::PrivateKey& owner();
const credential::PrivateKey& stranger();

/// 16 bytes that hold `number` at their end.
Bytes id(std::uint64_t number);

// Statements signed by `key`; ids, models and licenses are told apart by a number. They fail the test when they cannot be signed.
credential::Statement policy_statement(const credential::LedgerPolicy& policy, const credential::PrivateKey& key = log_key());
credential::Statement registration(std::uint64_t number, const credential::PrivateKey& key = owner(), std::uint64_t model = 1,
                                   std::int64_t issued_at = kNow);
credential::Statement license(std::uint64_t number, std::uint64_t under, std::uint64_t status_index,
                              const credential::PrivateKey& key = owner(), std::int64_t issued_at = kNow);
credential::Statement revocation(std::uint64_t number, std::uint64_t of_license, const credential::PrivateKey& key = owner(),
                                 std::int64_t issued_at = kNow);
credential::Statement status_list(std::uint64_t under, std::vector<std::uint8_t> states,
                                  const credential::PrivateKey& key = owner(), std::int64_t issued_at = kNow);

credential::Statement suspension(std::uint64_t number, std::uint64_t of_license, const credential::PrivateKey& key = owner());
credential::Statement reinstatement(std::uint64_t number, std::uint64_t of_license, std::uint64_t of_suspension,
                                    const credential::PrivateKey& key = owner());
credential::Statement renewal(std::uint64_t number, std::uint64_t of_license, std::int64_t expires,
                              const credential::PrivateKey& key = owner());
credential::Statement transfer(std::uint64_t number, std::uint64_t from, std::uint64_t to,
                               const credential::PrivateKey& key = owner());
credential::Statement rotation(std::uint64_t number, const credential::PrivateKey& from, const credential::PrivateKey& to,
                               std::optional<std::int64_t> compromised = {});
/// A license to somebody else than `license` gives it to.
credential::Statement license_to(const credential::PublicKey& licensee, std::uint64_t number, std::uint64_t under,
                                 std::uint64_t status_index, const credential::PrivateKey& key = owner());

/// Registration 1 and then `count` licenses under it: ids 1000, 1001, ...; status indices 0, 1, ...
std::vector<credential::Statement> some_statements(std::uint64_t count);

/// A new log in `folder` that holds its policy and `statements`, one commit each.
Ledger make_log(const std::filesystem::path& folder, const std::vector<credential::Statement>& statements = {});

/// Appends one statement that has to be taken, and gives its index.
std::uint64_t append_one(Ledger& log, const credential::Statement& statement, std::int64_t now = kNow);

/// Opens for reading and audits.
Result<AuditReport> audit_folder(const std::filesystem::path& folder);
/// The names of the checks that came out invalid, joined by spaces.
std::string invalid_checks(const Verdict& verdict);
std::string detail_of(const Verdict& verdict, const std::string& code);

void copy_folder(const std::filesystem::path& from, const std::filesystem::path& to);
Bytes read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, ByteView bytes);

/// Puts a value into, or takes a key out of, the database of a closed log, past all rules.
void tamper_put(const std::filesystem::path& folder, const Bytes& key, const Bytes& value);
void tamper_delete(const std::filesystem::path& folder, const Bytes& key);
/// Puts a database as format v1 had it, of one column family, in the place of a closed log's.
void replace_by_first_format(const std::filesystem::path& folder);
Bytes tamper_get(const std::filesystem::path& folder, const Bytes& key);

/// A policy that has taken its first entry and then the statements given, at indices 1, 2, ...
RegistrationPolicy after(const std::vector<credential::Statement>& statements);

/// Checks that the policy refuses the statement by the named rule, and is what it was.
void refuses(RegistrationPolicy policy, const credential::Statement& statement, const std::string& rule, std::uint64_t index = 9);

}  // namespace stegpass::ledger::test
