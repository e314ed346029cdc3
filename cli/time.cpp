#include <memory>
#include <optional>

#include <stegpass/credential/bundle.hpp>
#include <stegpass/credential/cose.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/timestamp.hpp>

#include "bundle_file.hpp"
#include "command.hpp"
#include "files.hpp"
#include "policy_files.hpp"
#include "workspace.hpp"

namespace stegpass::cli {
namespace {

using namespace credential;

/// What a timestamp is to be over: one of the three is given.
struct SubjectOptions {
  std::string bundle, message, file;
};

void add_subject_options(CLI::App& command, SubjectOptions& options) {
  CLI::Option_group& group = *command.add_option_group("what the timestamp is over");
  group.add_option("--bundle", options.bundle, "A bundle: its checkpoint, and so all that its log held by then");
  group.add_option("--message", options.message, "A COSE_Sign1, such as a statement: its signature (RFC 9921, label 270)");
  group.add_option("--file", options.file, "Any file: its bytes");
  group.require_option(1);
}

/// A subject read: the octets that the imprint is of, and the bundle or message they came from.
struct Subject {
  Bytes content;
  std::optional<Bundle> bundle;
  std::optional<Sign1> message;
};

Result<Subject> read_subject(const SubjectOptions& options) {
  if (!options.bundle.empty()) {
    STEGPASS_TRY(file, read_bundle(options.bundle));
    if (!file.problem.empty()) return Error{Errc::malformed, options.bundle + ": " + file.problem};
    auto bundle = decode_bundle(file.bytes);
    if (!bundle) return Error{bundle.error().code, options.bundle + ": " + bundle.error().detail};
    Bytes note = to_bytes(std::string_view(bundle->checkpoint));
    return Subject{std::move(note), std::move(*bundle), {}};
  }
  if (!options.message.empty()) {
    STEGPASS_TRY(bytes, read_file(options.message, kMaxPictureFile, "a COSE_Sign1 message"));
    auto message = decode_foreign_sign1(bytes);
    if (!message) return Error{message.error().code, options.message + ": " + message.error().detail};
    Bytes signature = signature_as_content(*message);
    return Subject{std::move(signature), {}, std::move(*message)};
  }
  STEGPASS_TRY(bytes, read_file(options.file, kMaxModelFile, "a file to timestamp"));
  return Subject{std::move(bytes), {}, {}};
}

struct RequestOptions {
  SubjectOptions subject;
  std::string out;
  bool force = false;
};

Bytes request_nonce() {
  Bytes nonce = random_bytes(kTimeNonceBytes);
  nonce[0] |= 0x40;  // an integer of exactly this length
  nonce[0] &= 0x7f;
  return nonce;
}

Result<Report> request(const RequestOptions& options) {
  STEGPASS_CHECK_OK(check_output(options.out, options.force));
  STEGPASS_TRY(subject, read_subject(options.subject));
  STEGPASS_CHECK_OK(write_file(options.out, encode_time_request(subject.content, request_nonce()), {.force = options.force}));
  return Report{options.out + "\ntake it to a timestamp authority (application/timestamp-query), then run stegpass time attach",
                {{"out", options.out}}};
}

int run_request(const RequestOptions& options, Output& output) { return finish(output, request(options)); }

struct AttachOptions {
  SubjectOptions subject;
  std::string request, response, out;
  bool force = false;
};

/// The token is over this subject: told without any trusted authority by what verification stumbles over first.
Status check_subject(ByteView token, const Subject& subject) {
  const auto read = verify_time_token(token, subject.content, {});
  if (!read && read.error().code != Errc::refused) return read.error();
  return Done{};
}

Bytes with_token(Subject& subject, const Bytes& token) {
  if (subject.bundle) {
    subject.bundle->time_token = token;
    return encode_bundle(*subject.bundle);
  }
  if (!subject.message) return token;
  CborMap header = *subject.message->unprotected.as_map();
  std::erase_if(header, [](const auto& pair) { return pair.first == Cbor::integer(cose::kTimeOfSignature); });
  header.emplace_back(Cbor::integer(cose::kTimeOfSignature), Cbor::bytes(token));
  subject.message->unprotected = Cbor::map(std::move(header));
  return encode_sign1(*subject.message);
}

Result<Report> attach(const AttachOptions& options) {
  STEGPASS_CHECK_OK(check_output(options.out, options.force));
  STEGPASS_TRY(subject, read_subject(options.subject));
  STEGPASS_TRY(asked, read_file(options.request, kMaxSmallFile, "the request (stegpass time request)"));
  STEGPASS_TRY(answer, read_file(options.response, kMaxSmallFile, "the authority's response"));
  auto token = read_time_response(answer, asked);
  if (!token) return Error{token.error().code, options.response + ": " + token.error().detail};
  STEGPASS_CHECK_OK(check_subject(*token, subject));
  const bool opens = subject.bundle && subject.bundle->purpose != credential::Purpose::public_;
  STEGPASS_CHECK_OK(write_file(options.out, with_token(subject, *token), {.force = options.force, .secret = opens}));
  return Report{options.out, {{"out", options.out}, {"token_bytes", token->size()}}};
}

int run_attach(const AttachOptions& options, Output& output) { return finish(output, attach(options)); }

struct CheckOptions {
  SubjectOptions subject;
  std::string token, policy;
};

/// The token that comes with the subject, or in its own file.
Result<Bytes> find_token(const CheckOptions& options, const Subject& subject) {
  if (!options.token.empty()) return read_file(options.token, kMaxSmallFile, "a timestamp token");
  if (subject.bundle && subject.bundle->time_token) return *subject.bundle->time_token;
  const Cbor* attached = subject.message ? subject.message->unprotected.find(cose::kTimeOfSignature) : nullptr;
  if (attached && attached->as_bytes()) return *attached->as_bytes();
  return Error{subject.bundle || subject.message ? Errc::not_found : Errc::usage,
               "no timestamp in it; expected one in the bundle or message, or --token"};
}

int run_check(const CheckOptions& options, Output& output) {
  const auto policy = read_trust_policy(options.policy);
  if (!policy) return output.fail(policy.error());
  const auto subject = read_subject(options.subject);
  if (!subject) return output.fail(subject.error());
  const auto token = find_token(options, *subject);
  if (!token) return output.fail(token.error());
  const auto stamp = verify_time_token(*token, subject->content, policy->time_roots);
  Verdict verdict;
  if (stamp) {
    verdict.add("time.token", Outcome::valid,
                "existed by " + utc_time(stamp->time) + ", says " + stamp->authority + " under root " + stamp->root);
    return output.judged(verdict, stamp->time,
                         {{"time", utc_time(stamp->time)}, {"authority", stamp->authority}, {"root", stamp->root}});
  }
  const bool open = stamp.error().code == Errc::refused || stamp.error().code == Errc::unsupported;
  verdict.add("time.token", open ? Outcome::undecided : Outcome::invalid, stamp.error().detail);
  return output.judged(verdict, 0);
}

void setup_request(Commands& commands, CLI::App& parent) {
  auto options = std::make_shared<RequestOptions>();
  CLI::App& command = *parent.add_subcommand("request", "Write a request that you take to a timestamp authority");
  add_subject_options(command, options->subject);
  command.add_option("--out", options->out, "The request (TimeStampReq, DER); keep it until the response is attached")
      ->required();
  command.add_flag("--force", options->force, "Replace the output if it exists");
  command.footer("Example: stegpass time request --bundle license.bundle --out license.tsq");
  bind_command(commands, command, options, run_request);
}

void setup_attach(Commands& commands, CLI::App& parent) {
  auto options = std::make_shared<AttachOptions>();
  CLI::App& command =
      *parent.add_subcommand("attach", "Put the authority's token into the bundle or message; of a file, write the token alone");
  add_subject_options(command, options->subject);
  command.add_option("--request", options->request, "The request that was taken there")->required();
  command.add_option("--response", options->response, "The authority's response (TimeStampResp, DER)")->required();
  command.add_option("--out", options->out, "The bundle or message with its timestamp, or the token")->required();
  command.add_flag("--force", options->force, "Replace the output if it exists");
  command.footer(
      "Whether the authority is trusted is each verifier's to say: lines time of his policy.\n"
      "Example: stegpass time attach --bundle license.bundle --request license.tsq --response license.tsr --out stamped.bundle");
  bind_command(commands, command, options, run_attach);
}

void setup_check(Commands& commands, CLI::App& parent) {
  auto options = std::make_shared<CheckOptions>();
  CLI::App& command = *parent.add_subcommand("check", "Check a timestamp under the authorities of your policy");
  add_subject_options(command, options->subject);
  command.add_option("--token", options->token, "The token, where it is not in the bundle or message");
  command.add_option("--policy", options->policy, "Your trust policy; its lines time name authorities")->required();
  command.footer(
      "An authority's certificate is judged at the token's own time. A bundle's timestamp is also checked by stegpass verify.\n"
      "Example: stegpass time check --file paper.pdf --token paper.tst --policy trust.policy");
  bind_command(commands, command, options, run_check);
}

}  // namespace

void setup_time(Commands& commands) {
  CLI::App& group = *commands.app.add_subcommand("time", "Timestamps from outside the ledger (RFC 3161), without network code");
  group.require_subcommand(1);
  setup_request(commands, group);
  setup_attach(commands, group);
  setup_check(commands, group);
}

}  // namespace stegpass::cli
