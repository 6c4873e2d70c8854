#include "camvault/camera/recorder.h"

#include <mutex>
#include <vector>

#include "camvault/container/rewrite.h"
#include "camvault/container/writer.h"

namespace camvault::camera {

namespace {

constexpr std::uint32_t kTimescale = 90'000;

std::int64_t to_media_time(Ticks ticks) {
  // Rounded: 1/25 s is a whole number of both.
  constexpr std::int64_t kTicksPerSecond = Ticks::period::den;
  const auto seconds = ticks.count() / kTicksPerSecond;
  const auto rest = ticks.count() % kTicksPerSecond;
  return seconds * kTimescale + (rest * kTimescale + kTicksPerSecond / 2) / kTicksPerSecond;
}

// An access unit of our own: one buffer and the sizes of its units.
struct HeldPicture {
  Bytes bytes;
  std::vector<std::size_t> sizes;
  container::AccessUnit times;
  bool filled = false;

  void append(BytesView unit) {
    camvault::append(bytes, unit);
    sizes.push_back(unit.size());
  }
  void views(std::vector<BytesView>& out) const {
    out.clear();
    BytesView rest = bytes;
    for (const auto size : sizes) {
      out.push_back(rest.first(size));
      rest = rest.subspan(size);
    }
  }
  void clear() {
    bytes.clear();
    sizes.clear();
    filled = false;
  }
};

}  // namespace

struct Recorder::Impl {
  const crypto::Engine* engine = nullptr;
  std::shared_ptr<crypto::SigningKey> key;
  RecorderOptions options;
  container::FileFormat format = container::FileFormat::mp4;
  std::optional<signed_video::Signer> signer;
  std::unique_ptr<container::ClipWriter> writer;
  RecorderProgress progress;
  // One picture waits: what the signer says at the end goes behind the last one.
  HeldPicture held;
  std::vector<BytesView> views;
  bool finished = false;

  // Records come from other threads, also before there is a signer.
  std::mutex records_mutex;
  bool takes_records = false;  // the signer is there
  std::vector<std::pair<signed_video::RecordType, Bytes>> early_records;

  Status begin_records() {
    const std::lock_guard lock(records_mutex);
    takes_records = true;
    for (auto& [type, value] : early_records) CAM_TRY_STATUS(signer->add_record(type, std::move(value)));
    early_records.clear();
    return ok();
  }

  Status begin(const CapturedPicture& picture) {
    if (const auto promised = container::codec_of_name(options.path);
        promised && *promised != picture.codec) {
      return fail(Errc::usage, options.path.filename().string() + ": the video is " +
                                   std::string(codec::to_string(picture.codec)));
    }
    options.signer.codec = picture.codec;
    CAM_TRY(auto made, signed_video::Signer::create(*engine, key, options.signer));
    signer.emplace(std::move(made));
    CAM_TRY_STATUS(begin_records());
    container::WriterOptions writing;
    writing.format = format;
    writing.codec = picture.codec;
    writing.timescale = kTimescale;
    writing.index_at_end = options.index_at_end;
    CAM_TRY(writer, container::create_clip(options.path, writing));
    return ok();
  }

  Status write_held() {
    if (!held.filled) return ok();
    held.views(views);
    held.times.units = views;
    CAM_TRY_STATUS(writer->write(held.times));
    held.clear();
    return ok();
  }
};

Result<Recorder> Recorder::create(const crypto::Engine& engine, std::shared_ptr<crypto::SigningKey> key,
                                  RecorderOptions options) {
  if (key == nullptr) return fail(Errc::usage, "no signing key");
  auto impl = std::make_unique<Impl>();
  CAM_TRY(impl->format, container::format_of_name(options.path));
  impl->engine = &engine;
  impl->key = std::move(key);
  impl->options = std::move(options);
  return Recorder(std::move(impl));
}

Recorder::Recorder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Recorder::~Recorder() = default;
Recorder::Recorder(Recorder&&) noexcept = default;
Recorder& Recorder::operator=(Recorder&&) noexcept = default;

Status Recorder::add(const CapturedPicture& picture) {
  auto& impl = *impl_;
  if (impl.finished) return fail(Errc::usage, "the recording is finished");
  if (!impl.writer) CAM_TRY_STATUS(impl.begin(picture));
  if (picture.codec != impl.options.signer.codec)
    return fail(Errc::unsupported, "the codec changes inside the recording");
  // A raw stream shows no times: whoever puts it into a container later makes them up.
  std::optional<Ticks> shown;
  if (impl.format != container::FileFormat::annex_b) shown = picture.pts;
  CAM_TRY(const auto seis, impl.signer->add(picture.units, picture.time, shown));
  CAM_TRY_STATUS(impl.write_held());
  container::insert_before_first_slice(picture.codec, picture.units, seis, impl.views);
  for (const auto unit : impl.views) impl.held.append(unit);
  impl.held.times.pts = to_media_time(picture.pts);
  impl.held.times.dts = to_media_time(picture.dts);
  impl.held.times.keyframe = picture.keyframe;
  impl.held.filled = true;
  ++impl.progress.pictures;
  if (picture.keyframe) ++impl.progress.gops;
  impl.progress.video = std::max(impl.progress.video, picture.pts);
  impl.progress.last_time = picture.time;
  return ok();
}

Status Recorder::finish() {
  auto& impl = *impl_;
  if (std::exchange(impl.finished, true)) return fail(Errc::usage, "the recording is finished");
  if (!impl.writer) return fail(Errc::usage, "no picture to record");
  // A key that does not answer any more costs the last signature, not the recording.
  auto seis = impl.signer->finish(impl.options.patience);
  if (seis) {
    for (const auto& sei : *seis) impl.held.append(sei);
  }
  CAM_TRY_STATUS(impl.write_held());
  CAM_TRY_STATUS(impl.writer->finish());
  if (!seis) return tl::unexpected(std::move(seis).error());
  return ok();
}

Status Recorder::change_key(std::shared_ptr<crypto::SigningKey> key, std::string chain_pem) {
  auto& impl = *impl_;
  if (impl.signer) CAM_TRY_STATUS(impl.signer->change_key(key, chain_pem));
  impl.key = std::move(key);  // whoever holds the old one says that it is in use
  impl.options.signer.chain_pem = std::move(chain_pem);
  return ok();
}

Status Recorder::add_record(signed_video::RecordType type, Bytes value) {
  auto& impl = *impl_;
  const std::lock_guard lock(impl.records_mutex);
  if (impl.takes_records) return impl.signer->add_record(type, std::move(value));
  if (impl.early_records.size() == signed_video::kMaxWaitingRecords)
    return fail(Errc::limit, "too many records before the first picture");
  impl.early_records.emplace_back(type, std::move(value));
  return ok();
}

RecorderProgress Recorder::progress() const {
  auto progress = impl_->progress;
  if (impl_->writer) progress.bytes = impl_->writer->bytes_written();
  if (impl_->signer) progress.signer = impl_->signer->counters();
  return progress;
}

Status record(Camera& camera, Recorder& recorder,
              const std::function<void(const RecorderProgress&)>& on_progress, const std::stop_token& stop) {
  auto status = camera.run(
      [&](const CapturedPicture& picture) -> Status {
        CAM_TRY_STATUS(recorder.add(picture));
        if (on_progress) on_progress(recorder.progress());
        return ok();
      },
      stop);
  if (recorder.progress().pictures == 0)
    return status ? fail(Errc::unavailable, "no picture came") : std::move(status);
  auto finished = recorder.finish();
  return status ? std::move(finished) : std::move(status);
}

}  // namespace camvault::camera
