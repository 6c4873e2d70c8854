// Messages of Axis Signed Video. First byte: the codec; the rest is a unit. Laws: what was read in the
// current form can be written, and reads back as the same; the document that a signature speaks about is the
// one that the writer hashed; keys and attestations are read without harm.
#include "axis/attestation.h"
#include "axis/message.h"
#include "axis/pem.h"
#include "camvault/codec/obu.h"
#include "camvault/crypto_openssl/engine.h"
#include "fuzz.h"

namespace {

using namespace camvault;
using namespace camvault::signed_video;

const crypto::Engine& engine() {
  static const auto instance = crypto_openssl::make_openssl_engine();
  return *instance;
}

#ifdef CAMVAULT_PLANTED_BUG
// Planted: fields of an AV1 message walked by their lengths without looking for the end of the unit.
unsigned planted_walk(BytesView unit) {
  const Bytes copy(unit.begin(), unit.end());
  const auto header = codec::read_obu_header(copy);
  std::size_t at = header->payload_offset + 2 + axis::kUuid.size() + 1;
  unsigned sum = 0;
  for (int field = 0; field < 8 && at + 2 < copy.size(); ++field) {
    const auto* begin = copy.data() + at;
    const bool is_short = begin[0] == 1 || begin[0] == 7;
    const std::size_t size = is_short ? begin[1] : static_cast<std::size_t>(begin[1]) << 8 | begin[2];
    const std::size_t head = is_short ? 2 : 3;
    for (std::size_t i = 0; i < size; ++i) sum += begin[head + i];
    at += head + size;
  }
  return sum;
}
#endif

void check_values(const SeiMessage& message) {
  const auto size = message.general && message.crypto && message.crypto->hash
                        ? crypto::digest_size(*message.crypto->hash)
                        : 0;
  law(!message.hash_list || (size != 0 && message.hash_list->size() % size == 0), "whole entries");
  law(message.is_signed() == message.whole.empty(), "unsigned messages are hashed themselves");
  law(!message.certificate_sei || !message.general, "a golden message speaks about no pictures");
  if (message.format == Format::axis_legacy) {
    law(message.general && message.is_signed() && message.general->unit_count > 0,
        "legacy messages are signed");
    law(message.axis.signs_gop != message.hash_list.has_value(), "a list, or a signature about the GOP");
  }
  if (const auto der = axis::public_key_der(message.axis.public_key)) {
    law(axis::public_key_der(axis::public_key_pem(*der)).value() == *der, "PEM and back");
  }
  if (message.axis.has_attestation) {
    if (const auto attestation = axis::read_attestation(engine(), message.axis))
      (void)axis::serial_of(*attestation);
  }
}

void check_rewriting(codec::Codec codec, const SeiMessage& read) {
  axis::Draft draft;
  draft.common.codec = codec;
  draft.common.certificate_sei = read.certificate_sei;
  draft.common.escaped_document = read.escaped_document;
  draft.common.general = read.general;
  if (read.hash_list) draft.common.hash_list = *read.hash_list;
  if (read.crypto) draft.common.hash = read.crypto->hash;
  draft.common.vendor = read.vendor;
  draft.public_key = read.axis.public_key;
  const bool sign = read.is_signed() && !read.signature->empty();
  if (sign && read.signature->size() > 4096) return;
  const auto writer = axis::write_message(draft, sign ? read.signature->size() : 0);
  law(writer.has_value(), "what was read can be written");
  const auto written = sign ? writer->finish(*read.signature) : writer->finish_unsigned();
  law(written.has_value(), "a unit of it");
  law(axis::is_message(codec, *written), "which is one of ours");
  const auto again = axis::read_message(codec, *written);
  law(again.has_value(), "and can be read");
  law(again->certificate_sei == read.certificate_sei && again->escaped_document == read.escaped_document,
      "same bits");
  law(again->is_signed() == sign && (!sign || *again->signature == *read.signature), "same signature");
  law(again->general.has_value() == read.general.has_value(), "same fields");
  if (read.general) {
    const auto& a = *read.general;
    const auto& b = *again->general;
    law(a.partial == b.partial && a.unit_count == b.unit_count && a.counter == b.counter &&
            a.gop_hash == b.gop_hash && a.linked_hash == b.linked_hash,
        "same GOP");
  }
  law(!read.hash_list || read.hash_list->empty() || *again->hash_list == *read.hash_list, "same entries");
  law(again->vendor.has_value() == read.vendor.has_value(), "same product");
  law(again->axis.public_key == read.axis.public_key, "same key");
  law(sign ? again->document == writer->document : again->whole == writer->whole_unsigned(), "same document");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto codec = data[0] % 3 == 0   ? codec::Codec::h264
                     : data[0] % 3 == 1 ? codec::Codec::h265
                                        : codec::Codec::av1;
  const BytesView unit(data + 1, size - 1);
  if (!axis::is_message(codec, unit)) return 0;
#ifdef CAMVAULT_PLANTED_BUG
  if (codec == codec::Codec::av1) use(planted_walk(unit));
#endif
  const auto read = axis::read_message(codec, unit);
  if (!read) return 0;
  check_values(*read);
  if (read->format == Format::axis) check_rewriting(codec, *read);
  return 0;
}
