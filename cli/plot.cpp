#include "plot.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include <nlohmann/json.hpp>

namespace stegpass::cli {
namespace {

using Json = nlohmann::json;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

Bytes read_all(int fd) {
  Bytes out;
  std::uint8_t buffer[65536];
  for (ssize_t got = 0; (got = ::read(fd, buffer, sizeof buffer)) > 0;) out.insert(out.end(), buffer, buffer + got);
  return out;
}

/// One data block of gnuplot: the epoch or step and the named figure, one line a point that has it.
std::string block(const Json& curves, const std::string& along, const std::string& name) {
  std::string text = "$" + name + " << EOD\n";
  for (const Json& point : curves) {
    if (point.contains(name) && point[name].is_number()) text += point[along].dump() + " " + point[name].dump() + "\n";
  }
  return text + "EOD\n";
}

constexpr const char* kThreePanels =
    "set terminal pngcairo size 1200,420 font 'sans,10'\nset multiplot layout 1,3\nset grid\nset style data linespoints\n";

/// The first entry of an array: the cover's share of matches.
Json with_cover(Json curves) {
  for (Json& epoch : curves) {
    if (epoch.contains("matches") && epoch["matches"].is_array() && !epoch["matches"].empty())
      epoch["cover_match"] = epoch["matches"][0];
  }
  return curves;
}

}  // namespace

Result<Bytes> draw_plot(const std::string& script) {
  const std::unique_ptr<std::FILE, CloseFile> input(std::tmpfile());  // gnuplot reads it while we read the picture
  int ends[2];
  if (!input || std::fwrite(script.data(), 1, script.size(), input.get()) != script.size() || std::fflush(input.get()) != 0 ||
      ::lseek(::fileno(input.get()), 0, SEEK_SET) != 0 || ::pipe2(ends, O_CLOEXEC) != 0) {
    return Error{Errc::io, "no temporary file for gnuplot"};
  }
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ::fileno(input.get()), 0);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  ::posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  char name[] = "gnuplot";
  char* const arguments[] = {name, nullptr};
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, name, &actions, nullptr, arguments, environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  const Bytes picture = error == 0 ? read_all(ends[0]) : Bytes{};
  ::close(ends[0]);
  if (error != 0) return Error{Errc::unsupported, "gnuplot is not installed, so there is no plot"};
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status != 0 || picture.size() < 8 || picture[1] != 'P') return Error{Errc::internal, "gnuplot drew nothing"};
  return picture;
}

std::string training_plot(const std::string& run) {
  const Json record = Json::parse(run, nullptr, false);
  if (!record.is_object() || !record.contains("curves") || !record["curves"].is_array() || record["curves"].empty()) return {};
  const Json curves = with_cover(record["curves"]);
  std::string script = std::string(kThreePanels) + "set xlabel 'epoch'\n";
  for (const char* name :
       {"deployment_loss", "verification_loss", "sign_loss", "deployment_accuracy", "verification_accuracy", "cover_match"}) {
    script += block(curves, "epoch", name);
  }
  script += "set title 'cross entropy'\nplot $deployment_loss title 'deployment', $verification_loss title 'verification'\n";
  script += "set title 'accuracy and match'\nset yrange [0:1]\nset key bottom right\n";
  const bool measured = curves.back().contains("deployment_accuracy"), marked = curves.back().contains("cover_match");
  std::string parts;
  if (measured) parts += "$deployment_accuracy title 'deployment', $verification_accuracy title 'verification'";
  if (marked) parts += std::string(parts.empty() ? "" : ", ") + "$cover_match title 'cover bits'";
  if (!parts.empty()) script += "plot " + parts + "\n";
  script += "set title 'sign loss'\nset autoscale y\nset key top right\nplot $sign_loss title 'hinge'\nunset multiplot\n";
  return script;
}

std::string isn_plot(const std::string& text) {
  const Json record = Json::parse(text, nullptr, false);
  if (!record.is_object() || !record.contains("curve") || !record["curve"].is_array() || record["curve"].empty()) return {};
  const Json& curve = record["curve"];
  std::string script = std::string(kThreePanels) + "set xlabel 'step'\nset style data lines\n";
  for (const char* name : {"loss", "stego_psnr_db", "reveal_psnr_db", "validation_stego_psnr_db", "validation_reveal_psnr_db",
                           "wrong_key_correlation"}) {
    script += block(curve, "step", name);
  }
  script += "set title 'loss'\nset logscale y\nplot $loss notitle\nunset logscale y\n";
  script += "set title 'PSNR in dB'\nset key bottom right\nplot $stego_psnr_db title 'stego', $reveal_psnr_db title 'reveal'";
  if (curve.back().contains("validation_stego_psnr_db"))
    script += ", $validation_stego_psnr_db title 'stego, held out', $validation_reveal_psnr_db title 'reveal, held out'";
  return script + "\nset title 'correlation under a wrong key'\nplot $wrong_key_correlation notitle\nunset multiplot\n";
}

}  // namespace stegpass::cli
