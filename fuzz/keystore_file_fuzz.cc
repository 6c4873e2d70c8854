// Key files. Laws: what is accepted re-encodes to itself, its metadata too, and it has exactly one file name.
#include "camvault/keystore_engine/key_file.h"
#include "fuzz.h"

namespace {

using namespace camvault;
using namespace camvault::keystore_engine;

#ifdef CAMVAULT_PLANTED_BUG
// Planted: a byte string of one length byte whose last byte is taken to be inside, with <= for <.
unsigned planted_last_bytes(BytesView file) {
  unsigned sum = 0;
  for (std::size_t at = 0; at + 1 < file.size(); ++at) {
    const std::size_t last = at + 1 + file[at + 1];
    if (file[at] == 0x58 && last <= file.size()) sum += file.data()[last];
  }
  return sum;
}
#endif

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input(data, size);
#ifdef CAMVAULT_PLANTED_BUG
  use(planted_last_bytes(input));
#endif
  const auto file = decode_key_file(input);
  if (!file) return 0;
  law(equal(encode_key_file(file->metadata, file->sealed).value(), input),
      "an accepted file re-encodes to itself");
  law(equal(encode_metadata(file->record).value(), file->metadata), "accepted metadata re-encodes to itself");
  const auto& info = file->record.info;
  law(keystore::check_policy(info.type, info.policy).has_value(), "the policy fits the type");
  law(!info.policy.uids.empty(), "somebody may use the key");
  const auto name = key_name_of(file_name_of(info.name));
  law(name && *name == info.name, "a key has one file name");
  return 0;
}
