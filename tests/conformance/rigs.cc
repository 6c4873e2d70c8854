#include "camvault/keystore_se05x/se05x_backend.h"
#include "camvault/keystore_software/software_backend.h"
#include "camvault/test_support/soft_element.h"
#include "camvault/test_support/soft_token.h"
#include "camvault/test_support/soft_tpm.h"
#include "rig.h"
#ifdef CAMVAULT_HAVE_PKCS11
#include "camvault/keystore_pkcs11/pkcs11_backend.h"
#endif
#ifdef CAMVAULT_HAVE_TPM2
#include "camvault/keystore_tpm2/tpm2_backend.h"
#endif

namespace camvault::conformance {

using keystore_engine::Backend;

namespace {
class SoftwareRig final : public Rig {
 public:
  std::shared_ptr<Backend> open(const std::string& name) override {
    return keystore_software::make_software_backend(name);
  }
};

#ifdef CAMVAULT_SE05X_SIM
// Over the bus that is encrypted, as a camera has it.
class Se05xRig final : public Rig {
 public:
  explicit Se05xRig(const std::filesystem::path& folder) : element_(CAMVAULT_SE05X_SIM, folder) {}
  std::shared_ptr<Backend> open(const std::string& name) override {
    return keystore_se05x::make_se05x_backend({.name = name,
                                               .bus = element_.bus(),
                                               .scp03_keys = element_.key_file(),
                                               .journal = element_.journal()})
        .value();
  }
  bool can_vanish() const override { return true; }
  void vanish() override { element_.stop(); }
  void come_back() override { element_.start(); }

 private:
  test_support::SoftElement element_;
};
#endif

#ifdef CAMVAULT_HAVE_PKCS11
class Pkcs11Rig final : public Rig {
 public:
  explicit Pkcs11Rig(const std::filesystem::path& folder) : token_(folder) {}
  std::shared_ptr<Backend> open(const std::string& name) override {
    return keystore_pkcs11::make_pkcs11_backend({.name = name,
                                                 .module = test_support::SoftToken::kModule,
                                                 .uri = token_.uri(),
                                                 .pin_file = token_.pin_file(),
                                                 .environment = {token_.configuration()}})
        .value();
  }

 private:
  test_support::SoftToken token_;
};

class RemotePkcs11Rig final : public Rig {
 public:
  explicit RemotePkcs11Rig(const std::filesystem::path& folder) : token_(folder), remote_(token_) {}
  std::shared_ptr<Backend> open(const std::string& name) override {
    return keystore_pkcs11::make_pkcs11_backend({.name = name,
                                                 .module = test_support::RemoteToken::kModule,
                                                 .uri = token_.uri(),
                                                 .pin_file = token_.pin_file(),
                                                 .environment = {remote_.environment()},
                                                 .unix_sockets = true})
        .value();
  }
  bool can_vanish() const override { return true; }
  void vanish() override { remote_.vanish(); }
  void come_back() override { remote_.come_back(); }

 private:
  test_support::SoftToken token_;
  test_support::RemoteToken remote_;
};
#endif

#ifdef CAMVAULT_HAVE_TPM2
class Tpm2Rig final : public Rig {
 public:
  explicit Tpm2Rig(const std::filesystem::path& folder) : tpm_(folder) {}
  std::shared_ptr<Backend> open(const std::string& name) override {
    return keystore_tpm2::make_tpm2_backend({.name = name, .tcti = tpm_.tcti()}).value();
  }
  bool can_vanish() const override { return true; }
  void vanish() override { tpm_.stop(); }
  void come_back() override { tpm_.start(); }

 private:
  test_support::SoftTpm tpm_;
};
#endif

template <class R>
std::unique_ptr<Rig> make(const std::filesystem::path& folder) {
  return std::make_unique<R>(folder);
}
}  // namespace

const std::vector<RigKind>& rig_kinds() {
  static const std::vector<RigKind> kinds = {
      {.name = "software",
       .needs = "nothing",
       .is_installed = [] { return true; },
       .make = [](const std::filesystem::path&) -> std::unique_ptr<Rig> {
         return std::make_unique<SoftwareRig>();
       }},
#ifdef CAMVAULT_HAVE_PKCS11
      {.name = "pkcs11",
       .needs = "softhsm2",
       .is_installed = test_support::SoftToken::is_installed,
       .make = make<Pkcs11Rig>},
      {.name = "pkcs11_remote",
       .needs = "softhsm2, p11-kit and p11-kit-modules",
       .is_installed = test_support::RemoteToken::is_installed,
       .make = make<RemotePkcs11Rig>},
#endif
#ifdef CAMVAULT_HAVE_TPM2
      {.name = "tpm2",
       .needs = "swtpm",
       .is_installed = test_support::SoftTpm::is_installed,
       .make = make<Tpm2Rig>},
#endif
#ifdef CAMVAULT_SE05X_SIM
      {.name = "se05x",
       .needs = "camvault-se05x-sim",
       .is_installed = [] { return true; },
       .make = make<Se05xRig>},
#endif
  };
  return kinds;
}

}  // namespace camvault::conformance
