#include "sign_properties.h"

#include <array>

// The cast macros of GLib and GStreamer are C.
#pragma GCC diagnostic ignored "-Wold-style-cast"

namespace camvault::gst_elements {

namespace {

enum Id : guint {
  kRoot = 1,
  kKeystore,
  kKey,
  kChain,
  kKeyFile,
  kHash,
  kLowBitrate,
  kSigningInterval,
  kMaxPartialUnits,
  kCertificates,
  kEmulationPrevention,
  kRepeatSeis,
  kVendorManufacturer,
  kVendorFirmware,
  kVendorSerial,
  kStartTime,
  kReplaceSignatures,
  kWaitForKey,
  kPatience,
  kHoldLastPicture,
  kSupplement,
};

constexpr auto kInReady =
    static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);

GType hash_type() {
  static const std::array<GEnumValue, 4> values{{
      {static_cast<gint>(crypto::HashAlg::sha256), "SHA-256", "sha256"},
      {static_cast<gint>(crypto::HashAlg::sha384), "SHA-384", "sha384"},
      {static_cast<gint>(crypto::HashAlg::sha512), "SHA-512", "sha512"},
      {0, nullptr, nullptr},
  }};
  static const GType type = g_enum_register_static("CamvaultSignHash", values.data());
  return type;
}

enum class Certificates : gint { every_signature, start, signatures_only };

GType certificates_type() {
  static const std::array<GEnumValue, 4> values{{
      {static_cast<gint>(Certificates::every_signature),
       "at the start and with every signature: any piece of the video verifies by itself", "every-signature"},
      {static_cast<gint>(Certificates::start),
       "at the start and when asked for: about 1.5 KB less a signature", "start"},
      {static_cast<gint>(Certificates::signatures_only),
       "with every signature, no message of its own at the start", "signatures-only"},
      {0, nullptr, nullptr},
  }};
  static const GType type = g_enum_register_static("CamvaultSignCertificates", values.data());
  return type;
}

std::string text_of(const GValue* value) {
  const char* text = g_value_get_string(value);
  return text == nullptr ? "" : text;
}

}  // namespace

void install_sign_properties(GObjectClass* object_class) {
  const auto text = [&](guint id, const char* name, const char* nick, const char* blurb,
                        const char* standard) {
    g_object_class_install_property(object_class, id,
                                    g_param_spec_string(name, nick, blurb, standard, kInReady));
  };
  const auto flag = [&](guint id, const char* name, const char* nick, const char* blurb, bool standard) {
    g_object_class_install_property(object_class, id,
                                    g_param_spec_boolean(name, nick, blurb, standard ? 1 : 0, kInReady));
  };
  const auto number = [&](guint id, const char* name, const char* nick, const char* blurb, guint low,
                          guint high, guint standard) {
    g_object_class_install_property(object_class, id,
                                    g_param_spec_uint(name, nick, blurb, low, high, standard, kInReady));
  };
  text(kRoot, "root", "State folder",
       "Folder that holds this camera's state: the keystore's socket and the certificates are looked for "
       "there",
       "/");
  text(kKeystore, "keystore", "Keystore socket",
       "Socket of keystored (not set: run/camvault/keystored.sock below root)", nullptr);
  text(kKey, "key", "Key name", "Name of the signing key in the keystore, as application/name",
       "camera/media-signing");
  text(kChain, "chain", "Certificate chain",
       "PEM file with the certificate of the key and its intermediates, leaf first (not set: the one that "
       "the factory left below root)",
       nullptr);
  text(kKeyFile, "key-file", "Key file",
       "For tests and offline work only: a private key in a PEM file instead of the keystore", nullptr);
  g_object_class_install_property(
      object_class, kHash,
      g_param_spec_enum("hash", "Hash", "Hash algorithm of pictures and signatures", hash_type(),
                        static_cast<gint>(crypto::HashAlg::sha256), kInReady));
  flag(kLowBitrate, "low-bitrate", "Low bitrate",
       "Leave the list of hashes out: a group of pictures is then authentic or not as a whole, and one lost "
       "packet makes it unverifiable",
       false);
  number(kSigningInterval, "signing-interval", "Signing interval",
         "Sign every n-th group of pictures; it covers the others", 1, 1000, 1);
  number(
      kMaxPartialUnits, "max-partial-units", "Largest part",
      "Sign a longer group of pictures in parts of at most this many units (0: what all verifiers can take)",
      0, 65'534, 0);
  g_object_class_install_property(
      object_class, kCertificates,
      g_param_spec_enum("certificates", "Certificates", "Where the certificates stand in the stream",
                        certificates_type(), static_cast<gint>(Certificates::every_signature), kInReady));
  flag(kEmulationPrevention, "emulation-prevention", "Emulation prevention",
       "Hash the signature messages as they are written into the stream", true);
  flag(kRepeatSeis, "repeat-signatures", "Repeat signatures",
       "Send every signature twice, for transport that loses packets", false);
  text(kVendorManufacturer, "vendor-manufacturer", "Manufacturer",
       "Maker's name in the signed vendor information (at most 255 bytes)", nullptr);
  text(kVendorFirmware, "vendor-firmware", "Firmware",
       "Firmware version in the signed vendor information (at most 255 bytes)", nullptr);
  text(kVendorSerial, "vendor-serial", "Serial number",
       "Serial number in the signed vendor information (at most 255 bytes)", nullptr);
  text(kStartTime, "start-time", "Start time",
       "Capture time of the first picture in UTC, as 2026-11-21T10:00:00Z (not set: reference timestamp "
       "metas if the buffers have them, else the system's clock)",
       nullptr);
  flag(kReplaceSignatures, "replace-signatures", "Replace signatures",
       "Take signatures out that are in the video already; otherwise signed video is an error", false);
  flag(kWaitForKey, "wait-for-key", "Wait for the key",
       "Hold pictures up until their signature is there. For files that pass faster than a keystore signs; a "
       "live stream never waits",
       false);
  number(kPatience, "patience", "Patience",
         "How long the last signatures are waited for at the end of the stream, in milliseconds", 0, 600'000,
         5'000);
  flag(kHoldLastPicture, "hold-last-picture", "Hold the last picture",
       "Keep one picture back so that the last signatures stand in the same buffer with the last picture. "
       "Costs one picture of latency; without it they come in a buffer of their own",
       true);
  flag(
      kSupplement, "supplement", "Supplement",
      "Also sign decoder parameters, other messages in the video and picture times, in a message of our own. "
      "Always on when the certificate of the key promises it",
      true);
  g_object_class_install_property(
      object_class, kSignStatsProperty,
      g_param_spec_boxed("stats", "Statistics",
                         "Counts so far: pictures, units-hashed, signatures, unsigned-messages (the key was "
                         "too slow; the next signature covers them), signatures-failed, supplements",
                         GST_TYPE_STRUCTURE,
                         static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
  gst_type_mark_as_plugin_api(hash_type(), static_cast<GstPluginAPIFlags>(0));
  gst_type_mark_as_plugin_api(certificates_type(), static_cast<GstPluginAPIFlags>(0));
}

bool set_sign_property(SignProperties& p, guint id, const GValue* value) {
  auto& signer = p.settings.signer;
  auto& key = p.settings.key;
  switch (id) {
    case kRoot:
      key.root = text_of(value).empty() ? "/" : text_of(value);
      return true;
    case kKeystore:
      key.socket = text_of(value);
      return true;
    case kKey:
      key.key = text_of(value).empty() ? "camera/media-signing" : text_of(value);
      return true;
    case kChain:
      key.chain = text_of(value);
      return true;
    case kKeyFile:
      key.key_file = text_of(value);
      return true;
    case kHash:
      signer.hash = static_cast<crypto::HashAlg>(g_value_get_enum(value));
      return true;
    case kLowBitrate:
      signer.low_bitrate = g_value_get_boolean(value) != 0;
      return true;
    case kSigningInterval:
      signer.signing_interval = g_value_get_uint(value);
      return true;
    case kMaxPartialUnits:
      signer.max_partial_units = g_value_get_uint(value);
      return true;
    case kCertificates: {
      const auto where = static_cast<Certificates>(g_value_get_enum(value));
      signer.certificate_sei = where != Certificates::signatures_only;
      signer.chain_in_every_sei = where != Certificates::start;
      return true;
    }
    case kEmulationPrevention:
      signer.emulation_prevention = g_value_get_boolean(value) != 0;
      return true;
    case kRepeatSeis:
      signer.repeat_seis = g_value_get_boolean(value) != 0;
      return true;
    case kVendorManufacturer:
      signer.vendor.manufacturer = text_of(value);
      return true;
    case kVendorFirmware:
      signer.vendor.firmware = text_of(value);
      return true;
    case kVendorSerial:
      signer.vendor.serial = text_of(value);
      return true;
    case kStartTime:
      p.start_time = text_of(value);
      return true;
    case kReplaceSignatures:
      p.settings.replace = g_value_get_boolean(value) != 0;
      return true;
    case kWaitForKey:
      signer.wait_for_key = g_value_get_boolean(value) != 0;
      return true;
    case kPatience:
      p.settings.patience = std::chrono::milliseconds(g_value_get_uint(value));
      return true;
    case kHoldLastPicture:
      p.hold_last_picture = g_value_get_boolean(value) != 0;
      return true;
    case kSupplement:
      signer.supplement = g_value_get_boolean(value) != 0;
      return true;
    default:
      return false;
  }
}

bool get_sign_property(const SignProperties& p, guint id, GValue* value) {
  const auto& signer = p.settings.signer;
  const auto& key = p.settings.key;
  const auto text = [&](const std::string& what) {
    g_value_set_string(value, what.empty() ? nullptr : what.c_str());
  };
  switch (id) {
    case kRoot:
      text(key.root.string());
      return true;
    case kKeystore:
      text(key.socket.string());
      return true;
    case kKey:
      text(key.key);
      return true;
    case kChain:
      text(key.chain.string());
      return true;
    case kKeyFile:
      text(key.key_file.string());
      return true;
    case kHash:
      g_value_set_enum(value, static_cast<gint>(signer.hash));
      return true;
    case kLowBitrate:
      g_value_set_boolean(value, signer.low_bitrate ? 1 : 0);
      return true;
    case kSigningInterval:
      g_value_set_uint(value, signer.signing_interval);
      return true;
    case kMaxPartialUnits:
      g_value_set_uint(value, signer.max_partial_units);
      return true;
    case kCertificates:
      g_value_set_enum(value, static_cast<gint>(!signer.certificate_sei     ? Certificates::signatures_only
                                                : signer.chain_in_every_sei ? Certificates::every_signature
                                                                            : Certificates::start));
      return true;
    case kEmulationPrevention:
      g_value_set_boolean(value, signer.emulation_prevention ? 1 : 0);
      return true;
    case kRepeatSeis:
      g_value_set_boolean(value, signer.repeat_seis ? 1 : 0);
      return true;
    case kVendorManufacturer:
      text(signer.vendor.manufacturer);
      return true;
    case kVendorFirmware:
      text(signer.vendor.firmware);
      return true;
    case kVendorSerial:
      text(signer.vendor.serial);
      return true;
    case kStartTime:
      text(p.start_time);
      return true;
    case kReplaceSignatures:
      g_value_set_boolean(value, p.settings.replace ? 1 : 0);
      return true;
    case kWaitForKey:
      g_value_set_boolean(value, signer.wait_for_key ? 1 : 0);
      return true;
    case kPatience:
      g_value_set_uint(value, static_cast<guint>(p.settings.patience.count()));
      return true;
    case kHoldLastPicture:
      g_value_set_boolean(value, p.hold_last_picture ? 1 : 0);
      return true;
    case kSupplement:
      g_value_set_boolean(value, signer.supplement ? 1 : 0);
      return true;
    default:
      return false;
  }
}

}  // namespace camvault::gst_elements
