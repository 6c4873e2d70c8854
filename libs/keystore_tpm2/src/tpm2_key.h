// A key of the TPM in use.
#pragma once

#include <memory>

#include "camvault/keystore_engine/backend.h"
#include "worker.h"

namespace camvault::keystore_tpm2 {

class Tpm2Key final : public keystore_engine::BackendKey {
 public:
  Tpm2Key(std::shared_ptr<Worker> worker, keystore::KeyType type, Blob blob)
      : worker_(std::move(worker)), id_(worker_->new_id()), type_(type), blob_(std::move(blob)) {}

  Status load() const;  // shows whether this TPM opens the blob

  Result<Bytes> sign_digest(crypto::SignatureScheme scheme, crypto::HashAlg hash,
                            const crypto::Digest& digest) const override;
  Result<Bytes> sign_message(crypto::SignatureScheme scheme, crypto::HashAlg hash,
                             BytesView message) const override;
  Result<Bytes> mac(BytesView message) const override;
  Result<Secret> agree(BytesView point) const override;

 private:
  const std::shared_ptr<Worker> worker_;
  const std::uint64_t id_;
  const keystore::KeyType type_;
  const Blob blob_;
};

}  // namespace camvault::keystore_tpm2
