// DER (X.690) out of parts: each function returns one complete element.
#pragma once

#include <initializer_list>
#include <string_view>

#include "camvault/base/bytes.h"
#include "camvault/base/time.h"

namespace camvault::crypto_openssl::der {

Bytes element(std::uint8_t tag, BytesView content);
Bytes concat(std::initializer_list<BytesView> parts);
Bytes sequence(std::initializer_list<BytesView> parts);
Bytes set(BytesView only_member);
Bytes explicit_tag(unsigned number, BytesView inner);  // constructed, context specific
Bytes integer(BytesView big_endian_unsigned);
Bytes integer(std::uint64_t value);
Bytes boolean_true();
Bytes null();
Bytes octet_string(BytesView content);
Bytes bit_string(BytesView whole_bytes);
Bytes named_bits(std::uint16_t bits);  // bit 0 first, trailing zeros left out (X.690 11.2.2)
Bytes utf8_string(std::string_view text);
Bytes printable_string(std::string_view text);
Result<Bytes> object_identifier(std::string_view dotted);
// RFC 5280 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050 on. Years 1950 to 9999.
Result<Bytes> time(Timestamp value);
Result<Bytes> generalized_time(
    Timestamp value);  // always GeneralizedTime, in whole seconds (RFC 6960 4.2.2.1)

}  // namespace camvault::crypto_openssl::der
