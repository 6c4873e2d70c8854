// Stands in for camera.cc in builds without GStreamer (CAMVAULT_GSTREAMER=OFF).
#include "commands.h"
#include "exit_code.h"

namespace camvault::cli {

void add_camera(CLI::App& app, int& exit_code) {
  auto* command =
      app.add_subcommand("camera", "a camera in software (left out of this build: it has no GStreamer)");
  command->allow_extras();
  command->footer("Examples:\n  camvault sign IN OUT signs a file instead");
  command->callback([&exit_code] {
    exit_code =
        complain(kServiceMissing,
                 "this build has no live camera: it was made without GStreamer (CAMVAULT_GSTREAMER=OFF)");
  });
}

}  // namespace camvault::cli
