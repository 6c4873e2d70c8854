#include "av_demuxer.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

extern "C" {
#include <libavformat/avformat.h>
#include <libavutil/display.h>
}

#include "demux_protocol.h"
#include "sandbox.h"

namespace camvault::container {

namespace {

constexpr int kIoBufferSize = 256 * 1024;
// Containers that hold camera video; everything else (playlists, scripts, image sequences) is not even
// probed.
constexpr const char* kFormats = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts";

// Decoders that may look at the first packets for what the container does not say. All of them work in one
// thread.
constexpr const char* kDecoders = "h264,hevc,aac,mp3,mp3float,opus,vorbis,flac,ac3,pcm_alaw,pcm_mulaw";

struct InputFile {
  int fd = -1;
  std::int64_t position = 0;
  std::int64_t size = 0;

  static int read(void* opaque, std::uint8_t* data, int size) {
    auto& self = *static_cast<InputFile*>(opaque);
    for (;;) {
      const auto n = ::pread(self.fd, data, static_cast<std::size_t>(size), self.position);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return AVERROR(EIO);
      if (n == 0) return AVERROR_EOF;
      self.position += n;
      return static_cast<int>(n);
    }
  }

  static std::int64_t seek(void* opaque, std::int64_t offset, int whence) {
    auto& self = *static_cast<InputFile*>(opaque);
    if (whence == AVSEEK_SIZE) return self.size;
    if (whence == SEEK_CUR) offset += self.position;
    if (whence == SEEK_END) offset += self.size;
    if (offset < 0) return AVERROR(EINVAL);
    self.position = offset;
    return offset;
  }
};

TrackKind kind_of(AVMediaType type) {
  switch (type) {
    case AVMEDIA_TYPE_VIDEO:
      return TrackKind::video;
    case AVMEDIA_TYPE_AUDIO:
      return TrackKind::audio;
    case AVMEDIA_TYPE_SUBTITLE:
      return TrackKind::subtitle;
    default:
      return TrackKind::other;
  }
}

std::string short_text(const char* text) {
  return text == nullptr ? std::string() : std::string(text, ::strnlen(text, 60));
}

// AAC with a header in every frame (ADTS, ISO/IEC 13818-7 6.2), as MPEG-TS has it. Files hold the frames bare
// and the header's content once.
bool is_adts(const AVCodecParameters& parameters) {
  return parameters.codec_id == AV_CODEC_ID_AAC && parameters.extradata_size == 0;
}

// AudioSpecificConfig, ISO/IEC 14496-3 1.6.2.1: object type, frequency index, channel configuration.
Bytes audio_config(const AVCodecParameters& parameters) {
  constexpr int kFrequencies[] = {96000, 88200, 64000, 48000, 44100, 32000, 24000,
                                  22050, 16000, 12000, 11025, 8000,  7350};
  unsigned index = 0;
  while (index < std::size(kFrequencies) && kFrequencies[index] != parameters.sample_rate) ++index;
  const int channels = parameters.ch_layout.nb_channels;
  if (index == std::size(kFrequencies) || channels < 1 || channels > 6) return {};
  const unsigned object_type =
      parameters.profile >= 0 && parameters.profile < 4 ? static_cast<unsigned>(parameters.profile) + 1 : 2;
  const auto word = object_type << 11 | index << 7 | static_cast<unsigned>(channels) << 3;
  return {static_cast<std::uint8_t>(word >> 8), static_cast<std::uint8_t>(word)};
}

BytesView without_adts(BytesView frame) {
  if (frame.size() < 7 || frame[0] != 0xff || (frame[1] & 0xf0) != 0xf0) return frame;
  const std::size_t header = (frame[1] & 1) != 0 ? 7 : 9;  // protection_absent
  return frame.size() >= header ? frame.subspan(header) : frame;
}

Track describe(const AVStream& stream) {
  const auto& from = *stream.codecpar;
  Track track;
  track.kind = kind_of(from.codec_type);
  track.codec_id = static_cast<std::uint32_t>(from.codec_id);
  track.codec_tag = from.codec_tag;
  track.sample_format = from.format;
  track.bit_rate = from.bit_rate;
  track.bits_per_coded_sample = from.bits_per_coded_sample;
  track.bits_per_raw_sample = from.bits_per_raw_sample;
  track.profile = from.profile;
  track.level = from.level;
  track.width = from.width;
  track.height = from.height;
  track.aspect_num = from.sample_aspect_ratio.num;
  track.aspect_den = from.sample_aspect_ratio.den;
  track.sample_rate = from.sample_rate;
  track.channels = from.ch_layout.nb_channels;
  track.channel_mask = from.ch_layout.order == AV_CHANNEL_ORDER_NATIVE ? from.ch_layout.u.mask : 0;
  track.block_align = from.block_align;
  track.frame_size = from.frame_size;
  track.initial_padding = from.initial_padding;
  track.trailing_padding = from.trailing_padding;
  track.seek_preroll = from.seek_preroll;
  track.time_base_num = stream.time_base.num;
  track.time_base_den = stream.time_base.den;
  track.frame_rate_num = stream.avg_frame_rate.num;
  track.frame_rate_den = stream.avg_frame_rate.den;
  track.disposition = stream.disposition;
  if (const auto* entry = av_dict_get(stream.metadata, "language", nullptr, 0); entry != nullptr)
    track.language = short_text(entry->value);
  char tag[AV_FOURCC_MAX_STRING_SIZE] = {};
  track.name = from.codec_id != AV_CODEC_ID_NONE ? short_text(avcodec_get_name(from.codec_id))
                                                 : short_text(av_fourcc_make_string(tag, from.codec_tag));
  if (from.extradata_size > 0 && static_cast<std::size_t>(from.extradata_size) <= kMaxConfigSize) {
    track.config.assign(from.extradata, from.extradata + from.extradata_size);
  }
  if (is_adts(from)) track.config = audio_config(from);
  std::size_t size = 0;
  const auto* matrix = av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
  if (matrix != nullptr && size == sizeof(std::array<std::int32_t, 9>)) {
    track.rotation.emplace();
    std::memcpy(track.rotation->data(), matrix, size);
  }
  return track;
}

bool send(int output, const Record& record, BytesView payload) {
  return child_write(output, write_record(record)) && child_write(output, payload);
}

int send_failure(int output, DemuxFailure failure) {
  Record record;
  record.kind = RecordKind::failure;
  record.packet.track = static_cast<std::uint32_t>(failure);
  return send(output, record, {}) ? 0 : 1;
}

bool send_tracks(int output, const AVFormatContext& context) {
  ByteWriter payload;
  payload.u32(context.nb_streams);
  for (unsigned i = 0; i < context.nb_streams; ++i) write_track(payload, describe(*context.streams[i]));
  Record record;
  record.kind = RecordKind::tracks;
  record.payload_size = static_cast<std::uint32_t>(payload.size());
  return send(output, record, payload.view());
}

}  // namespace

// Nothing is freed here: the process ends with it.
int run_demuxer(int input, int output) {
  av_log_set_level(AV_LOG_QUIET);
  InputFile file{input, 0, 0};
  struct stat info {};
  if (::fstat(input, &info) != 0) return 2;
  file.size = info.st_size;
  auto* buffer = static_cast<unsigned char*>(av_malloc(kIoBufferSize));
  auto* io = avio_alloc_context(buffer, kIoBufferSize, 0, &file, InputFile::read, nullptr, InputFile::seek);
  AVFormatContext* context = avformat_alloc_context();
  AVPacket* packet = av_packet_alloc();
  if (buffer == nullptr || io == nullptr || context == nullptr || packet == nullptr) return 2;
  context->pb = io;
  context->flags |= AVFMT_FLAG_CUSTOM_IO;
  context->max_streams = static_cast<int>(kMaxTracks);
  AVDictionary* settings = nullptr;
  av_dict_set(&settings, "format_whitelist", kFormats, 0);
  av_dict_set(&settings, "codec_whitelist", kDecoders, 0);
  // Every stored sample comes out, also those that an edit list hides.
  av_dict_set(&settings, "advanced_editlist", "0", 0);
  if (avformat_open_input(&context, nullptr, nullptr, &settings) < 0)
    return send_failure(output, DemuxFailure::not_recognised);
  if (avformat_find_stream_info(context, nullptr) < 0 || context->nb_streams == 0)
    return send_failure(output, DemuxFailure::no_tracks);
  if (context->nb_streams > kMaxTracks) return send_failure(output, DemuxFailure::too_many_tracks);
  const auto tracks = context->nb_streams;
  if (!send_tracks(output, *context)) return 1;
  for (;;) {
    const int code = av_read_frame(context, packet);
    if (code == AVERROR(EAGAIN)) continue;
    if (code < 0) {
      if (code != AVERROR_EOF) return send_failure(output, DemuxFailure::damaged);
      break;
    }
    Record record;
    record.kind = RecordKind::packet;
    record.packet.track = static_cast<std::uint32_t>(packet->stream_index);
    record.packet.pts = packet->pts;
    record.packet.dts = packet->dts;
    record.packet.duration = packet->duration;
    record.packet.offset = packet->pos < 0 ? 0 : static_cast<std::uint64_t>(packet->pos);
    record.packet.keyframe = (packet->flags & AV_PKT_FLAG_KEY) != 0;
    record.packet.corrupt = (packet->flags & AV_PKT_FLAG_CORRUPT) != 0;
    std::size_t config_size = 0;
    const auto* config = av_packet_get_side_data(packet, AV_PKT_DATA_NEW_EXTRADATA, &config_size);
    if (config != nullptr && record.packet.track < tracks) {
      const auto& now = *context->streams[record.packet.track]->codecpar;
      record.packet.new_config = static_cast<std::size_t>(now.extradata_size) != config_size ||
                                 std::memcmp(now.extradata, config, config_size) != 0;
    }
    BytesView data(packet->data, static_cast<std::size_t>(packet->size));
    if (record.packet.track < tracks && is_adts(*context->streams[record.packet.track]->codecpar))
      data = without_adts(data);
    if (data.size() > kMaxPacketSize) return send_failure(output, DemuxFailure::packet_too_large);
    record.payload_size = static_cast<std::uint32_t>(data.size());
    // Tracks that turn up later (MPEG-TS) were not announced: left out.
    if (record.packet.track < tracks && !send(output, record, data)) return 1;
    av_packet_unref(packet);
  }
  Record end;
  return send(output, end, {}) ? 0 : 1;
}

}  // namespace camvault::container
