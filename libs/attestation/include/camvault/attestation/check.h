// Is this evidence good, and is it about this key?
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "camvault/attestation/keystored_statement.h"
#include "camvault/attestation/module_evidence.h"
#include "camvault/crypto/engine.h"

namespace camvault::attestation {

enum class Standing : std::uint8_t {
  vouched,      // the evidence is good, and who attests is known to be of this device
  own_word,     // good in itself; nobody says that the attester is what it says
  invalid,      // of another key, changed, not of the nonce asked for
  unsupported,  // evidence of a type that this version cannot check
};
std::string_view to_string(Standing standing);

// Why evidence is not believed, by name. Part of the interface of `camvault attest verify`.
enum class Refusal : std::uint8_t {
  none,
  malformed,            // cannot be read, or says what no module says
  bad_signature,        // changed, or signed by another key than it names
  another_key,          // good evidence about some other key
  replayed_nonce,       // made for another question
  another_attester,     // by another device's attestation key
  attests_itself,       // the key speaks about itself
  imported_as_made,     // the module says that the key was put in; somebody claims that it was made inside
  can_leave,            // the module would give the key away
  ak_without_ek_chain,  // no certificate says that a TPM with an endorsement key has this attestation key
  attester_unknown,     // the same for other kinds
  unsupported,          // a kind that this version does not know
};
std::string_view to_string(Refusal refusal);  // "another-key", "replayed-nonce", ...

struct Check {
  std::string_view type;  // kKeystored, ...
  BytesView evidence;
  BytesView spki = {};                          // of the key that it should be about
  std::optional<Bytes> nonce = {};              // that it must answer
  std::optional<crypto::Digest> attester = {};  // SHA-256 of the attester's SubjectPublicKeyInfo, from
                                                // somebody trusted
  // Who may vouch for a module's attestation key, by a certificate with kAttesterUsage; may be null.
  const std::vector<crypto::Certificate>* anchors = nullptr;
  Timestamp at = {};  // for that certificate
};

struct Finding {
  Standing standing = Standing::invalid;
  Refusal refusal = Refusal::malformed;  // of own_word: what is missing
  std::string reason;                    // one sentence for people
  // What follows is to be believed as far as the standing goes.
  std::optional<KeystoredStatement> statement;  // of kKeystored, when it could be read
  std::optional<KeyOrigin> origin;
  std::string backend;         // "tpm2", "software", ...
  bool simulator = false;      // as keystored, or the name of the attester's certificate, says
  bool hardware_word = false;  // the module's own signature, not a program's
};

Finding check(const crypto::Engine& engine, const Check& check);

}  // namespace camvault::attestation
