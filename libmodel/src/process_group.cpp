#include <stegpass/model/process_group.hpp>

#include <torch/version.h>

// Debian's LibTorch has Gloo's headers in a package; PyPI's torch comes without them, and others' may not fit it.
#if __has_include(<gloo/context.h>) && TORCH_VERSION_MAJOR < 2
#define STEGPASS_GLOO
#ifndef USE_C10D_GLOO
#define USE_C10D_GLOO
#endif
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#endif
#ifdef STEGPASS_HAS_NCCL
#ifndef USE_C10D_NCCL
#define USE_C10D_NCCL
#endif
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif
#include <torch/csrc/distributed/c10d/FileStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

namespace stegpass::model {
namespace {

constexpr auto kPatience = std::chrono::seconds(60);

constexpr std::string_view kFile = "file://";

bool on_this_machine(const std::string& address) {
  return address.starts_with(kFile) || address == "127.0.0.1" || address == "localhost";
}

c10::intrusive_ptr<c10d::Store> open_store(const ProcessGroupSettings& settings) {
  if (settings.address.starts_with(kFile))
    return c10::make_intrusive<c10d::FileStore>(settings.address.substr(kFile.size()), settings.size);
  c10d::TCPStoreOptions options;
  options.port = static_cast<std::uint16_t>(settings.port);
  options.isServer = settings.rank == 0;
  options.numWorkers = static_cast<std::size_t>(settings.size);
  options.timeout = kPatience;
  return c10::make_intrusive<c10d::TCPStore>(settings.address, options);
}

/// Where all have come. Throws when one does not.
c10::intrusive_ptr<c10d::Store> meeting_point(const ProcessGroupSettings& settings) {
  auto store = open_store(settings);
  const auto name = [](int rank) { return "here-" + std::to_string(rank); };
  store->set(name(settings.rank), std::vector<std::uint8_t>{1});
  std::vector<std::string> all;
  for (int rank = 0; rank < settings.size; ++rank) all.push_back(name(rank));
  store->wait(all, kPatience);
  return store;
}

}  // namespace

struct ProcessGroup::Backend {
#ifdef STEGPASS_GLOO
  c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo;
#endif
#ifdef STEGPASS_HAS_NCCL
  c10::intrusive_ptr<c10d::ProcessGroupNCCL> nccl;
#endif

  /// False where this build has no backend for the device.
  bool open(const ProcessGroupSettings& settings, [[maybe_unused]] const torch::Device& device) {
#ifdef STEGPASS_HAS_NCCL
    if (device.is_cuda()) {
      nccl = c10::make_intrusive<c10d::ProcessGroupNCCL>(meeting_point(settings), settings.rank, settings.size);
      return true;
    }
#endif
#ifdef STEGPASS_GLOO
    if (device.is_cpu()) {
      const auto options = c10d::ProcessGroupGloo::Options::create();
      const bool here = on_this_machine(settings.address);
      options->devices.push_back(here ? c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1")
                                      : c10d::ProcessGroupGloo::createDefaultDevice());
      options->timeout = std::chrono::minutes(10);
      gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(meeting_point(settings), settings.rank, settings.size, options);
      // Nobody leaves before all are there: rank 0 holds the meeting point, and one that goes at once would strand the others in
      // joining.
      torch::Tensor present = torch::ones({1});
      sum(present);
      return true;
    }
#endif
    return false;
  }

  void sum(torch::Tensor& values) const {
    std::vector<torch::Tensor> tensors = {values};
#ifdef STEGPASS_HAS_NCCL
    if (nccl) nccl->allreduce(tensors)->wait();
#endif
#ifdef STEGPASS_GLOO
    if (gloo) gloo->allreduce(tensors)->wait();
#endif
  }
};

ProcessGroup::ProcessGroup(int rank, int size, std::unique_ptr<Backend> backend)
    : rank_(rank), size_(size), backend_(std::move(backend)) {}

ProcessGroup::~ProcessGroup() = default;

Result<std::unique_ptr<ProcessGroup>> ProcessGroup::join(const ProcessGroupSettings& settings, const torch::Device& device) {
  if (settings.size < 1 || settings.size > 1024 || settings.rank < 0 || settings.rank >= settings.size) {
    return Error{Errc::usage,
                 "rank " + std::to_string(settings.rank) + " of " + std::to_string(settings.size) + " processes is out of range"};
  }
  if (settings.port < 1 || settings.port > 65535)
    return Error{Errc::usage, "port " + std::to_string(settings.port) + ", 1 to 65535 expected"};
  auto backend = std::make_unique<Backend>();
  try {
    if (!backend->open(settings, device))
      return Error{Errc::unsupported, "this build cannot train with several processes on " + device.str()};
  } catch (const std::exception& error) {
    const std::string text = error.what();
    const std::string port = settings.address.starts_with(kFile) ? "" : ":" + std::to_string(settings.port);
    return Error{Errc::io,
                 "the processes of this run did not meet at " + settings.address + port + ": " + text.substr(0, text.find('\n'))};
  }
  return std::unique_ptr<ProcessGroup>(new ProcessGroup(settings.rank, settings.size, std::move(backend)));
}

void ProcessGroup::sum(torch::Tensor& values) const {
  if (!values.is_contiguous()) {
    torch::Tensor copy = values.contiguous();
    backend_->sum(copy);
    values.copy_(copy);
  } else {
    backend_->sum(values);
  }
}

}  // namespace stegpass::model
