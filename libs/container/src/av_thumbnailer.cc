#include "av_thumbnailer.h"

#include <algorithm>
#include <set>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libswscale/swscale.h>
}

#include "camvault/base/byte_reader.h"
#include "camvault/base/byte_writer.h"
#include "foreign_reader.h"
#include "sandbox.h"
#include "video_track.h"

namespace camvault::container {

namespace {

// A JPEG of a decoded picture; empty when that fails.
class JpegMaker {
 public:
  explicit JpegMaker(std::uint32_t width) : width_(static_cast<int>(width) & ~1) {}

  Bytes make(const AVFrame& picture) {
    if (picture.width < 2 || picture.height < 2) return {};
    const auto scaled_height = std::int64_t{picture.height} * width_ / picture.width;
    const int height = static_cast<int>(std::clamp<std::int64_t>(scaled_height, 2, 4 * width_)) & ~1;
    if (!prepare(height)) return {};
    scaler_ = sws_getCachedContext(scaler_, picture.width, picture.height,
                                   static_cast<AVPixelFormat>(picture.format), width_, height,
                                   AV_PIX_FMT_YUVJ420P, SWS_AREA, nullptr, nullptr, nullptr);
    if (scaler_ == nullptr) return {};
    sws_scale(scaler_, picture.data, picture.linesize, 0, picture.height, small_->data, small_->linesize);
    if (avcodec_send_frame(encoder_, small_) < 0 || avcodec_receive_packet(encoder_, packet_) < 0) return {};
    Bytes jpeg(packet_->data, packet_->data + packet_->size);
    av_packet_unref(packet_);
    return jpeg;
  }

 private:
  bool prepare(int height) {
    if (encoder_ != nullptr && encoder_->height == height) return true;
    avcodec_free_context(&encoder_);
    av_frame_free(&small_);
    encoder_ = avcodec_alloc_context3(avcodec_find_encoder(AV_CODEC_ID_MJPEG));
    small_ = av_frame_alloc();
    if (packet_ == nullptr) packet_ = av_packet_alloc();
    if (encoder_ == nullptr || small_ == nullptr || packet_ == nullptr) return false;
    constexpr int kQuality = 4;  // of 2 (best) to 31
    encoder_->width = small_->width = width_;
    encoder_->height = small_->height = height;
    encoder_->pix_fmt = AV_PIX_FMT_YUVJ420P;
    encoder_->time_base = {1, 25};
    encoder_->flags |= AV_CODEC_FLAG_QSCALE;
    encoder_->global_quality = kQuality * FF_QP2LAMBDA;
    encoder_->thread_count = 1;
    small_->format = AV_PIX_FMT_YUVJ420P;
    small_->quality = encoder_->global_quality;
    return avcodec_open2(encoder_, encoder_->codec, nullptr) >= 0 && av_frame_get_buffer(small_, 0) >= 0;
  }

  int width_;
  AVCodecContext* encoder_ = nullptr;
  AVFrame* small_ = nullptr;
  AVPacket* packet_ = nullptr;
  SwsContext* scaler_ = nullptr;
};

bool answer(int to_parent, ThumbnailRequest kind, std::uint64_t picture, BytesView payload) {
  ByteWriter header;
  header.u32(static_cast<std::uint32_t>(kind));
  header.u64(picture);
  header.u32(static_cast<std::uint32_t>(payload.size()));
  return child_write(to_parent, header.view()) && child_write(to_parent, payload);
}

}  // namespace

// Nothing is freed here: the process ends with it.
int run_thumbnailer(codec::Codec codec, std::uint32_t width, int from_parent, int to_parent) {
  av_log_set_level(AV_LOG_QUIET);
  const auto* decoder = avcodec_find_decoder(static_cast<AVCodecID>(av_codec_id(codec)));
  auto* context = avcodec_alloc_context3(decoder);
  auto* packet = av_packet_alloc();
  auto* frame = av_frame_alloc();
  if (decoder == nullptr || context == nullptr || packet == nullptr || frame == nullptr) return 2;
  context->thread_count = 1;
  // Damaged pictures are what people want to see.
  context->flags |= AV_CODEC_FLAG_OUTPUT_CORRUPT;
  context->flags2 |= AV_CODEC_FLAG2_SHOW_ALL;
  if (avcodec_open2(context, decoder, nullptr) < 0) return 2;

  JpegMaker maker(width);
  std::set<std::uint64_t> wanted;
  std::vector<std::pair<std::uint64_t, Bytes>> made;
  const auto take_pictures = [&] {
    while (avcodec_receive_frame(context, frame) >= 0) {
      const auto number = static_cast<std::uint64_t>(frame->pts);
      if (wanted.erase(number) != 0) {
        auto jpeg = maker.make(*frame);
        if (!jpeg.empty() && jpeg.size() <= kMaxThumbnailSize) made.emplace_back(number, std::move(jpeg));
      }
      av_frame_unref(frame);
    }
  };
  Bytes data;
  for (;;) {
    std::uint8_t header[kThumbnailHeaderSize];
    if (!child_read(from_parent, header, sizeof header)) return 0;  // the parent has no more
    ByteReader in(header);
    const auto kind = static_cast<ThumbnailRequest>(in.u32().value_or(0));
    const auto number = in.u64().value_or(0);
    const auto size = in.u32().value_or(0);
    if (kind == ThumbnailRequest::flush) {
      avcodec_send_packet(context, nullptr);
      take_pictures();
      avcodec_flush_buffers(context);
      for (const auto& [picture, jpeg] : made) {
        if (!answer(to_parent, ThumbnailRequest::wanted_picture, picture, jpeg)) return 1;
      }
      made.clear();
      wanted.clear();
      if (!answer(to_parent, ThumbnailRequest::flush, 0, {})) return 1;
      continue;
    }
    data.assign(std::size_t{size} + AV_INPUT_BUFFER_PADDING_SIZE, 0);
    if (!child_read(from_parent, data.data(), size)) return 1;
    if (kind == ThumbnailRequest::wanted_picture) wanted.insert(number);
    packet->data = data.data();
    packet->size = static_cast<int>(size);
    packet->pts = packet->dts = static_cast<std::int64_t>(number);
    // The decoder says it is full until its pictures are taken.
    if (avcodec_send_packet(context, packet) == AVERROR(EAGAIN)) {
      take_pictures();
      avcodec_send_packet(context, packet);
    }
    take_pictures();
  }
}

}  // namespace camvault::container
