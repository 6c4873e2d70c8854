// ONVIF Media Signing SEI messages from values (specification 26.06, 5.7 to 5.11), in two steps: the document
// that is to be signed, then the unit with its signature.
#pragma once

#include <optional>
#include <vector>

#include "sei_message.h"

namespace camvault::signed_video {

struct SeiDraft {
  codec::Codec codec = codec::Codec::h264;
  bool certificate_sei = false;
  bool escaped_document = true;
  bool after_last_slice = false;  // H.265 wants a suffix SEI there
  std::optional<General> general;
  BytesView hash_list;                  // empty = leave the list out
  std::optional<crypto::HashAlg> hash;  // Crypto info is written when set
  std::optional<Vendor> vendor;
  std::vector<CertificateChain> chains;
};

// An SEI that lacks only its signature. `document` is to be hashed and signed.
struct SeiWriter {
  // `signature_room` is the largest signature the key can make: the payload size stands before the signature
  // does. 0 makes an unsigned SEI.
  static Result<SeiWriter> create(const SeiDraft& draft, std::size_t signature_room);

  // The unit up to the signature field, and how that one is written.
  struct Parts {
    Bytes plain;  // without emulation prevention
    bool escaped_document = true;
    bool escaped_stream = true;  // the codec has emulation prevention
    Bytes signature_head;        // what stands between the field's tag and length and the signature's size
    std::uint8_t signature_tag = 0;
    std::size_t signature_room = 0;
  };
  static SeiWriter assemble(Parts parts);

  Bytes document;                                   // in the domain that is hashed
  Result<Bytes> finish(BytesView signature) const;  // the unit as it goes into the stream, escaped
  Result<Bytes> finish_unsigned() const;
  // The unit in the domain that is hashed when it is unsigned.
  Bytes whole_unsigned() const;

 private:
  Bytes in_stream(BytesView plain) const;
  Parts parts_;
};

// What the signature field takes with `head` bytes before the signature's size; nothing without room.
std::size_t signature_field_size(std::size_t head, std::size_t room);
// A unit of an H.264 or H.265 stream up to the user data: header, payload type and size.
Bytes sei_head(codec::Codec codec, bool after_last_slice, std::size_t payload_size);

}  // namespace camvault::signed_video
