// SEIs of ONVIF Media Signing. First byte: the codec; the rest is a unit. Laws: what was read can be written,
// and reads back as the same; the document that a signature speaks about is the one that the writer hashed.
#include "sei_writer.h"

#include "camvault/codec/emulation.h"
#include "fuzz.h"

namespace {

using namespace camvault;
using namespace camvault::signed_video;

#ifdef CAMVAULT_PLANTED_BUG
// Planted: fields walked by their lengths without looking for the end of the message.
unsigned planted_walk(codec::Codec codec, BytesView unit) {
  const auto plain = codec::unescape(unit);
  std::size_t at = codec == codec::Codec::h264 ? 2 : 3;
  while (at < plain.size() && plain[at] == 0xff) ++at;
  at += 1 + kMediaSigningUuid.size() + 1;
  unsigned sum = 0;
  for (int field = 0; field < 8 && at + 1 < plain.size(); ++field) {
    const auto* begin = plain.data() + at;
    const std::size_t size = static_cast<std::size_t>(begin[1]) << 8 | begin[2];
    for (std::size_t i = 0; i < size; ++i) sum += begin[3 + i];
    at += 3 + size;
  }
  return sum;
}
#endif

void check(codec::Codec codec, BytesView unit) {
  if (!is_media_signing_sei(codec, unit)) return;
#ifdef CAMVAULT_PLANTED_BUG
  use(planted_walk(codec, unit));
#endif
  const auto read = read_sei_message(codec, unit);
  if (!read) return;
  law(read->chains.size() <= 2, "two chains at most");
  law(!read->hash_list || read->list_size() * read->general->gop_hash.size == read->hash_list->size(),
      "whole entries");
  law(read->is_signed() == read->whole.empty(), "unsigned SEIs are hashed themselves");

  SeiDraft draft;
  draft.codec = codec;
  draft.certificate_sei = read->certificate_sei;
  draft.escaped_document = read->escaped_document;
  draft.general = read->general;
  if (read->hash_list) draft.hash_list = *read->hash_list;
  if (read->crypto) draft.hash = read->crypto->hash;
  draft.vendor = read->vendor;
  draft.chains = read->chains;
  const bool sign = read->is_signed() && !read->signature->empty();
  if (sign && read->signature->size() > 4096) return;
  const auto writer = SeiWriter::create(draft, sign ? read->signature->size() : 0);
  law(writer.has_value(), "what was read can be written");
  const auto written = sign ? writer->finish(*read->signature) : writer->finish_unsigned();
  law(written.has_value(), "a unit of it");
  law(is_media_signing_sei(codec, *written), "which is one of ours");
  const auto again = read_sei_message(codec, *written);
  law(again.has_value(), "and can be read");
  law(again->certificate_sei == read->certificate_sei && again->escaped_document == read->escaped_document,
      "same bits");
  law(again->is_signed() == sign && (!sign || *again->signature == *read->signature), "same signature");
  law(again->general.has_value() == read->general.has_value(), "same fields");
  if (read->general) {
    const auto& a = *read->general;
    const auto& b = *again->general;
    law(a.partial == b.partial && a.unit_count == b.unit_count && a.gop_hash == b.gop_hash &&
            a.linked_hash == b.linked_hash,
        "same GOP");
  }
  law((read->hash_list && !read->hash_list->empty()) == again->hash_list.has_value(), "same list");
  law(!again->hash_list || *again->hash_list == *read->hash_list, "same entries");
  law(again->vendor.has_value() == read->vendor.has_value(), "same vendor");
  law(again->chains.size() == read->chains.size(), "same chains");
  for (std::size_t i = 0; i < read->chains.size(); ++i)
    law(again->chains[i].pem == read->chains[i].pem, "same certificates");
  if (sign) {
    law(again->document == writer->document, "the reader's document is the writer's");
  } else {
    law(again->whole == writer->whole_unsigned(), "the reader hashes what the writer hashed");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  check(data[0] % 2 == 0 ? codec::Codec::h264 : codec::Codec::h265, BytesView(data + 1, size - 1));
  return 0;
}
