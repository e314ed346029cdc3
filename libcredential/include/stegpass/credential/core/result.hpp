#pragma once

#include <cassert>
#include <string>
#include <utility>
#include <variant>

namespace stegpass {

/// Why a call did not give a value. Each code names a cause and so what to do next.
enum class Errc {
  usage,        ///< arguments that contradict each other or are out of range: change the command
  malformed,    ///< bytes that are not what they claim to be: get an intact file
  unsupported,  ///< well formed, but of a version, algorithm or size this build does not handle
  refused,      ///< understood, and against a rule (policy, duplicate, bar not reached): nothing was done
  not_found,    ///< a named thing (file, statement, tensor, key) is absent
  exists,       ///< an output is already there: use --force or another name
  locked,       ///< wrong passphrase or wrong key: the secret could not be opened
  busy,         ///< another process holds the resource: wait or stop it
  io,           ///< the system refused to read or write: path, permission, space
  diverged,     ///< training left the finite numbers and could not be brought back
  interrupted,  ///< the user asked to stop
  internal,     ///< our mistake: please report
};

/// A code and one line of detail: lower case, no full stop, naming what was found and what was expected.
struct [[nodiscard]] Error {
  Errc code = Errc::internal;
  std::string detail;
};

/// A value or an `Error`. Reading the one that is not there is the caller's mistake (assertion).
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}
  Result(Errc code, std::string detail) : Result(Error{code, std::move(detail)}) {}

  explicit operator bool() const { return state_.index() == 0; }
  bool ok() const { return state_.index() == 0; }

  T& value() & { return assert(ok()), *std::get_if<0>(&state_); }
  const T& value() const& { return assert(ok()), *std::get_if<0>(&state_); }
  T&& value() && { return assert(ok()), std::move(*std::get_if<0>(&state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const { return assert(!ok()), *std::get_if<1>(&state_); }

 private:
  std::variant<T, Error> state_;
};

/// Nothing to return but success.
struct Done {};
using Status = Result<Done>;

/// Drops a result on purpose; searchable by this name.
template <class T>
void ignore_result(const Result<T>&) {}

}  // namespace stegpass

/// Returns the error of `expression` from the calling function, or binds its value to `name`.
#define STEGPASS_TRY(name, expression)                                 \
  auto name##_result = (expression);                                   \
  if (!name##_result) return ::stegpass::Error(name##_result.error()); \
  auto& name = name##_result.value()

/// Returns the error of `expression`, a `Status`, from the calling function.
#define STEGPASS_CHECK_OK(expression)                                                     \
  do {                                                                                    \
    if (auto status_ = (expression); !status_) return ::stegpass::Error(status_.error()); \
  } while (false)
