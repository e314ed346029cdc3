#include "pickle_reader.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include "byte_cursor.hpp"
#include "pickle_globals.hpp"
#include "printable.hpp"

namespace stegpass::model {
namespace {

constexpr std::size_t kMaxStream = std::size_t{64} << 20;
constexpr std::size_t kMaxValues = std::size_t{1} << 20;
constexpr std::size_t kMaxGlobalName = 255, kMaxDimensions = 16, kMaxArguments = 7;

Error bad_pickle(const std::string& what) { return {Errc::malformed, "pickle stream: " + what}; }
Error ends_early() { return bad_pickle("it ends before its STOP"); }

/// The stack machine of the pickle protocol, for the opcodes that torch.save's dictionaries of tensors need.
class Machine {
 public:
  explicit Machine(ByteView bytes) : in_(bytes.first(std::min(bytes.size(), kMaxStream))) {}

  Result<Pickle> run() {
    while (!stopped_) {
      const auto code = in_.number(1);
      if (!code) return in_.at() == kMaxStream ? bad_pickle("longer than 64 MiB") : ends_early();
      STEGPASS_CHECK_OK(step(static_cast<std::uint8_t>(*code)));
      if (std::max({out_.nodes.size(), stack_.size(), marks_.size(), memo_.size(), copied_}) > kMaxValues)
        return bad_pickle("more than a million values");
    }
    out_.bytes = in_.at();
    return std::move(out_);
  }

 private:
  Status step(std::uint8_t code) {
    switch (code) {
      case 0x80: return protocol();
      case 'N': return push({});
      case 0x88: return push({.kind = PickleKind::boolean, .integer = 1, .text = {}, .items = {}});
      case 0x89: return push({.kind = PickleKind::boolean, .integer = 0, .text = {}, .items = {}});
      case 'K': return integer(1);
      case 'M': return integer(2);
      case 'J': return integer(4);
      case 0x8a: return long_integer();
      case 'G': return in_.take(8) ? push(of(PickleKind::number)) : ends_early();
      case 'X': return text(4);
      case 'U': return text(1);
      case 'c': return global();
      case 'q': return put(in_.number(1));
      case 'r': return put(in_.number(4));
      case 'h': return get(in_.number(1));
      case 'j': return get(in_.number(4));
      case '(': return marks_.push_back(stack_.size()), Done{};
      case ')': return push(of(PickleKind::tuple));
      case ']': return push(of(PickleKind::list));
      case '}': return push(of(PickleKind::dict));
      case 't': return tuple(since_mark());
      case 0x85: return tuple(last(1));
      case 0x86: return tuple(last(2));
      case 0x87: return tuple(last(3));
      case 'a': return extend(PickleKind::list, last(1));
      case 'e': return extend(PickleKind::list, since_mark());
      case 's': return extend(PickleKind::dict, last(2));
      case 'u': return extend(PickleKind::dict, since_mark());
      case 'Q': return persistent();
      case 'R': return call();
      case 'b': return build();
      case '.': return stop();
      default: break;
    }
    return Error{Errc::unsupported, "pickle stream: opcode " + std::to_string(code) + " at byte " + std::to_string(in_.at() - 1) +
                                        " is not one that torch.save writes for dictionaries of tensors"};
  }

  static PickleNode of(PickleKind kind) { return {.kind = kind, .integer = 0, .text = {}, .items = {}}; }

  Status push(PickleNode node) {
    stack_.push_back(static_cast<PickleRef>(out_.nodes.size()));
    out_.nodes.push_back(std::move(node));
    return Done{};
  }

  /// The lowest place of the stack that may be taken: a mark guards what lies under it.
  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }

  using Taken = std::optional<std::vector<PickleRef>>;
  Taken cut(std::size_t from) {
    Taken taken(std::in_place, stack_.begin() + static_cast<std::ptrdiff_t>(from), stack_.end());
    stack_.resize(from);
    return taken;
  }
  Taken last(std::size_t count) { return stack_.size() - floor() < count ? Taken{} : cut(stack_.size() - count); }
  Taken since_mark() {
    if (marks_.empty()) return {};
    const std::size_t from = marks_.back();
    marks_.pop_back();
    return cut(from);
  }
  static Error lacks_values() { return bad_pickle("an operation lacks its values"); }

  Status protocol() {
    const auto version = in_.number(1);
    if (!version) return ends_early();
    if (*version == 2) return Done{};
    return Error{Errc::unsupported, "pickle stream: protocol " + std::to_string(*version) + ", torch.save's 2 expected"};
  }

  Status integer(int width) {
    const auto value = in_.number(width);
    if (!value) return ends_early();
    const bool negative = width == 4 && *value > 0x7fffffff;
    PickleNode node = of(PickleKind::integer);
    node.integer = static_cast<std::int64_t>(*value) - (negative ? std::int64_t{1} << 32 : 0);
    return push(std::move(node));
  }

  /// Little-endian two's complement; what does not fit 64 bits is only a number, which no tensor can use.
  Status long_integer() {
    const auto width = in_.number(1);
    const auto body = width ? in_.take(*width) : std::nullopt;
    if (!body) return ends_early();
    if (*width > 8) return push(of(PickleKind::number));
    std::uint64_t value = !body->empty() && body->back() >= 0x80 ? ~std::uint64_t{0} : 0;
    for (std::size_t i = body->size(); i-- > 0;) value = value << 8 | (*body)[i];
    PickleNode node = of(PickleKind::integer);
    node.integer = static_cast<std::int64_t>(value);
    return push(std::move(node));
  }

  Status text(int width) {
    const auto length = in_.number(width);
    const auto body = length ? in_.take(*length) : std::nullopt;
    if (!body) return ends_early();
    PickleNode node = of(PickleKind::text);
    node.text = as_text(*body);
    return push(std::move(node));
  }

  Status global() {
    const auto module = in_.line(kMaxGlobalName);
    const auto name = module ? in_.line(kMaxGlobalName) : std::nullopt;
    if (!name) return bad_pickle("the name of a class or function does not end");
    const std::string_view in = as_text(*module), what = as_text(*name);
    const auto known =
        std::find_if(kKnownGlobals.begin(), kKnownGlobals.end(), [&](const auto& g) { return g.module == in && g.name == what; });
    if (known == kKnownGlobals.end()) {
      return Error{Errc::refused,
                   "the file asks to call " + printable(std::string(in) + "." + std::string(what)) + "; only tensors are read"};
    }
    PickleNode node = of(PickleKind::global);
    node.integer = known - kKnownGlobals.begin();
    node.text = known->name;
    return push(std::move(node));
  }

  Status put(std::optional<std::uint64_t> place) {
    if (!place) return ends_early();
    if (stack_.size() == floor()) return lacks_values();
    memo_[*place] = stack_.back();
    return Done{};
  }

  Status get(std::optional<std::uint64_t> place) {
    if (!place) return ends_early();
    const auto found = memo_.find(*place);
    if (found == memo_.end()) return bad_pickle("memo " + std::to_string(*place) + " was never set");
    stack_.push_back(found->second);
    return Done{};
  }

  Status tuple(Taken items) {
    if (!items) return lacks_values();
    PickleNode node = of(PickleKind::tuple);
    node.items = std::move(*items);
    return push(std::move(node));
  }

  Status extend(PickleKind kind, Taken items) {
    if (!items || stack_.size() == floor()) return lacks_values();
    PickleNode& target = out_.nodes[stack_.back()];
    if (target.kind != kind) return bad_pickle("items are added to " + std::string(pickle_kind_name(target.kind)));
    if (kind == PickleKind::dict && items->size() % 2 != 0) return bad_pickle("a key without a value");
    target.items.insert(target.items.end(), items->begin(), items->end());
    return Done{};
  }

  const PickleNode& node(PickleRef ref) const { return out_.nodes[ref]; }
  bool is(PickleRef ref, PickleKind kind) const { return node(ref).kind == kind; }
  bool is_size(PickleRef ref) const { return is(ref, PickleKind::integer) && node(ref).integer >= 0; }

  /// ('storage', type, key, location, elements), and in the older form a sixth for views, which is None.
  Status persistent() {
    const Taken id = last(1);
    if (!id) return lacks_values();
    const std::vector<PickleRef>& items = node(id->front()).items;
    const bool sized =
        is(id->front(), PickleKind::tuple) && (items.size() == 5 || (items.size() == 6 && is(items[5], PickleKind::none)));
    const bool typed =
        sized && is(items[0], PickleKind::text) && node(items[0]).text == "storage" && is(items[1], PickleKind::global);
    if (!typed || !is(items[2], PickleKind::text) || !is_size(items[4]))
      return bad_pickle("a reference that is not one to a tensor's storage");
    const KnownGlobal& type = kKnownGlobals[static_cast<std::size_t>(node(items[1]).integer)];
    if (type.meaning != PickleGlobal::storage) return bad_pickle("'" + std::string(type.name) + "' is no storage type");
    return storage({node(items[2]).text, type.dtype, type.width, static_cast<std::uint64_t>(node(items[4]).integer)});
  }

  Status storage(const PickleStorage& claimed) {
    const auto [at, is_new] = storages_.emplace(claimed.key, out_.storages.size());
    if (is_new) out_.storages.push_back(claimed);
    const PickleStorage& first = out_.storages[at->second];
    if (first.dtype != claimed.dtype || first.elements != claimed.elements) {
      return bad_pickle("storage " + printable(claimed.key) + " is claimed with two types or sizes");
    }
    PickleNode made = of(PickleKind::storage);
    made.integer = static_cast<std::int64_t>(at->second);
    return push(std::move(made));
  }

  Status call() {
    const Taken taken = last(2);
    if (!taken || !is((*taken)[0], PickleKind::global) || !is((*taken)[1], PickleKind::tuple))
      return bad_pickle("a call of what is no function");
    if (node((*taken)[1]).items.size() > kMaxArguments)
      return bad_pickle("a call with " + std::to_string(node((*taken)[1]).items.size()) + " arguments");
    const std::vector<PickleRef> arguments = node((*taken)[1]).items;
    const KnownGlobal& what = kKnownGlobals[static_cast<std::size_t>(node((*taken)[0]).integer)];
    switch (what.meaning) {
      case PickleGlobal::ordered_dict: return ordered_dict(arguments);
      case PickleGlobal::tensor: return tensor(arguments);
      case PickleGlobal::parameter: return parameter(arguments, 3);
      case PickleGlobal::parameter_with_state: return parameter(arguments, 4);
      case PickleGlobal::storage: break;
    }
    return bad_pickle("a call of the type '" + std::string(what.name) + "'");
  }

  /// Without arguments, or as Python 2 wrote it, with a list of [key, value] lists.
  Status ordered_dict(const std::vector<PickleRef>& arguments) {
    PickleNode made = of(PickleKind::dict);
    if (arguments.empty()) return push(std::move(made));
    if (arguments.size() > 1 || !is(arguments[0], PickleKind::list)) return bad_pickle("an OrderedDict of unknown arguments");
    copied_ += node(arguments[0]).items.size();  // the same list may be given again and again
    if (copied_ > kMaxValues) return bad_pickle("more than a million values");
    for (const PickleRef pair : node(arguments[0]).items) {
      const PickleNode& both = node(pair);
      const bool holds = both.kind == PickleKind::list || both.kind == PickleKind::tuple;
      if (!holds || both.items.size() != 2) return bad_pickle("an OrderedDict of unknown arguments");
      made.items.insert(made.items.end(), both.items.begin(), both.items.end());
    }
    return push(std::move(made));
  }

  Result<std::vector<std::int64_t>> sizes(PickleRef ref) const {
    std::vector<std::int64_t> out;
    if (!is(ref, PickleKind::tuple) || node(ref).items.size() > kMaxDimensions)
      return bad_pickle("a tensor's shape is not a tuple of at most 16 sizes");
    for (const PickleRef item : node(ref).items) {
      if (!is_size(item)) return bad_pickle("a tensor's shape or strides hold what is no size");
      out.push_back(node(item).integer);
    }
    return out;
  }

  /// (storage, offset, shape, strides, requires_grad, hooks), and newer a seventh, metadata: a dict or None, which may say that
  /// the values are stored negated or conjugated.
  Status tensor(const std::vector<PickleRef>& arguments) {
    const bool counted = arguments.size() == 6 || arguments.size() == 7;
    if (!counted || !is(arguments[0], PickleKind::storage) || !is_size(arguments[1]))
      return bad_pickle("a tensor of unknown arguments");
    if (arguments.size() == 7 && !is(arguments[6], PickleKind::none) &&
        !(is(arguments[6], PickleKind::dict) && node(arguments[6]).items.empty()))
      return Error{Errc::unsupported, "a tensor with metadata, as of values that are stored negated: save a clone() of it"};
    STEGPASS_TRY(shape, sizes(arguments[2]));
    STEGPASS_TRY(strides, sizes(arguments[3]));
    if (shape.size() != strides.size())
      return bad_pickle("a tensor has " + std::to_string(shape.size()) + " sizes and " + std::to_string(strides.size()) +
                        " strides");
    PickleNode made = of(PickleKind::tensor);
    made.integer = static_cast<std::int64_t>(out_.tensors.size());
    out_.tensors.push_back({static_cast<std::size_t>(node(arguments[0]).integer),
                            static_cast<std::uint64_t>(node(arguments[1]).integer), shape, strides});
    return push(std::move(made));
  }

  /// A parameter is its tensor; whether it was trained, its hooks and its attributes are dropped.
  Status parameter(const std::vector<PickleRef>& arguments, std::size_t count) {
    if (arguments.size() != count || !is(arguments[0], PickleKind::tensor)) return bad_pickle("a parameter of unknown arguments");
    stack_.push_back(arguments[0]);
    return Done{};
  }

  /// Attributes of a dict (a state dict's versions) are dropped; nothing else here has any.
  Status build() {
    if (!last(1) || stack_.size() == floor()) return lacks_values();
    return is(stack_.back(), PickleKind::dict)
               ? Status(Done{})
               : bad_pickle("attributes are set on " + std::string(pickle_kind_name(node(stack_.back()).kind)));
  }

  Status stop() {
    if (stack_.size() != 1 || !marks_.empty())
      return bad_pickle("it stops with " + std::to_string(stack_.size()) + " values, 1 expected");
    out_.root = stack_.back();
    stopped_ = true;
    return Done{};
  }

  ByteCursor in_;
  Pickle out_;
  std::vector<PickleRef> stack_;
  std::vector<std::size_t> marks_;
  std::map<std::uint64_t, PickleRef> memo_;
  std::map<std::string_view, std::size_t> storages_;
  std::size_t copied_ = 0;  ///< entries of dictionaries that were made from lists
  bool stopped_ = false;
};

}  // namespace

std::string_view pickle_kind_name(PickleKind kind) {
  switch (kind) {
    case PickleKind::none: return "None";
    case PickleKind::boolean: return "a truth value";
    case PickleKind::integer: return "an integer";
    case PickleKind::number: return "a number";
    case PickleKind::text: return "a text";
    case PickleKind::tuple: return "a tuple";
    case PickleKind::list: return "a list";
    case PickleKind::dict: return "a dict";
    case PickleKind::global: return "a class or function";
    case PickleKind::storage: return "a storage";
    case PickleKind::tensor: return "a tensor";
  }
  return "a value";
}

const PickleNode* Pickle::find(const PickleNode& dict, std::string_view key) const {
  for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    if (at(dict.items[i]).kind == PickleKind::text && at(dict.items[i]).text == key) return &at(dict.items[i + 1]);
  }
  return nullptr;
}

Result<Pickle> read_pickle(ByteView bytes) { return Machine(bytes).run(); }

}  // namespace stegpass::model
