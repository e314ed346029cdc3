// A model of 4 GB hashed by the whole program: its speed beside OpenSSL's own stream, and its peak of memory beside what it may
// take.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kModelBytes = std::uint64_t{4} << 30;
constexpr double kLimitMegabytes = 64;

/// A file that is all holes: it takes no space, and reads as zeros.
class SparseModel {
 public:
  SparseModel() : path_(fs::temp_directory_path() / ("stegpass-bench-" + std::to_string(::getpid()))) {
    std::ofstream(path_).put('\0');
    fs::resize_file(path_, kModelBytes);
  }
  ~SparseModel() { fs::remove(path_); }
  std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

/// Runs `stegpass model digest` without output. Its peak of resident memory in megabytes, or below 0.
double digest(const std::string& model, std::vector<std::string> options) {
  std::vector<std::string> arguments{STEGPASS_PROGRAM, "model", "digest", model};
  arguments.insert(arguments.end(), options.begin(), options.end());
  std::vector<char*> raw;
  for (const std::string& argument : arguments) raw.push_back(const_cast<char*>(argument.c_str()));
  raw.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  int status = 0;
  rusage usage{};
  const bool ran =
      posix_spawn(&child, raw[0], &actions, nullptr, raw.data(), environ) == 0 && ::wait4(child, &status, 0, &usage) == child;
  posix_spawn_file_actions_destroy(&actions);
  return ran && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? static_cast<double>(usage.ru_maxrss) / 1000 : -1;
}

void hash_program(benchmark::State& state, const std::vector<std::string>& options) {
  const SparseModel model;
  double peak = 0;
  for (auto _ : state) {
    peak = digest(model.path(), options);
    if (peak < 0) return state.SkipWithError("stegpass model digest failed");
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(kModelBytes) * static_cast<std::int64_t>(state.iterations()));
}

void peak_program(benchmark::State& state) {
  const SparseModel model;
  double peak = 0;
  for (auto _ : state) peak = digest(model.path(), {"--shard-bytes", "268435456"});
  if (peak < 0) return state.SkipWithError("stegpass model digest failed");
  state.counters["megabytes"] = peak;
}

void peak_limit(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(state.iterations());
  state.counters["megabytes"] = kLimitMegabytes;
}

/// OpenSSL's SHA-256 over as many bytes from one piece of memory, on one thread.
void hash_stream(benchmark::State& state) {
  const std::vector<unsigned char> piece(1u << 20);
  std::vector<unsigned char> out(EVP_MAX_MD_SIZE);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  for (auto _ : state) {
    EVP_DigestInit_ex2(context, EVP_sha256(), nullptr);
    for (std::uint64_t done = 0; done < kModelBytes; done += piece.size()) EVP_DigestUpdate(context, piece.data(), piece.size());
    EVP_DigestFinal_ex(context, out.data(), nullptr);
  }
  EVP_MD_CTX_free(context);
  state.SetBytesProcessed(static_cast<std::int64_t>(kModelBytes) * static_cast<std::int64_t>(state.iterations()));
}

void hash_one(benchmark::State& state) { hash_program(state, {}); }
void hash_two(benchmark::State& state) { hash_program(state, {"--shard-bytes", "268435456", "--threads", "2"}); }

constexpr const char* kPeer = "peer=OpenSSL, one thread, from memory";
BENCHMARK(hash_one)->Name("model digest of 4 GB, one file/ours")->Iterations(1)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(hash_stream)
    ->Name(std::string("model digest of 4 GB, one file/") + kPeer)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(hash_two)
    ->Name("model digest of 4 GB, shards on two threads/ours")
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(hash_stream)
    ->Name(std::string("model digest of 4 GB, shards on two threads/") + kPeer)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(peak_program)
    ->Name("model digest of 4 GB, peak memory/ours")
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(peak_limit)
    ->Name("model digest of 4 GB, peak memory/peer=limit")
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
