// Streams in a notation, so that a test reads like the scene: "IPPIPP" is signed, then edited as a list of
// units.
//   I  IDR picture     P  picture     i, p  a further slice of the picture before
//   T  (H.265) TSA picture, which ONVIF's reference signer does not hash
//   i, p in AV1: the frame before in two pieces, this being the tile group OBU;  M  (AV1) a metadata OBU
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "camvault/codec/obu.h"
#include "camvault/codec/unit.h"
#include "camvault/crypto/extensions.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/crypto_openssl/issue.h"
#include "camvault/crypto_openssl/local_key.h"
#include "camvault/signed_video/signer.h"
#include "camvault/signed_video/verifier.h"

namespace camvault::signed_video::test {

inline const crypto::Engine& engine() {
  static const auto instance = crypto_openssl::make_openssl_engine();
  return *instance;
}

inline Timestamp recording_begins() {
  return from_unix_seconds(1'780'000'000);
}
inline constexpr Ticks kFrame = std::chrono::milliseconds(40);

// One camera: a root, a device CA and a signing key.
struct Camera {
  std::shared_ptr<crypto::SigningKey> key;
  crypto::Certificate root;
  crypto::Certificate device_ca;
  crypto::Certificate leaf;
  std::string chain_pem;
};

inline crypto_openssl::SubjectName named(const std::string& common_name,
                                         const std::string& device_serial = {}) {
  crypto_openssl::SubjectName name;
  name.organization = "Maker";
  name.common_name = common_name;
  name.device_serial = device_serial;
  return name;
}

struct Maker {
  std::unique_ptr<crypto_openssl::LocalKey> root_key;
  std::unique_ptr<crypto_openssl::LocalKey> ca_key;
  crypto::Certificate root;
  crypto::Certificate device_ca;

  Maker() {
    root_key = crypto_openssl::LocalKey::generate(crypto::KeyAlg::ec_p256).value();
    ca_key = crypto_openssl::LocalKey::generate(crypto::KeyAlg::ec_p256).value();
    crypto_openssl::CertificateProfile profile;
    profile.ca = true;
    profile.key_usage = crypto_openssl::KeyUsage::key_cert_sign | crypto_openssl::KeyUsage::crl_sign;
    profile.not_before = recording_begins() - std::chrono::hours(24);
    profile.not_after = recording_begins() + std::chrono::hours(24 * 3650);
    const Bytes serial{1};
    root = crypto_openssl::issue_self_signed(*root_key, named("Root"), profile, serial).value();
    device_ca = crypto_openssl::issue_certificate(*root_key, root, named("Device CA"), ca_key->spki_der(),
                                                  profile, serial)
                    .value();
  }

  Camera camera(const std::string& serial, crypto::KeyAlg alg = crypto::KeyAlg::ec_p256,
                crypto_openssl::LocalKeyOptions options = {}, bool promises_supplement = false) const {
    Camera camera;
    camera.key = crypto_openssl::LocalKey::generate(alg, options).value();
    crypto_openssl::CertificateProfile profile;
    profile.not_before = recording_begins() - std::chrono::hours(1);
    profile.not_after = recording_begins() + std::chrono::hours(24 * 365);
    if (promises_supplement) {
      profile.private_extensions.push_back(
          {to_bytes(crypto::kMediaSupplementOidDer), to_bytes(crypto::kMediaSupplementPolicyDer)});
    }
    Bytes number{2};
    append(number, as_bytes(serial).first(std::min<std::size_t>(serial.size(), 12)));
    camera.leaf = crypto_openssl::issue_certificate(*ca_key, device_ca, named("Camera", serial),
                                                    camera.key->spki_der(), profile, number)
                      .value();
    camera.root = root;
    camera.device_ca = device_ca;
    camera.chain_pem = crypto_openssl::certificates_pem({camera.leaf, device_ca});
    return camera;
  }
};

inline const Maker& maker() {
  static const Maker instance;
  return instance;
}
inline const Camera& camera_one() {
  static const Camera instance = maker().camera("CAM-0001");
  return instance;
}
inline const Camera& camera_two() {
  static const Camera instance = maker().camera("CAM-0002");
  return instance;
}

struct Take {
  codec::Codec codec = codec::Codec::h264;
  std::vector<Bytes> units;
  std::vector<char> letters;  // of each unit; 'S' for SEIs

  // Index of the n-th unit (from 0) with that letter.
  std::size_t find(char letter, std::size_t n = 0) const {
    for (std::size_t i = 0; i < units.size(); ++i) {
      if (letters[i] == letter && n-- == 0) return i;
    }
    return SIZE_MAX;
  }
  // Index of the n-th picture.
  std::size_t picture(std::size_t n) const {
    for (std::size_t i = 0; i < units.size(); ++i) {
      if ((letters[i] == 'I' || letters[i] == 'P' || letters[i] == 'T') && n-- == 0) return i;
    }
    return SIZE_MAX;
  }
  void erase(std::size_t begin, std::size_t end) {
    units.erase(units.begin() + static_cast<std::ptrdiff_t>(begin),
                units.begin() + static_cast<std::ptrdiff_t>(end));
    letters.erase(letters.begin() + static_cast<std::ptrdiff_t>(begin),
                  letters.begin() + static_cast<std::ptrdiff_t>(end));
  }
  void erase(std::size_t index) { erase(index, index + 1); }
  void insert(std::size_t index, Bytes unit, char letter) {
    units.insert(units.begin() + static_cast<std::ptrdiff_t>(index), std::move(unit));
    letters.insert(letters.begin() + static_cast<std::ptrdiff_t>(index), letter);
  }
  void swap(std::size_t a, std::size_t b) {
    std::swap(units[a], units[b]);
    std::swap(letters[a], letters[b]);
  }
};

// A slice unit with content of its own. `number` makes it unlike any other.
inline Bytes obu(std::uint8_t type, Bytes payload) {
  Bytes unit{static_cast<std::uint8_t>(type << 3 | 2)};
  append(unit, codec::leb128(static_cast<std::uint32_t>(payload.size())));
  append(unit, payload);
  return unit;
}

// `header`: a frame whose tile groups follow.
inline Bytes av1_unit(char letter, std::uint32_t number, std::uint32_t salt, bool header) {
  Bytes payload{static_cast<std::uint8_t>(letter == 'I' ? 0x10 : letter == 'M' ? 0x01 : 0x30)};
  for (const auto word : {number, salt}) {
    for (int shift = 24; shift >= 0; shift -= 8)
      payload.push_back(static_cast<std::uint8_t>((word >> shift & 0xff) | 0x10));
  }
  for (std::uint32_t i = 0; i < 40; ++i)
    payload.push_back(static_cast<std::uint8_t>(1 + (number * 31 + salt * 7 + i * 13) % 255));
  payload.push_back(static_cast<std::uint8_t>(number & 0xff));
  payload.push_back(static_cast<std::uint8_t>(number >> 8 & 0xff));
  payload.push_back(0x80);
  const bool tile_group = letter == 'i' || letter == 'p';
  return obu(letter == 'M' ? 5 : tile_group ? 4 : header ? 3 : 6, std::move(payload));
}

inline Bytes slice(codec::Codec codec, char letter, std::uint32_t number, std::uint32_t salt = 0) {
  if (codec == codec::Codec::av1) return av1_unit(letter, number, salt, false);
  const bool first = letter != 'i' && letter != 'p';
  const bool idr = letter == 'I' || letter == 'i';
  Bytes unit;
  if (codec == codec::Codec::h264) {
    unit = {static_cast<std::uint8_t>(idr ? 0x65 : 0x41), static_cast<std::uint8_t>(first ? 0x88 : 0x48)};
  } else {
    unit = {static_cast<std::uint8_t>(idr             ? 0x26
                                      : letter == 'T' ? 0x04
                                                      : 0x02),
            0x01, static_cast<std::uint8_t>(first ? 0x80 : 0x20)};
  }
  for (const auto word : {number, salt}) {
    for (int shift = 24; shift >= 0; shift -= 8)
      unit.push_back(static_cast<std::uint8_t>((word >> shift & 0xff) | 0x10));
  }
  for (std::uint32_t i = 0; i < 40; ++i)
    unit.push_back(static_cast<std::uint8_t>(1 + (number * 31 + salt * 7 + i * 13) % 255));
  unit.push_back(static_cast<std::uint8_t>(number & 0xff));
  unit.push_back(static_cast<std::uint8_t>(number >> 8 & 0xff));
  unit.push_back(0x80);
  return unit;
}

inline SignerOptions options_for(const Camera& camera, codec::Codec codec = codec::Codec::h264) {
  SignerOptions options;
  options.codec = codec;
  options.chain_pem = camera.chain_pem;
  options.vendor = {"1.2.3", "CAM", "Maker"};
  options.wait_for_key = true;
  options.first_counter = 1000;
  options.supplement = false;  // these scenes are about Media Signing; supplement_scene.h has the rest
  return options;
}

// Signs the scene. `salt` makes the content of two recordings differ.
inline Take record(const std::string& scene, const Camera& camera, SignerOptions options,
                   std::uint32_t salt = 0, Timestamp begin = recording_begins(), bool finish = true) {
  Take take;
  take.codec = options.codec;
  auto signer = Signer::create(engine(), camera.key, options);
  EXPECT_TRUE(signer) << (signer ? "" : signer.error().what);
  std::uint32_t number = 0;
  std::uint32_t picture = 0;
  for (std::size_t i = 0; i < scene.size();) {
    std::vector<Bytes> units;
    std::string letters;
    do {
      const bool in_pieces = i + 1 < scene.size() && (scene[i + 1] == 'i' || scene[i + 1] == 'p');
      units.push_back(options.codec == codec::Codec::av1 ? av1_unit(scene[i], number++, salt, in_pieces)
                                                         : slice(options.codec, scene[i], number++, salt));
      letters += scene[i++];
    } while (i < scene.size() && (scene[i] == 'i' || scene[i] == 'p' || scene[i - 1] == 'M'));
    const std::vector<BytesView> views(units.begin(), units.end());
    const auto seis = signer->add(views, begin + picture++ * kFrame);
    EXPECT_TRUE(seis) << (seis ? "" : seis.error().what);
    std::size_t before = 0;  // SEIs stand before the first slice
    for (; before < units.size() && letters[before] == 'M'; ++before)
      take.insert(take.units.size(), units[before], 'M');
    for (const auto& sei : *seis) take.insert(take.units.size(), sei, 'S');
    for (auto u = before; u < units.size(); ++u) take.insert(take.units.size(), units[u], letters[u]);
  }
  if (finish) {
    const auto seis = signer->finish();
    EXPECT_TRUE(seis);
    for (const auto& sei : *seis) take.insert(take.units.size(), sei, 'S');
  }
  return take;
}

// The value itself, not a reference into a result that ends with the expression.
inline std::span<const Bytes> must(Result<std::span<const Bytes>> seis) {
  EXPECT_TRUE(seis) << (seis ? "" : seis.error().what);
  return seis ? *seis : std::span<const Bytes>();
}

inline VerifyOptions trusting(const Camera& camera) {
  VerifyOptions options;
  options.anchors = {camera.root};
  return options;
}

// Everything that a report says, as text.
inline std::string everything(const Report& r) {
  std::ostringstream out;
  const auto when = [](const std::optional<Timestamp>& time) { return time ? to_iso8601(*time) : "-"; };
  out << to_string(r.verdict) << ' ' << r.verdict_reason << '\n'
      << to_string(r.provenance) << ' ' << r.provenance_reason << ' ' << when(r.judged_at) << '\n'
      << r.hash << ' ' << r.chain.size() << ' ' << when(r.first_time) << ' ' << when(r.last_time) << '\n'
      << r.units << ' ' << r.bytes << ' ' << r.pictures << ' ' << r.pictures_authentic << ' '
      << r.pictures_altered << ' ' << r.pictures_missing << ' ' << r.pictures_extra << ' '
      << r.pictures_out_of_place << ' ' << r.pictures_not_covered << ' ' << r.gops_missing << ' '
      << r.seis_signed << ' ' << r.seis_unsigned << '\n';
  if (r.signer) out << r.signer->subject << ' ' << r.signer->serial << ' ' << r.signer->fingerprint << '\n';
  for (const auto& gop : r.gops) {
    out << "gop " << gop.index << ' ' << to_string(gop.verdict) << ' ' << to_string(gop.signature) << ' '
        << gop.linked << ' ' << gop.first_picture << ' ' << gop.pictures << ' ' << when(gop.start) << ' '
        << when(gop.end) << '\n';
  }
  for (const auto& f : r.findings) {
    out << "finding " << to_string(f.status) << ' ' << f.first_picture << ' ' << f.last_picture << ' '
        << f.clip_picture << ' ' << f.gop << ' ' << f.units << ' ' << when(f.time) << ' ' << f.offset << ' '
        << f.what << '\n';
  }
  for (const auto& n : r.notes)
    out << "note " << to_string(n.kind) << ' ' << n.gop << ' ' << n.count << ' ' << n.text << '\n';
  return out.str();
}

inline Report verify_in_runs(const Take& take, VerifyOptions options, std::size_t run) {
  Verifier verifier(take.codec, engine(), std::move(options));
  std::vector<codec::Unit> units;
  for (std::size_t i = 0; i < take.units.size(); ++i) {
    codec::Unit unit;
    unit.bytes = take.units[i];
    unit.offset = i;
    units.push_back(unit);
    if (units.size() == run || i + 1 == take.units.size()) {
      verifier.add(units);
      units.clear();
    }
  }
  return verifier.finish();
}

// Feeds the units in runs of `run`, so that borders fall everywhere. Several threads and longer runs must
// find the same.
inline Report verify(const Take& take, VerifyOptions options = trusting(camera_one()), std::size_t run = 7) {
  auto report = verify_in_runs(take, options, run);
  if (!options.live.on_picture && !options.live.on_gop) {
    struct Way {
      unsigned jobs;
      bool stay;
      std::size_t run;
    };
    for (const auto& [jobs, stay, longer] :
         {Way{1, true, 200}, Way{3, false, run}, Way{3, false, 200}, Way{3, true, run}}) {
      options.jobs = jobs;
      options.bytes_stay = stay;
      EXPECT_EQ(everything(verify_in_runs(take, options, longer)), everything(report))
          << "runs of " << longer << ", " << jobs << " threads" << (stay ? ", bytes stay" : "");
    }
  }
  return report;
}

inline bool has_note(const Report& report, NoteKind kind) {
  for (const auto& note : report.notes) {
    if (note.kind == kind) return true;
  }
  return false;
}

// "altered 3..3 gop 1" per finding: what a test compares with.
inline std::vector<std::string> findings(const Report& report) {
  std::vector<std::string> out;
  for (const auto& f : report.findings) {
    out.push_back(std::string(to_string(f.status)) + " " + std::to_string(f.first_picture) + ".." +
                  std::to_string(f.last_picture) + " gop " + std::to_string(f.gop));
  }
  return out;
}

}  // namespace camvault::signed_video::test
