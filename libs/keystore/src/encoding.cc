#include "camvault/keystore/encoding.h"

#include <algorithm>

#include "camvault/keystore/registry.h"

namespace camvault::keystore {

using codec::CborReader;
using codec::CborWriter;

namespace {
template <class E>
Result<E> read_number(CborReader& in) {
  CAM_TRY(const auto number, in.unsigned_integer());
  const auto value = from_number<E>(number);
  if (!value) return fail(Errc::malformed, "a number outside the registry");
  return *value;
}

template <class E>
void write_set(CborWriter& out, EnumSet<E> set, std::initializer_list<E> ascending) {
  out.begin_array();
  for (const auto member : ascending) {
    if (set.contains(member)) out.unsigned_integer(number_of(member));
  }
  out.end();
}

template <class E>
Result<EnumSet<E>> read_set(CborReader& in) {
  CAM_TRY(auto array, in.array());
  EnumSet<E> set;
  std::uint64_t previous = 0;
  while (!array.at_end()) {
    CAM_TRY(const auto value, read_number<E>(array));
    if (number_of(value) <= previous) return fail(Errc::malformed, "a set that is not ascending");
    previous = number_of(value);
    set.insert(value);
  }
  return set;
}

Result<std::vector<std::uint32_t>> read_uids(CborReader& in) {
  CAM_TRY(auto array, in.array());
  std::vector<std::uint32_t> uids;
  while (!array.at_end()) {
    CAM_TRY(const auto uid, array.unsigned_integer());
    // 2^32 - 1 stands for "no user" in the kernel's interfaces.
    if (uid >= 0xffffffffu || uids.size() == kMaxPolicyUids)
      return fail(Errc::malformed, "uids out of range");
    if (!uids.empty() && uid <= uids.back()) return fail(Errc::malformed, "uids that are not ascending");
    uids.push_back(static_cast<std::uint32_t>(uid));
  }
  return uids;
}
}  // namespace

Result<KeyType> read_key_type(CborReader& in) {
  return read_number<KeyType>(in);
}
Result<Purpose> read_purpose(CborReader& in) {
  return read_number<Purpose>(in);
}
Result<crypto::SignatureScheme> read_scheme(CborReader& in) {
  return read_number<crypto::SignatureScheme>(in);
}
Result<crypto::HashAlg> read_hash(CborReader& in) {
  return read_number<crypto::HashAlg>(in);
}

Result<KeyName> read_key_name(CborReader& in) {
  CAM_TRY(const auto text, in.text());
  auto name = KeyName::parse(text);
  if (!name) return fail(Errc::malformed, name.error().what);
  return name;
}

void write_policy(CborWriter& out, const KeyPolicy& policy) {
  using crypto::HashAlg;
  using crypto::SignatureScheme;
  out.begin_map();
  out.unsigned_integer(policy_tag::kPurpose, number_of(policy.purpose));
  out.key(policy_tag::kSchemes);
  write_set(out, policy.schemes,
            {SignatureScheme::ecdsa, SignatureScheme::rsa_pss, SignatureScheme::rsa_pkcs1v15,
             SignatureScheme::ed25519});
  out.key(policy_tag::kHashes);
  write_set(out, policy.hashes, {HashAlg::sha256, HashAlg::sha384, HashAlg::sha512});
  out.key(policy_tag::kUids);
  out.begin_array();
  for (const auto uid : policy.uids) out.unsigned_integer(uid);
  out.end();
  if (policy.backup) {
    out.boolean(policy_tag::kBackup, true);
  }
  out.end();
}

Result<KeyPolicy> read_policy(CborReader& in) {
  CAM_TRY(auto map, in.map());
  KeyPolicy policy;
  CAM_TRY_STATUS(map.key(policy_tag::kPurpose));
  CAM_TRY(policy.purpose, read_purpose(map));
  CAM_TRY_STATUS(map.key(policy_tag::kSchemes));
  CAM_TRY(policy.schemes, read_set<crypto::SignatureScheme>(map));
  CAM_TRY_STATUS(map.key(policy_tag::kHashes));
  CAM_TRY(policy.hashes, read_set<crypto::HashAlg>(map));
  CAM_TRY_STATUS(map.key(policy_tag::kUids));
  CAM_TRY(policy.uids, read_uids(map));
  if (map.at_key(policy_tag::kBackup)) {
    CAM_TRY(policy.backup, map.boolean());
    if (!policy.backup) return fail(Errc::malformed, "a flag that is written when it is set only");
  }
  CAM_TRY_STATUS(map.finish());
  return policy;
}

void write_key_info(CborWriter& out, const KeyInfo& info) {
  out.begin_map();
  out.text(key_info_tag::kName, info.name.text());
  out.unsigned_integer(key_info_tag::kType, number_of(info.type));
  out.key(key_info_tag::kPolicy);
  write_policy(out, info.policy);
  out.unsigned_integer(key_info_tag::kOrigin, number_of(info.origin));
  out.unsigned_integer(key_info_tag::kCreated,
                       static_cast<std::uint64_t>(std::max<std::int64_t>(0, to_unix_seconds(info.created))));
  out.text(key_info_tag::kBackend, info.backend);
  out.end();
}

Result<KeyInfo> read_key_info(CborReader& in) {
  CAM_TRY(auto map, in.map());
  CAM_TRY_STATUS(map.key(key_info_tag::kName));
  CAM_TRY(auto name, read_key_name(map));
  CAM_TRY_STATUS(map.key(key_info_tag::kType));
  CAM_TRY(const auto type, read_key_type(map));
  CAM_TRY_STATUS(map.key(key_info_tag::kPolicy));
  CAM_TRY(auto policy, read_policy(map));
  CAM_TRY_STATUS(map.key(key_info_tag::kOrigin));
  CAM_TRY(const auto origin, read_number<Origin>(map));
  CAM_TRY(const auto created, map.unsigned_integer(key_info_tag::kCreated));
  CAM_TRY(const auto backend, map.text(key_info_tag::kBackend));
  CAM_TRY_STATUS(map.finish());
  // The last second of the year 9999.
  if (created > 253'402'300'799u) return fail(Errc::malformed, "a creation time after the year 9999");
  if (!is_backend_name(backend)) return fail(Errc::malformed, "a backend's name out of range");
  if (!check_policy(type, policy)) return fail(Errc::malformed, "a policy that does not fit the key's type");
  return KeyInfo{.name = std::move(name),
                 .type = type,
                 .policy = std::move(policy),
                 .origin = origin,
                 .created = from_unix_seconds(static_cast<std::int64_t>(created)),
                 .backend = std::string(backend)};
}

std::string_view backend_of_sealed(BytesView sealed) {
  if (sealed.empty() || sealed.size() < 1u + sealed[0]) return {};
  const auto name = as_text(sealed.subspan(1, sealed[0]));
  return is_backend_name(name) ? name : std::string_view();
}

}  // namespace camvault::keystore
