#include <stegpass/model/state_dict.hpp>

#include <cstring>

#include <torch/types.h>

#include <tests/support/catch.hpp>

#include "torch_bytes.hpp"

using namespace stegpass;
using namespace stegpass::model;
using namespace stegpass::model::testing;

namespace {

const std::string kSix = floats({0, 1, 2, 3, 4, 5});

std::string one_tensor(const TensorSpec& spec, const std::string& bytes = kSix) {
  return torch_zip(dict_stream({{"w", tensor(spec)}}), {{spec.key, bytes}});
}

Result<StateDict> parse(const std::string& file) { return parse_state_dict(as_bytes(file)); }

Error error_of(const std::string& file) {
  const auto parsed = parse(file);
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().detail.find('\n') == std::string::npos);
  return parsed.error();
}

bool mentions(const Error& error, const std::string& what) { return error.detail.find(what) != std::string::npos; }

torch::Tensor only(const std::string& file) {
  const auto parsed = parse(file);
  INFO((parsed ? std::string() : parsed.error().detail));
  REQUIRE(parsed);
  REQUIRE(parsed->tensors.size() == 1);
  CHECK(parsed->tensors[0].first == "w");
  return parsed->tensors[0].second;
}

const torch::Tensor kExpected = torch::arange(6, torch::kFloat32).reshape({2, 3});

}  // namespace

TEST_CASE("a tensor of the zip form is read with its name, type and shape") {
  const torch::Tensor read = only(one_tensor({}));
  CHECK(torch::equal(read, kExpected));
  CHECK(tensor_dtype(read) == "F32");
}

TEST_CASE("a tensor of the older form is read the same") {
  CHECK(torch::equal(only(torch_legacy(dict_stream({{"w", tensor({})}}), {{"0", 6, kSix}})), kExpected));
}

TEST_CASE("strides and offsets are followed whatever the order in memory") {
  CHECK(torch::equal(only(one_tensor({.shape = {3, 2}, .strides = {1, 3}})), kExpected.t()));
  CHECK(torch::equal(only(one_tensor({.offset = 1, .shape = {2, 2}, .strides = {3, 1}})), kExpected.slice(1, 1, 3)));
  CHECK(torch::equal(only(one_tensor({.offset = 5, .shape = {}, .strides = {}})), torch::tensor(5.0f)));
  CHECK(only(one_tensor({.shape = {0, 3}, .strides = {3, 1}})).numel() == 0);
}

TEST_CASE("every type that networks are kept in comes through as it is") {
  const std::vector<std::tuple<std::string, std::string, std::size_t>> types = {
      {"DoubleStorage", "F64", 8}, {"FloatStorage", "F32", 4}, {"HalfStorage", "F16", 2},  {"BFloat16Storage", "BF16", 2},
      {"LongStorage", "I64", 8},   {"IntStorage", "I32", 4},   {"ShortStorage", "I16", 2}, {"CharStorage", "I8", 1},
      {"ByteStorage", "U8", 1},    {"BoolStorage", "BOOL", 1}};
  for (const auto& [storage, dtype, width] : types) {
    INFO(dtype);
    std::string bytes;
    for (std::size_t i = 0; i < 6 * width; ++i) bytes += static_cast<char>(i % 2);
    const torch::Tensor read = only(one_tensor({.storage = storage}, bytes));
    CHECK(tensor_dtype(read) == dtype);
    REQUIRE(read.nbytes() == bytes.size());
    CHECK(std::memcmp(read.data_ptr(), bytes.data(), bytes.size()) == 0);
  }
}

TEST_CASE("tensors over one storage are each read, and the same part once") {
  const std::string file =
      torch_zip(dict_stream({{"a", tensor({})}, {"b", tensor({})}, {"row", tensor({.offset = 3, .shape = {3}, .strides = {1}})}}),
                {{"0", kSix}});
  const auto parsed = parse(file);
  REQUIRE(parsed);
  REQUIRE(parsed->tensors.size() == 3);
  CHECK(parsed->tensors[0].second.data_ptr() == parsed->tensors[1].second.data_ptr());
  CHECK(torch::equal(parsed->tensors[2].second, kExpected[1]));
}

TEST_CASE("the state dict is found within a checkpoint, and the rest is named") {
  const std::string inner = global("collections", "OrderedDict") + ")R" + unicode("w") + tensor({}) + "s";
  for (const std::string entry : {"state_dict", "model"}) {
    const auto parsed = parse(torch_zip(dict_stream({{"epoch", number(3)}, {entry, inner}, {"optimizer", "}"}}), {{"0", kSix}}));
    REQUIRE(parsed);
    CHECK(parsed->tensors[0].first == "w");
    CHECK(parsed->left_out == std::vector<std::string>{"epoch", "optimizer"});
  }
  const auto flat = parse(torch_zip(dict_stream({{"w", tensor({})}, {"version", number(2)}}), {{"0", kSix}}));
  REQUIRE(flat);
  CHECK(flat->left_out == std::vector<std::string>{"version"});
}

TEST_CASE("an entry that is there twice is refused, since readers differ in which of the two they take") {
  const std::string one = global("collections", "OrderedDict") + ")R" + unicode("w") + tensor({}) + "s";
  CHECK(error_of(torch_zip(dict_stream({{"state_dict", one}, {"state_dict", one}}), {{"0", kSix}})).code == Errc::malformed);
  CHECK(error_of(torch_zip(dict_stream({{"w", tensor({})}, {"w", "N"}}), {{"0", kSix}})).code == Errc::malformed);
}

TEST_CASE("a tensor that is stored negated or conjugated is refused, and one with empty metadata read") {
  const std::string plain = tensor({}), before = plain.substr(0, plain.size() - 2);
  const auto with = [&](const std::string& metadata) {
    return torch_zip(dict_stream({{"w", before + metadata + "tR"}}), {{"0", kSix}});
  };
  CHECK(error_of(with("}" + unicode("neg") + "\x88s")).code == Errc::unsupported);
  CHECK(parse(with("N")));
  CHECK(parse(with("}")));
}

TEST_CASE("the prefix of DataParallel is dropped when all names have it, and only then") {
  const auto all = parse(torch_zip(dict_stream({{"module.a", tensor({})}, {"module.b", tensor({})}}), {{"0", kSix}}));
  REQUIRE(all);
  CHECK(all->tensors[0].first == "a");
  CHECK(all->tensors[1].first == "b");
  const auto some = parse(torch_zip(dict_stream({{"module.a", tensor({})}, {"b", tensor({})}}), {{"0", kSix}}));
  REQUIRE(some);
  CHECK(some->tensors[0].first == "module.a");
}

TEST_CASE("parameters are their tensors, and attributes of dictionaries are dropped") {
  const std::string parameter =
      global("torch._utils", "_rebuild_parameter") + tensor({}) + "\x88" + global("collections", "OrderedDict") + ")R\x87R";
  CHECK(torch::equal(only(torch_zip(dict_stream({{"w", parameter}}), {{"0", kSix}})), kExpected));
  const std::string built = as_stream("}" + unicode("w") + tensor({}) + "s}" + unicode("_metadata") + "}sb");
  CHECK(torch::equal(only(torch_zip(built, {{"0", kSix}})), kExpected));
}

TEST_CASE("a file that asks for any other function is refused by its name") {
  const std::vector<std::pair<std::string, std::string>> asked = {
      {"os", "system"}, {"posix", "system"}, {"builtins", "eval"}, {"torch.nn.modules.linear", "Linear"}};
  for (const auto& [module, name] : asked) {
    const std::string stream = as_stream(global(module, name) + "(" + unicode("touch /tmp/owned") + "tR");
    for (const std::string& file : {torch_zip(stream, {}), torch_legacy(stream, {})}) {
      const Error error = error_of(file);
      CHECK(error.code == Errc::refused);
      CHECK(error.detail == "the file asks to call '" + module + "." + name + "'; only tensors are read");
    }
  }
}

TEST_CASE("a name that would write to the terminal is shown without its control characters") {
  CHECK(mentions(error_of(torch_zip(as_stream(global("o\x1b[2Js", "system")), {})), "'o?[2Js.system'"));
  CHECK(error_of(torch_zip(dict_stream({{"w\x1b[2J", tensor({})}}), {{"0", kSix}})).code == Errc::malformed);
}

TEST_CASE("opcodes and protocols that torch.save does not use are refused") {
  for (const char code : {'i', 'o', 'P', 'V', 'I', '\x81', '\x93', '\x95', '\x82', '0', '2', 'p', '\0'}) {
    CHECK(error_of(torch_zip(as_stream(std::string("}}") + code), {})).code == Errc::unsupported);
  }
  CHECK(error_of(torch_zip("\x80\x04}.", {})).code == Errc::unsupported);
}

TEST_CASE("known functions are only called with what torch.save gives them") {
  const std::string rebuild = global("torch._utils", "_rebuild_tensor_v2"), ordered = global("collections", "OrderedDict");
  const std::vector<std::string> bodies = {
      rebuild + ")R",                                // no arguments
      rebuild + "(" + number(1) + number(2) + "tR",  // wrong ones
      ordered + tuple({1}) + "R",                    // of an integer
      ordered + "(](" + number(1) + "etR",           // of a list that holds no pairs
      ordered + "R",
      ")R",
      ")Q",
      unicode("0") + "Q",                      // calls and references of nothing
      global("torch", "FloatStorage") + ")R",  // a type
      "(" + unicode("storage") + rebuild + unicode("0") + unicode("cpu") + number(1) + "tQ",
      "(" + unicode("module") + global("torch", "FloatStorage") + unicode("0") + unicode("cpu") + number(1) + "tQ",
      ordered + "}b",
      "}" + unicode("a") + "u",
      "](" + unicode("a") + "u",
      "e",
      "t",
      "s",
      "\x85",
      "h\x07",
      "q",
      "}}",
      "(}"};
  for (const std::string& body : bodies) CHECK(error_of(torch_zip(as_stream(body), {})).code == Errc::malformed);
}

TEST_CASE("a tensor that reaches outside its storage is refused") {
  const std::int64_t huge = std::int64_t{1} << 62;
  const std::vector<TensorSpec> specs = {{.shape = {2, 4}, .strides = {3, 1}},
                                         {.shape = {3, 3}, .strides = {3, 1}},
                                         {.offset = 1},
                                         {.offset = 6, .shape = {}, .strides = {}},
                                         {.offset = huge},
                                         {.shape = {2, 2}, .strides = {huge, 1}},
                                         {.shape = {2, 2}, .strides = {huge, huge}},
                                         {.shape = {3}, .strides = {std::int64_t{1} << 61}}};
  for (const TensorSpec& spec : specs)
    CHECK(mentions(error_of(one_tensor(spec)), "does not lie within its storage of 6 elements"));
}

TEST_CASE("negative sizes, strides and offsets, and shapes of many dimensions are refused") {
  CHECK_FALSE(parse(one_tensor({.shape = {-2, 3}})));
  CHECK_FALSE(parse(one_tensor({.strides = {-3, 1}})));
  CHECK_FALSE(parse(one_tensor({.offset = -1})));
  CHECK_FALSE(parse(one_tensor({.elements = -6})));
  CHECK_FALSE(parse(one_tensor({.shape = {2, 3}, .strides = {1}})));
  CHECK_FALSE(parse(one_tensor({.shape = std::vector<std::int64_t>(17, 1), .strides = std::vector<std::int64_t>(17, 1)})));
}

TEST_CASE("a small file cannot claim large tensors by strides of 0, repetition or empty sizes") {
  const std::int64_t gigabyte = std::int64_t{1} << 30, huge = std::int64_t{1} << 62;
  CHECK(mentions(error_of(one_tensor({.shape = {gigabyte}, .strides = {0}})), "more than four times the file's bytes"));
  CHECK(mentions(error_of(one_tensor({.shape = {huge, huge}, .strides = {0, 0}})), "more than four times"));
  CHECK(mentions(error_of(one_tensor({.shape = {0, huge, huge}, .strides = {0, 0, 0}})), "more than four times"));
  std::vector<std::pair<std::string, std::string>> many;
  const std::string shared = "h\x01";
  std::string body =
      tensor({.elements = 6000, .shape = {6000}, .strides = {1}}) + "q\x01" + global("collections", "OrderedDict") + ")R(";
  for (int i = 0; i < 20; ++i) body += unicode("w" + std::to_string(i)) + shared;
  // The tensor lies under the dict, so the whole is a tuple's second: not a dict, and refused as such.
  CHECK_FALSE(parse(torch_zip(as_stream(body + "u\x86"), {{"0", std::string(24000, '\0')}})));
  std::string first = global("collections", "OrderedDict") + ")R(" + unicode("w") +
                      tensor({.elements = 6000, .shape = {6000}, .strides = {1}}) + "q\x01";
  for (int i = 0; i < 20; ++i) first += unicode("w" + std::to_string(i)) + shared;
  CHECK(mentions(error_of(torch_zip(as_stream(first + "u"), {{"0", std::string(24000, '\0')}})), "more than four times"));
}

TEST_CASE("storages that are absent, short, long or damaged are refused") {
  const std::string stream = dict_stream({{"w", tensor({})}});
  CHECK(mentions(error_of(torch_zip(stream, {})), "storage '0' is absent"));
  CHECK(mentions(error_of(torch_zip(stream, {{"0", kSix.substr(4)}})), "has 20 bytes where the tensors expect 6 elements of 4"));
  CHECK_FALSE(parse(torch_zip(stream, {{"0", kSix + "abcd"}})));
  CHECK(mentions(error_of(one_tensor({.elements = std::int64_t{1} << 62})), "has 24 bytes where the tensors expect"));
  std::string damaged = one_tensor({});
  damaged[damaged.find(kSix) + 5] ^= 1;
  CHECK(mentions(error_of(damaged), "do not fit their CRC-32"));
  CHECK(mentions(error_of(one_tensor({.storage = "BoolStorage", .shape = {6}, .strides = {1}}, std::string("\1\0\1\0\2\0", 6))),
                 "holds a byte over 1"));
}

TEST_CASE("one storage cannot have two types or two sizes") {
  CHECK_FALSE(parse(torch_zip(dict_stream({{"a", tensor({})}, {"b", tensor({.storage = "IntStorage"})}}), {{"0", kSix}})));
  CHECK_FALSE(parse(
      torch_zip(dict_stream({{"a", tensor({})}, {"b", tensor({.elements = 5, .shape = {5}, .strides = {1}})}}), {{"0", kSix}})));
}

TEST_CASE("the older form is refused when its counts, keys or end do not fit") {
  const std::string stream = dict_stream({{"w", tensor({})}});
  CHECK_FALSE(parse(torch_legacy(stream, {})));
  CHECK_FALSE(parse(torch_legacy(stream, {{"1", 6, kSix}})));
  CHECK_FALSE(parse(torch_legacy(stream, {{"0", 5, kSix}})));
  CHECK_FALSE(parse(torch_legacy(stream, {{"0", 6, kSix.substr(1)}})));
  CHECK_FALSE(parse(torch_legacy(stream, {{"0", 6, kSix}, {"0", 6, kSix}})));
  CHECK(mentions(error_of(torch_legacy(stream, {{"0", 6, kSix + "x"}})), "1 bytes follow the last storage"));
}

TEST_CASE("big-endian files are refused by name") {
  const std::string stream = dict_stream({{"w", tensor({})}});
  CHECK(error_of(zip({{"m/data.pkl", stream}, {"m/data/0", kSix}, {"m/byteorder", "big"}})).code == Errc::unsupported);
  CHECK(parse(zip({{"m/data.pkl", stream}, {"m/data/0", kSix}, {"m/byteorder", "little"}})));
}

TEST_CASE("archives whose records lie are refused") {
  const std::string good = one_tensor({});
  const std::string stream = dict_stream({{"w", tensor({})}});
  CHECK_FALSE(parse(zip({{"m/data.pkl", stream}, {"m/data/0", kSix}, {"m/data/0", kSix}})));
  CHECK_FALSE(parse(zip({{"m/data.pkl", stream}, {"n/data.pkl", stream}, {"m/data/0", kSix}})));
  CHECK_FALSE(parse(zip({{"m/other.pkl", stream}, {"m/data/0", kSix}})));
  CHECK_FALSE(parse(good + "x"));
  CHECK_FALSE(parse("PK\x03\x04"));
  std::string packed = good;
  packed[packed.find("PK\x01\x02") + 10] = 8;
  CHECK(error_of(packed).code == Errc::unsupported);
}

TEST_CASE("every truncation is refused, and every single byte changed is refused or read without harm") {
  const std::string stream = dict_stream({{"w", tensor({})}});
  for (const std::string& file : {one_tensor({}), torch_legacy(stream, {{"0", 6, kSix}})}) {
    for (std::size_t length = 0; length < file.size(); ++length) CHECK_FALSE(parse(file.substr(0, length)));
    for (std::size_t i = 0; i < file.size(); ++i) {
      for (const int flip : {1, 0x10, 0x80, 0xff}) {
        std::string changed = file;
        changed[i] = static_cast<char>(changed[i] ^ flip);
        const auto parsed = parse(changed);
        if (parsed) CHECK(parsed->tensors.size() == 1);
      }
    }
  }
}

TEST_CASE("a stream of empty marks, or one that copies its own list again and again, ends at a million values") {
  CHECK(mentions(error_of(torch_zip(as_stream(std::string(2'000'000, '(')), {})), "more than a million values"));
  std::string list = "](";
  for (int i = 0; i < 2000; ++i) list += "NN\x86";
  list += "e\x85q\x01";
  for (int i = 0; i < 2000; ++i) list += global("collections", "OrderedDict") + "h\x01R";
  CHECK(mentions(error_of(torch_zip(as_stream(list), {})), "more than a million values"));
}

TEST_CASE("what is no dict of tensors is refused, found and expected") {
  CHECK(mentions(error_of(torch_zip(as_stream(tensor({})), {{"0", kSix}})), "it holds a tensor, a dict of tensors expected"));
  CHECK(mentions(error_of(torch_zip(as_stream("}"), {})), "its dict holds no tensors"));
  CHECK(error_of("").code == Errc::malformed);
  CHECK(error_of("hello").code == Errc::malformed);
  CHECK_FALSE(parse(torch_zip(dict_stream({{"w", tensor({})}, {"w", tensor({})}}), {{"0", kSix}})));
  CHECK_FALSE(parse(torch_zip(dict_stream({{"", tensor({})}}), {{"0", kSix}})));
  CHECK_FALSE(parse(torch_zip(dict_stream({{std::string(513, 'a'), tensor({})}}), {{"0", kSix}})));
  CHECK_FALSE(parse(torch_zip(dict_stream({{"w", tensor({})}}) + "x", {{"0", kSix}})));
}
