// What can be found out about signature SEIs before their turn comes, on several threads: fields, digests,
// and whether the signature is of the key that was known when the run came. Pure functions of the bytes and
// that key; what the verifier makes of them is decided when it is their turn.
#pragma once

#include <memory>
#include <optional>

#include "camvault/codec/unit.h"
#include "camvault/crypto/engine.h"
#include "sei_message.h"
#include "supplement_message.h"
#include "trust.h"

namespace camvault::signed_video {

struct SeiAhead {
  crypto::Digest whole;  // SHA-256 of the unit, without zeros behind it; empty: nobody looked ahead
  std::optional<Result<SeiMessage>> read;
  std::optional<Result<Supplement>> supplement;  // one of both
  std::optional<SignatureCheck> check;           // with a key at hand
};

// What the clip is likely to be verified with.
struct KeysAhead {
  std::shared_ptr<const crypto::PublicKey> of_gops;
  std::shared_ptr<const crypto::PublicKey> of_certificate_seis;
};
// The keys that are known now; before the first chain those of the SEI's own. A wrong guess costs time,
// nothing else.
KeysAhead guess_keys(codec::Codec codec, const crypto::Engine& engine, const Trust& trust,
                     BytesView first_sei);

// `hash`: the stream's, if the SEI names none.
void look_ahead(codec::Codec codec, const crypto::Engine& engine, const KeysAhead& keys, crypto::HashAlg hash,
                BytesView unit, SeiAhead& out);
void look_ahead_at_supplement(codec::Codec codec, const crypto::Engine& engine, const KeysAhead& keys,
                              BytesView unit, SeiAhead& out);

// A supplement is signed with the key of the GOPs.
SignatureCheck check_supplement(std::shared_ptr<const crypto::PublicKey> key, const crypto::Engine& engine,
                                const Supplement& supplement);

}  // namespace camvault::signed_video
