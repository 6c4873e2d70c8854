#include "sign_stream.h"

#include <algorithm>
#include <cstring>

#include "camvault/crypto_openssl/engine.h"
#include "camvault/signed_video/signature_sei.h"

// The cast macros of GStreamer are C.
#pragma GCC diagnostic ignored "-Wold-style-cast"

namespace camvault::gst_elements {

using gst_support::BufferPtr;
using gst_support::MappedBuffer;

namespace {

GstMemory* memory_of(BytesView bytes) {
  auto* memory = gst_allocator_alloc(nullptr, bytes.size(), nullptr);
  GstMapInfo map;
  if (gst_memory_map(memory, &map, GST_MAP_WRITE) != 0) {
    std::memcpy(map.data, bytes.data(), bytes.size());
    gst_memory_unmap(memory, &map);
  }
  return memory;
}

constexpr auto kAllButMemory = static_cast<GstBufferCopyFlags>(
    GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_TIMESTAMPS | GST_BUFFER_COPY_META);

}  // namespace

Result<std::unique_ptr<SignStream>> SignStream::open(SignSettings settings) {
  std::unique_ptr<SignStream> stream(new SignStream(std::move(settings)));
  CAM_TRY(auto identity, key_source::open_identity(stream->settings_.key));
  stream->engine_ = crypto_openssl::make_openssl_engine();
  stream->key_ = std::make_shared<CancellableKey>(std::move(identity.key));
  stream->settings_.signer.chain_pem = std::move(identity.chain_pem);
  // What is wrong with key, chain or options is said now, not with the first picture.
  CAM_TRY_STATUS(stream->begin());
  stream->abandon();
  return stream;
}

Status SignStream::begin() {
  if (format_) settings_.signer.codec = format_->codec;
  CAM_TRY(auto signer, signed_video::Signer::create(*engine_, key_, settings_.signer));
  signer_.emplace(std::move(signer));
  add_header_units();
  return ok();
}

void SignStream::set_format(const gst_support::VideoFormat& format) {
  format_ = format;
  add_header_units();
}

// A parser moves parameter sets out of the stream into the caps; a decoder has them all the same.
void SignStream::add_header_units() {
  if (!signer_ || !format_) return;
  for (const auto& set : format_->header_units) signer_->add_header_unit(set);
}

bool SignStream::continues_with(const gst_support::VideoFormat& format) const {
  return !signer_ || !format_ || format_->codec == format.codec;
}

// SEIs of an earlier signature would accuse a stream that was signed anew.
Result<BufferPtr> SignStream::without_signatures(const BufferPtr& buffer) {
  const MappedBuffer mapped(buffer.get());
  BufferPtr out(gst_buffer_new());
  gst_buffer_copy_into(out.get(), buffer.get(), kAllButMemory, 0, static_cast<gsize>(-1));
  for (std::size_t i = 0; i < units_.size(); ++i) {
    if (signed_video::is_signature_sei(format_->codec, units_[i].bytes)) continue;
    const auto end = i + 1 < units_.size() ? units_[i + 1].begin : mapped.size();
    gst_buffer_copy_into(out.get(), buffer.get(), GST_BUFFER_COPY_MEMORY, units_[i].begin,
                         end - units_[i].begin);
  }
  return out;
}

Result<BufferPtr> SignStream::add(BufferPtr buffer, Timestamp time, std::optional<Ticks> shown) {
  if (!format_) return fail(Errc::usage, "no video format yet");
  if (!signer_) CAM_TRY_STATUS(begin());
  const auto is_signature = [&](const auto& unit) {
    return signed_video::is_signature_sei(format_->codec, unit.bytes);
  };
  {
    const MappedBuffer mapped(buffer.get());
    if (!mapped.is_mapped()) return fail(Errc::malformed, "a buffer cannot be read");
    CAM_TRY_STATUS(gst_support::split({mapped.data(), mapped.size()}, *format_, units_));
    if (units_.empty()) return buffer;
    if (std::any_of(units_.begin(), units_.end(), is_signature)) {
      if (!settings_.replace)
        return fail(Errc::exists,
                    "the video is signed already; replace-signatures removes its signatures first");
      CAM_TRY(auto rest, without_signatures(buffer));
      if (gst_buffer_get_size(rest.get()) == 0) return BufferPtr();  // it held nothing but signatures
      return add(std::move(rest), time, shown);
    }
  }
  const MappedBuffer mapped(buffer.get());
  CAM_TRY_STATUS(gst_support::split({mapped.data(), mapped.size()}, *format_, units_));
  views_.clear();
  for (const auto& unit : units_) views_.push_back(unit.bytes);
  CAM_TRY(const auto seis, signer_->add(views_, time, shown));
  if (seis.empty()) return buffer;
  const auto slice = std::find_if(units_.begin(), units_.end(), [&](const auto& unit) {
    return codec::classify(format_->codec, unit.bytes).kind == codec::UnitKind::slice;
  });
  const auto at = slice == units_.end() ? mapped.size() : slice->begin;
  BufferPtr out(gst_buffer_new());
  gst_buffer_copy_into(out.get(), buffer.get(), kAllButMemory, 0, static_cast<gsize>(-1));
  if (at > 0) gst_buffer_copy_into(out.get(), buffer.get(), GST_BUFFER_COPY_MEMORY, 0, at);
  for (const auto& sei : seis) {
    CAM_TRY(const auto bytes, gst_support::framed(sei, *format_));
    gst_buffer_append_memory(out.get(), memory_of(bytes));
  }
  if (at < mapped.size())
    gst_buffer_copy_into(out.get(), buffer.get(), GST_BUFFER_COPY_MEMORY, at, mapped.size() - at);
  return out;
}

void SignStream::count() {
  if (!signer_) return;
  const auto now = signer_->counters();
  before_.units_hashed += now.units_hashed;
  before_.seis_signed += now.seis_signed;
  before_.seis_unsigned += now.seis_unsigned;
  before_.signatures_failed += now.signatures_failed;
  before_.supplements += now.supplements;
}

Result<BufferPtr> SignStream::finish() {
  if (!signer_ || !format_) return BufferPtr();
  auto seis = signer_->finish(settings_.patience);
  Result<BufferPtr> out{BufferPtr()};
  if (!seis) {
    out = tl::unexpected(std::move(seis).error());
  } else if (!seis->empty()) {
    out->reset(gst_buffer_new());
    for (const auto& sei : *seis) {
      const auto bytes = gst_support::framed(sei, *format_);
      if (bytes) gst_buffer_append_memory(out->get(), memory_of(*bytes));
    }
  }
  count();
  signer_.reset();
  return out;
}

void SignStream::abandon() {
  count();
  signer_.reset();
}

void SignStream::request_certificate() {
  if (signer_) signer_->request_certificate_sei();
}

signed_video::Signer::Counters SignStream::counters() const {
  auto all = before_;
  if (!signer_) return all;
  const auto now = signer_->counters();
  all.units_hashed += now.units_hashed;
  all.seis_signed += now.seis_signed;
  all.seis_unsigned += now.seis_unsigned;
  all.signatures_failed += now.signatures_failed;
  all.supplements += now.supplements;
  return all;
}

}  // namespace camvault::gst_elements
