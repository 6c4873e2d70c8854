#include "module.h"

#include <algorithm>
#include <utility>

#include "camvault/crypto/der_values.h"

namespace camvault::pkcs11_module {

using crypto::HashAlg;
using keystore::KeyUse;

CK_RV code_of(const Error& error) {
  switch (error.code) {
    case Errc::denied:
      return CKR_KEY_FUNCTION_NOT_PERMITTED;  // by this uid, for this purpose, with this algorithm
    case Errc::not_found:
      return CKR_KEY_HANDLE_INVALID;
    case Errc::limit:
      return CKR_DATA_LEN_RANGE;
    case Errc::unsupported:
      return CKR_MECHANISM_INVALID;
    case Errc::unavailable:
      return CKR_DEVICE_ERROR;  // not "removed": the same session works again when keystored is back
    default:
      return CKR_GENERAL_ERROR;
  }
}

Result<std::shared_ptr<keystore::Keystore>> Module::keystore() {
  {
    const std::lock_guard lock(mutex_);
    if (keystore_ != nullptr) return keystore_;
  }
  CAM_TRY(auto connected, connect_());
  const std::lock_guard lock(mutex_);
  if (keystore_ == nullptr) keystore_ = std::move(connected);
  return keystore_;
}

bool Module::is_token_there() {
  const auto store = keystore();
  return store && (*store)->status();
}

CK_RV Module::open_session(CK_FLAGS flags, CK_SESSION_HANDLE* handle) {
  const std::lock_guard lock(mutex_);
  if (sessions_.size() >= kMaxSessions) return CKR_SESSION_COUNT;
  *handle = next_session_++;
  sessions_[*handle].flags = flags;
  return CKR_OK;
}

CK_RV Module::close_session(CK_SESSION_HANDLE handle) {
  const std::lock_guard lock(mutex_);
  return sessions_.erase(handle) == 1 ? CKR_OK : CKR_SESSION_HANDLE_INVALID;
}

void Module::close_all_sessions() {
  const std::lock_guard lock(mutex_);
  sessions_.clear();
}

CK_RV Module::has_session(CK_SESSION_HANDLE handle) {
  const std::lock_guard lock(mutex_);
  return sessions_.contains(handle) ? CKR_OK : CKR_SESSION_HANDLE_INVALID;
}

CK_RV Module::session_info(CK_SESSION_HANDLE handle, CK_SESSION_INFO& info) {
  const std::lock_guard lock(mutex_);
  const auto session = sessions_.find(handle);
  if (session == sessions_.end()) return CKR_SESSION_HANDLE_INVALID;
  info = {kSlot, CKS_RO_PUBLIC_SESSION, session->second.flags, 0};
  return CKR_OK;
}

CK_RV Module::refresh_objects() {
  const auto store = keystore();
  if (!store) return code_of(store.error());
  const std::lock_guard lock(objects_mutex_);
  const auto read = objects_.refresh(**store);
  // Every program that goes by p11-kit meets this token. Whoever has no keys here sees an empty one, and no
  // error.
  return read || read.error().code == Errc::denied ? CKR_OK : code_of(read.error());
}

CK_RV Module::start_search(CK_SESSION_HANDLE handle, const std::vector<Asked>& wanted) {
  {
    const std::lock_guard lock(mutex_);
    const auto session = sessions_.find(handle);
    if (session == sessions_.end()) return CKR_SESSION_HANDLE_INVALID;
    if (session->second.search) return CKR_OPERATION_ACTIVE;
  }
  if (const auto rv = refresh_objects(); rv != CKR_OK) return rv;
  std::vector<CK_OBJECT_HANDLE> found;
  {
    const std::lock_guard lock(objects_mutex_);
    for (const auto& [number, object] : objects_.all()) {
      if (matches(*object, wanted)) found.push_back(number);
    }
  }
  std::reverse(found.begin(), found.end());
  const std::lock_guard lock(mutex_);
  const auto session = sessions_.find(handle);  // it may have been closed meanwhile
  if (session == sessions_.end()) return CKR_SESSION_HANDLE_INVALID;
  session->second.search = std::move(found);
  return CKR_OK;
}

CK_RV Module::search(CK_SESSION_HANDLE handle, CK_ULONG room, std::vector<CK_OBJECT_HANDLE>& found) {
  const std::lock_guard lock(mutex_);
  const auto session = sessions_.find(handle);
  if (session == sessions_.end()) return CKR_SESSION_HANDLE_INVALID;
  if (!session->second.search) return CKR_OPERATION_NOT_INITIALIZED;
  auto& waiting = *session->second.search;
  while (found.size() < room && !waiting.empty()) {
    found.push_back(waiting.back());
    waiting.pop_back();
  }
  return CKR_OK;
}

CK_RV Module::end_search(CK_SESSION_HANDLE handle) {
  const std::lock_guard lock(mutex_);
  const auto session = sessions_.find(handle);
  if (session == sessions_.end()) return CKR_SESSION_HANDLE_INVALID;
  if (!session->second.search) return CKR_OPERATION_NOT_INITIALIZED;
  session->second.search.reset();
  return CKR_OK;
}

CK_RV Module::object(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE number,
                     std::shared_ptr<const Object>& found) {
  if (const auto rv = has_session(handle); rv != CKR_OK) return rv;
  const std::lock_guard lock(objects_mutex_);
  found = objects_.find(number);
  return found == nullptr ? CKR_OBJECT_HANDLE_INVALID : CKR_OK;
}

CK_RV Module::start_signature(CK_SESSION_HANDLE handle, const CK_MECHANISM& mechanism,
                              CK_OBJECT_HANDLE number) {
  std::shared_ptr<const Object> key;
  if (const auto rv = object(handle, number, key); rv != CKR_OK)
    return rv == CKR_OBJECT_HANDLE_INVALID ? CKR_KEY_HANDLE_INVALID : rv;
  const std::lock_guard lock(mutex_);
  const auto session = sessions_.find(handle);
  if (session == sessions_.end()) return CKR_SESSION_HANDLE_INVALID;
  if (session->second.signing) return CKR_OPERATION_ACTIVE;
  if (!key->key) return CKR_KEY_HANDLE_INVALID;
  if (key->object_class != CKO_PRIVATE_KEY) return CKR_KEY_TYPE_INCONSISTENT;
  if (!keystore::serves_programs(key->key->policy.purpose)) return CKR_KEY_FUNCTION_NOT_PERMITTED;
  const auto plan = plan_of(mechanism, key->key->type);
  if (const auto* rv = std::get_if<CK_RV>(&plan)) return *rv;
  session->second.signing.emplace(Signing{*key->key, std::get<SignPlan>(plan), {}, false});
  return CKR_OK;
}

CK_RV Module::add_to_message(CK_SESSION_HANDLE handle, BytesView part) {
  const std::lock_guard lock(mutex_);
  const auto session = sessions_.find(handle);
  if (session == sessions_.end()) return CKR_SESSION_HANDLE_INVALID;
  auto& signing = session->second.signing;
  if (!signing) return CKR_OPERATION_NOT_INITIALIZED;
  // Collected, since keystored is who hashes: no further than it takes.
  if (part.size() > keystore::kMaxMessage - signing->message.size()) {
    signing.reset();
    return CKR_DATA_LEN_RANGE;
  }
  append(signing->message, part);
  signing->in_parts = true;
  return CKR_OK;
}

CK_RV Module::finish_signature(CK_SESSION_HANDLE handle, const BytesView* data, std::uint8_t* signature,
                               CK_ULONG& size) {
  std::optional<Signing> signing;
  {
    const std::lock_guard lock(mutex_);
    const auto session = sessions_.find(handle);
    if (session == sessions_.end()) return CKR_SESSION_HANDLE_INVALID;
    auto& active = session->second.signing;
    if (!active) return CKR_OPERATION_NOT_INITIALIZED;
    if (data != nullptr && active->in_parts) {  // C_Sign behind C_SignUpdate
      active.reset();
      return CKR_OPERATION_ACTIVE;
    }
    const auto needed = signature_size(active->key.type);
    const auto room = size;
    size = needed;
    if (signature == nullptr) return CKR_OK;
    if (room < needed) return CKR_BUFFER_TOO_SMALL;
    signing = std::exchange(active, std::nullopt);
  }
  const auto store = keystore();
  if (!store) return code_of(store.error());
  Bytes made;
  const auto rv = sign(**store, *signing, data != nullptr ? *data : BytesView(signing->message), made);
  if (rv != CKR_OK) return rv;
  if (made.size() != size) return CKR_DEVICE_ERROR;
  std::copy(made.begin(), made.end(), signature);
  return CKR_OK;
}

CK_RV Module::sign(keystore::Keystore& keystore, const Signing& signing, BytesView data, Bytes& signature) {
  const auto& plan = signing.plan;
  const KeyUse use{signing.key.name, signing.key.policy.purpose};
  const auto made = [&]() -> Result<Bytes> {
    if (plan.input == Input::message) {
      if (data.size() > keystore::kMaxMessage) return fail(Errc::limit, "too long");
      return keystore.sign_message(use, plan.scheme, data, plan.hash);
    }
    crypto::HashedData hashed{plan.hash, {}};
    if (plan.input == Input::digest_info) {
      CAM_TRY(hashed, crypto::read_digest_info(data));
    } else {
      // A digest for ECDSA does not say which hash it is of. FIPS 186-5 6.4: longer ones are cut to the
      // curve's size, which some callers do before, so that the size names the hash well enough for the
      // policy.
      if (plan.scheme == crypto::SignatureScheme::ecdsa) {
        hashed.hash = data.size() == 64   ? HashAlg::sha512
                      : data.size() == 48 ? HashAlg::sha384
                                          : HashAlg::sha256;
      }
      if (data.size() != crypto::digest_size(hashed.hash))
        return fail(Errc::limit, "no digest of SHA-256, SHA-384 or SHA-512");
      hashed.digest.size = static_cast<std::uint8_t>(data.size());
      std::copy(data.begin(), data.end(), hashed.digest.bytes.begin());
    }
    return keystore.sign_digest(use, plan.scheme, hashed.digest, hashed.hash);
  }();
  if (!made) {
    const bool no_digest_info = plan.input == Input::digest_info && made.error().code == Errc::unsupported;
    return no_digest_info ? CKR_DATA_INVALID : code_of(made.error());
  }
  if (plan.scheme != crypto::SignatureScheme::ecdsa) {
    signature = *made;
    return CKR_OK;
  }
  const auto raw = crypto::raw_signature(*keystore::key_alg_of(signing.key.type), *made);
  if (!raw) return CKR_DEVICE_ERROR;
  signature = *raw;
  return CKR_OK;
}

CK_RV Module::random(CK_SESSION_HANDLE handle, std::uint8_t* out, CK_ULONG size) {
  if (const auto rv = has_session(handle); rv != CKR_OK) return rv;
  const auto store = keystore();
  if (!store) return code_of(store.error());
  while (size > 0) {
    const auto bytes = (*store)->random(std::min<std::size_t>(size, keystore::kMaxRandom));
    if (!bytes) return code_of(bytes.error());
    if (bytes->empty() || bytes->size() > size) return CKR_DEVICE_ERROR;
    out = std::copy(bytes->begin(), bytes->end(), out);
    size -= bytes->size();
  }
  return CKR_OK;
}

}  // namespace camvault::pkcs11_module
