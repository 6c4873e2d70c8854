// Signs pictures as they come and records them.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "camvault/camera/camera.h"
#include "camvault/crypto/engine.h"
#include "camvault/signed_video/signer.h"

namespace camvault::camera {

struct RecorderOptions {
  std::filesystem::path path;          // .mp4, .mkv, .h264, .h265
  signed_video::SignerOptions signer;  // its codec is that of the pictures
  // MP4: what is written is playable at any time up to the last whole GOP, also after a kill. At the end an
  // index over all of it makes it an ordinary MP4; false leaves it in fragments.
  bool index_at_end = true;
  std::chrono::milliseconds patience{10'000};  // for the last signatures
};

struct RecorderProgress {
  std::uint64_t pictures = 0;
  std::uint64_t gops = 0;
  Ticks video{0};           // length so far
  std::uint64_t bytes = 0;  // of the file
  Timestamp last_time;      // capture time of the last picture
  signed_video::Signer::Counters signer;
};

// One recording; one thread. Signatures come back on other threads and never hold a picture up.
class Recorder {
 public:
  // `engine` must outlive the recorder. The file is created with the first picture.
  static Result<Recorder> create(const crypto::Engine& engine, std::shared_ptr<crypto::SigningKey> key,
                                 RecorderOptions options);
  ~Recorder();
  Recorder(Recorder&&) noexcept;
  Recorder& operator=(Recorder&&) noexcept;

  Status add(const CapturedPicture& picture);
  // Writes the last signatures and ends the file. Errc::usage when no picture came.
  Status finish();
  RecorderProgress progress() const;

  // Another key signs from one of the next GOPs on (signed_video::Signer::change_key, with its errors).
  Status change_key(std::shared_ptr<crypto::SigningKey> key, std::string chain_pem);

  // Puts a record into the next supplement (signed_video::Signer::add_record); before the first picture it
  // waits for that. The one function that any thread may call, until finish() or the end of the recorder.
  Status add_record(signed_video::RecordType type, Bytes value);

 private:
  struct Impl;
  explicit Recorder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Runs the camera into the recorder. `on_progress` is called after every picture. When the camera fails, what
// came before is still finished; the first error is returned.
Status record(Camera& camera, Recorder& recorder,
              const std::function<void(const RecorderProgress&)>& on_progress = {},
              const std::stop_token& stop = {});

}  // namespace camvault::camera
