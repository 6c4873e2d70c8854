// Real media for tests: made and judged by the ffmpeg programs, not by us.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "camvault/base/bytes.h"
#include "camvault/base/file.h"

namespace camvault::container::test {

namespace fs = std::filesystem;

struct CommandResult {
  int status = -1;
  std::string output;
};

// Runs a command line (fixed text of ours and paths without special characters).
inline CommandResult run(const std::string& command) {
  CommandResult result;
  FILE* pipe = ::popen((command + " 2>&1 </dev/null").c_str(), "r");
  if (pipe == nullptr) return result;
  char buffer[4096];
  std::size_t n = 0;
  while ((n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0) result.output.append(buffer, n);
  const int status = ::pclose(pipe);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  return result;
}

struct ClipRecipe {
  std::string name = "clip.mp4";
  std::string codec = "h264";  // h264, h265
  double seconds = 2;
  std::string size = "320x240";
  int slices = 1;
  int b_frames = 0;
  int gop = 25;
  bool audio = false;
  std::string output_options = "";  // "-movflags ..."
};

class MediaTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/camvault-media-test-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path make_clip(const ClipRecipe& recipe) {
    const auto path = folder_ / recipe.name;
    std::ostringstream command;
    command << "ffmpeg -hide_banner -loglevel error -y -f lavfi -i testsrc2=size=" << recipe.size
            << ":rate=25:duration=" << recipe.seconds;
    if (recipe.audio)
      command << " -f lavfi -i sine=frequency=440:sample_rate=48000:duration=" << recipe.seconds
              << " -c:a aac";
    if (recipe.codec == "h264") {
      command << " -c:v libx264 -preset ultrafast -x264-params keyint=" << recipe.gop
              << ":min-keyint=" << recipe.gop << ":scenecut=0:bframes=" << recipe.b_frames
              << ":slices=" << recipe.slices;
    } else {
      command << " -c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=" << recipe.gop
              << ":min-keyint=" << recipe.gop << ":scenecut=0:bframes=" << recipe.b_frames
              << ":slices=" << recipe.slices;
      if (recipe.name.find(".mp4") != std::string::npos) command << " -tag:v hvc1";
    }
    command << " -pix_fmt yuv420p " << recipe.output_options << " " << path.string();
    const auto result = run(command.str());
    EXPECT_EQ(result.status, 0) << command.str() << "\n" << result.output;
    return path;
  }

  // Hashes of all decoded pictures (or sound) in presentation order. A single message from the decoder makes
  // the test fail, unless it is told to bear with SEIs that it does not understand.
  static std::string frame_hashes(const fs::path& path, const std::string& streams = "0:v",
                                  bool strict = true) {
    const std::string strictness =
        strict ? " -loglevel error -xerror -err_detect explode" : " -loglevel quiet";
    const auto result = run("ffmpeg -hide_banner" + strictness + " -i " + path.string() + " -map " + streams +
                            " -fps_mode passthrough -f framemd5 -");
    EXPECT_EQ(result.status, 0) << path << "\n" << result.output;
    // Keep the sixth column: times are judged apart, side data (encoder delay) stands behind it.
    std::istringstream lines(result.output);
    std::string hashes;
    std::string line;
    while (std::getline(lines, line)) {
      if (line.empty() || line[0] == '#') continue;
      std::istringstream columns(line);
      std::string column;
      int count = 0;
      while (count < 6 && std::getline(columns, column, ',')) ++count;
      EXPECT_EQ(count, 6) << line;
      hashes += column + "\n";
    }
    EXPECT_FALSE(hashes.empty()) << result.output;
    return hashes;
  }

  static std::string probe(const fs::path& path, const std::string& options) {
    const auto result =
        run("ffprobe -hide_banner -loglevel error -of csv=p=0 " + options + " " + path.string());
    EXPECT_EQ(result.status, 0) << path << "\n" << result.output;
    return result.output;
  }

  fs::path folder_;
};

}  // namespace camvault::container::test
