#pragma once

#include <memory>
#include <string>

#include <torch/types.h>

#include <stegpass/credential/core/result.hpp>

namespace stegpass::model {

/// Where the processes of one training run find each other, as ordinary launchers say it: RANK, WORLD_SIZE, MASTER_ADDR,
/// MASTER_PORT. An address file://PATH, a file that is not there yet in a folder of this user's alone, is for processes of one
/// machine: no port is opened for meeting.
struct ProcessGroupSettings {
  int rank = 0;
  int size = 1;
  std::string address = "127.0.0.1";
  int port = 29500;
};

/// The processes that train one network together: each holds all weights and sees its share of every batch.
/// Gloo on the CPU, NCCL on a GPU, through LibTorch's c10d.
class ProcessGroup {
 public:
  /// Waits until all processes have come, 60 s at most.
  /// Errors  usage on a rank or size out of range, unsupported when this build has no such backend, io when they do not meet.
  static Result<std::unique_ptr<ProcessGroup>> join(const ProcessGroupSettings& settings, const torch::Device& device);
  ~ProcessGroup();

  int rank() const { return rank_; }
  int size() const { return size_; }
  /// Replaces `values` by their sum over all processes; every process calls it with the same shapes in the same order.
  /// Throws c10::Error when a process is gone.
  void sum(torch::Tensor& values) const;

 private:
  struct Backend;
  ProcessGroup(int rank, int size, std::unique_ptr<Backend> backend);
  int rank_, size_;
  std::unique_ptr<Backend> backend_;
};

}  // namespace stegpass::model
