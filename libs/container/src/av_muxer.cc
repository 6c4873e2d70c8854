#include "av_muxer.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/display.h>
#include <libavutil/mathematics.h>
#include <libavutil/opt.h>
}

namespace camvault::container {

namespace {

constexpr int kIoBufferSize = 256 * 1024;
// A fragment ends at a keyframe, and at the latest here: memory stays flat when keyframes are rare, and a
// killed recorder loses little.
constexpr const char* kMaxFragmentBytes = "8388608";
constexpr const char* kMaxFragmentMicroseconds = "4000000";

std::string av_text(int code) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(code, text, sizeof text);
  return text;
}

tl::unexpected<Error> fail_av(std::string_view action, int code) {
  const auto errc = code == AVERROR(EIO) || code == AVERROR(ENOSPC) ? Errc::io : Errc::malformed;
  return fail(errc, std::string(action) + ": " + av_text(code));
}

struct FreeMuxer {
  void operator()(AVFormatContext* context) const { avformat_free_context(context); }
};
struct FreeIo {
  void operator()(AVIOContext* io) const {
    av_freep(&io->buffer);
    avio_context_free(&io);
  }
};
struct FreePacket {
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
};

AVMediaType media_type(TrackKind kind) {
  switch (kind) {
    case TrackKind::video:
      return AVMEDIA_TYPE_VIDEO;
    case TrackKind::audio:
      return AVMEDIA_TYPE_AUDIO;
    case TrackKind::subtitle:
      return AVMEDIA_TYPE_SUBTITLE;
    case TrackKind::other:
      break;
  }
  return AVMEDIA_TYPE_DATA;
}

Status copy_config(AVCodecParameters& to, BytesView config) {
  if (config.empty()) return ok();
  to.extradata = static_cast<std::uint8_t*>(av_mallocz(config.size() + AV_INPUT_BUFFER_PADDING_SIZE));
  if (to.extradata == nullptr) return fail(Errc::limit, "out of memory");
  std::memcpy(to.extradata, config.data(), config.size());
  to.extradata_size = static_cast<int>(config.size());
  return ok();
}

Status set_up_stream(AVStream& stream, const Track& track) {
  auto& to = *stream.codecpar;
  to.codec_type = media_type(track.kind);
  to.codec_id = static_cast<AVCodecID>(track.codec_id);
  to.codec_tag = track.codec_tag;
  to.format = track.sample_format;
  to.bit_rate = track.bit_rate;
  to.bits_per_coded_sample = track.bits_per_coded_sample;
  to.bits_per_raw_sample = track.bits_per_raw_sample;
  to.profile = track.profile;
  to.level = track.level;
  to.width = track.width;
  to.height = track.height;
  to.sample_aspect_ratio = {track.aspect_num, track.aspect_den};
  to.sample_rate = track.sample_rate;
  if (track.channels > 0) {
    av_channel_layout_default(&to.ch_layout, track.channels);
    if (track.channel_mask != 0) {
      av_channel_layout_uninit(&to.ch_layout);
      if (av_channel_layout_from_mask(&to.ch_layout, track.channel_mask) < 0) {
        av_channel_layout_default(&to.ch_layout, track.channels);
      }
    }
  }
  to.block_align = track.block_align;
  to.frame_size = track.frame_size;
  to.initial_padding = track.initial_padding;
  to.trailing_padding = track.trailing_padding;
  to.seek_preroll = track.seek_preroll;
  CAM_TRY_STATUS(copy_config(to, track.config));
  if (track.kind == TrackKind::other) {
    to.codec_id = AV_CODEC_ID_BIN_DATA;
    to.codec_tag = MKTAG('g', 'p', 'm', 'd');  // the one kind of data that the muxer takes as it is
  }
  stream.time_base = {track.time_base_num, track.time_base_den};
  stream.sample_aspect_ratio = to.sample_aspect_ratio;
  if (track.frame_rate_num > 0 && track.frame_rate_den > 0) {
    stream.avg_frame_rate = {track.frame_rate_num, track.frame_rate_den};
  }
  stream.disposition =
      track.disposition & (AV_DISPOSITION_DEFAULT | AV_DISPOSITION_FORCED | AV_DISPOSITION_COMMENT);
  if (!track.language.empty()) av_dict_set(&stream.metadata, "language", track.language.c_str(), 0);
  if (track.rotation) {
    auto* matrix = av_stream_new_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, sizeof *track.rotation);
    if (matrix != nullptr) std::memcpy(matrix, track.rotation->data(), sizeof *track.rotation);
  }
  return ok();
}

}  // namespace

struct AvMuxer::Impl {
  UniqueFd file;
  std::uint64_t position = 0;
  std::uint64_t written = 0;
  int error_number = 0;  // of the first failed system call
  std::unique_ptr<AVIOContext, FreeIo> io;
  std::unique_ptr<AVFormatContext, FreeMuxer> context;
  std::unique_ptr<AVPacket, FreePacket> packet;
  bool interleave = false;
  std::vector<AVRational> time_bases;
  std::vector<std::int64_t> last_dts;  // in the muxer's time base

  static int write_bytes(void* opaque, std::uint8_t* data, int size) {
    auto& self = *static_cast<Impl*>(opaque);
    auto left = static_cast<std::size_t>(size);
    while (left > 0) {
      const auto n = ::pwrite(self.file.get(), data, left, static_cast<off_t>(self.position));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) {
        if (self.error_number == 0) self.error_number = errno;
        return AVERROR(EIO);
      }
      self.position += static_cast<std::uint64_t>(n);
      self.written = std::max(self.written, self.position);
      data += n;
      left -= static_cast<std::size_t>(n);
    }
    return size;
  }

  static std::int64_t seek(void* opaque, std::int64_t offset, int whence) {
    auto& self = *static_cast<Impl*>(opaque);
    if (whence == AVSEEK_SIZE) return static_cast<std::int64_t>(self.written);
    if (whence == SEEK_CUR) offset += static_cast<std::int64_t>(self.position);
    if (whence == SEEK_END) offset += static_cast<std::int64_t>(self.written);
    if (offset < 0) return AVERROR(EINVAL);
    self.position = static_cast<std::uint64_t>(offset);
    return offset;
  }

  tl::unexpected<Error> failure(std::string_view action, int code) const {
    if (error_number != 0) return fail(Errc::io, std::string(action) + ": " + errno_text(error_number));
    return fail_av(action, code);
  }
};

bool AvMuxer::can_hold(FileFormat format, const Track& track) {
  const auto* muxer = av_guess_format(format == FileFormat::mp4 ? "mp4" : "matroska", nullptr, nullptr);
  if (muxer == nullptr) return false;
  if (track.kind == TrackKind::other) return format == FileFormat::mp4;
  return avformat_query_codec(muxer, static_cast<AVCodecID>(track.codec_id), FF_COMPLIANCE_NORMAL) == 1;
}

Result<AvMuxer> AvMuxer::create(UniqueFd file, std::span<const Track> tracks, const MuxerOptions& options) {
  const bool mp4 = options.format == FileFormat::mp4;
  auto impl = std::make_unique<Impl>();
  impl->file = std::move(file);
  impl->interleave = !mp4 && tracks.size() > 1;
  av_log_set_level(AV_LOG_QUIET);  // errors come back as values
  impl->packet.reset(av_packet_alloc());
  auto* buffer = static_cast<unsigned char*>(av_malloc(kIoBufferSize));
  if (buffer == nullptr || impl->packet == nullptr) return fail(Errc::limit, "out of memory");
  impl->io.reset(
      avio_alloc_context(buffer, kIoBufferSize, 1, impl.get(), nullptr, Impl::write_bytes, Impl::seek));
  AVFormatContext* raw = nullptr;
  if (const int code = avformat_alloc_output_context2(&raw, nullptr, mp4 ? "mp4" : "matroska", nullptr);
      code < 0) {
    return fail_av("cannot write this format", code);
  }
  impl->context.reset(raw);
  raw->pb = impl->io.get();
  // Not AUTO_BSF: a bitstream filter would change packets. BITEXACT: the file names no library version.
  raw->flags = (raw->flags | AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT) & ~AVFMT_FLAG_AUTO_BSF;
  constexpr std::int64_t kMaxInterleaveMicroseconds = 1'000'000;
  raw->max_interleave_delta = kMaxInterleaveMicroseconds;
  raw->flush_packets = mp4 ? 1 : 0;
  for (const auto& track : tracks) {
    auto* stream = avformat_new_stream(raw, nullptr);
    if (stream == nullptr) return fail(Errc::limit, "out of memory");
    CAM_TRY_STATUS(set_up_stream(*stream, track));
    impl->time_bases.push_back({track.time_base_num, track.time_base_den});
    impl->last_dts.push_back(Packet::kNoTime);
  }
  AVDictionary* settings = nullptr;
  if (mp4) {
    // delay_moov lets the header carry edit lists (B-frames, encoder delay of audio); live streams have
    // neither.
    av_dict_set(&settings, "movflags",
                options.live ? "frag_keyframe+empty_moov+default_base_moof"
                             : "frag_keyframe+delay_moov+default_base_moof",
                0);
    av_dict_set(&settings, "frag_size", kMaxFragmentBytes, 0);
    av_dict_set(&settings, "frag_duration", kMaxFragmentMicroseconds, 0);
  }
  const int code = avformat_write_header(raw, &settings);
  av_dict_free(&settings);
  if (code < 0) return impl->failure("cannot begin the file", code);
  return AvMuxer(std::move(impl));
}

AvMuxer::AvMuxer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AvMuxer::~AvMuxer() = default;
AvMuxer::AvMuxer(AvMuxer&&) noexcept = default;
AvMuxer& AvMuxer::operator=(AvMuxer&&) noexcept = default;

Status AvMuxer::write(const Packet& packet) {
  auto& impl = *impl_;
  if (impl.context == nullptr) return fail(Errc::usage, "the file is finished");
  if (packet.track >= impl.time_bases.size()) return fail(Errc::usage, "no such track");
  if (packet.data.size() > INT32_MAX) return fail(Errc::limit, "sample too large");
  const auto& stream = *impl.context->streams[packet.track];
  auto& out = *impl.packet;
  av_packet_unref(&out);
  // Lent, not owned: the muxer copies what it keeps.
  out.data = const_cast<std::uint8_t*>(packet.data.data());
  out.size = static_cast<int>(packet.data.size());
  out.stream_index = static_cast<int>(packet.track);
  out.flags = packet.keyframe ? AV_PKT_FLAG_KEY : 0;
  out.pts = packet.pts;
  out.dts = packet.dts == Packet::kNoTime ? packet.pts : packet.dts;
  out.duration = packet.duration;
  av_packet_rescale_ts(&out, impl.time_bases[packet.track], stream.time_base);
  auto& last = impl.last_dts[packet.track];
  if (out.dts == AV_NOPTS_VALUE || (last != Packet::kNoTime && out.dts <= last))
    out.dts = last == Packet::kNoTime ? 0 : last + 1;
  if (out.pts == AV_NOPTS_VALUE || out.pts < out.dts) out.pts = out.dts;
  last = out.dts;
  // Matroska has no negative times: the muxer must see the first packets of all tracks before it writes one.
  const int code = impl.interleave ? av_interleaved_write_frame(impl.context.get(), &out)
                                   : av_write_frame(impl.context.get(), &out);
  out.data = nullptr;
  out.size = 0;
  if (code < 0 || impl.error_number != 0) return impl.failure("cannot write the file", code);
  return ok();
}

Result<UniqueFd> AvMuxer::finish() {
  auto& impl = *impl_;
  if (impl.context == nullptr) return fail(Errc::usage, "the file is finished");
  const int code = av_write_trailer(impl.context.get());
  avio_flush(impl.io.get());
  const bool bad = code < 0 || impl.error_number != 0;
  impl.context.reset();
  if (bad) return impl.failure("cannot end the file", code);
  return std::move(impl.file);
}

std::uint64_t AvMuxer::bytes_written() const {
  return impl_->written;
}

}  // namespace camvault::container
