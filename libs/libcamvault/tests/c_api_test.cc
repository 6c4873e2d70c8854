// The C API through the shared library, as a program in C sees it. AX-4.1-1, AX-4.1-2, AX-4.1-4.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "camvault/base/file.h"
#include "camvault/camvault.h"
#include "scene.h"

namespace camvault::signed_video::test {
namespace {

// A camera's secure element: signs on a thread of its own, some milliseconds later, or says no.
struct Element {
  std::shared_ptr<crypto::SigningKey> key = camera_one().key;
  camvault_status answer = CAMVAULT_OK;
  bool at_once = false;
  std::atomic<int> asked = 0;
  std::atomic<int> released = 0;
  std::vector<std::thread> threads;

  ~Element() { join(); }
  // The last request ends a moment after its signature has arrived.
  void join() {
    for (auto& thread : threads) thread.join();
    threads.clear();
  }

  static void sign(void* user, camvault_sign_request* request, camvault_scheme scheme, camvault_hash hash,
                   const std::uint8_t* digest, std::size_t size) {
    auto& self = *static_cast<Element*>(user);
    ++self.asked;
    EXPECT_EQ(scheme, CAMVAULT_SCHEME_ECDSA);
    EXPECT_EQ(hash, CAMVAULT_HASH_SHA256);
    crypto::Digest copy;
    std::memcpy(copy.bytes.data(), digest, size);
    copy.size = static_cast<std::uint8_t>(size);
    const auto work = [&self, request, copy] {
      const auto signature = self.key->sign(crypto::SignatureScheme::ecdsa, crypto::HashAlg::sha256, copy);
      camvault_sign_request_complete(request, self.answer, signature->data(), signature->size());
    };
    if (self.at_once) return work();
    self.threads.emplace_back([work] {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      work();
    });
  }
  static void release(void* user) { ++static_cast<Element*>(user)->released; }
};

struct Stream {
  std::vector<Bytes> units;
  std::uint64_t signed_seis = 0;
  std::uint64_t unsigned_seis = 0;
  std::uint64_t failed = 0;
};

Stream sign(Element& element, const std::string& scene, bool wait = true) {
  Stream stream;
  camvault_key* key = nullptr;
  const auto& chain = camera_one().chain_pem;
  EXPECT_EQ(
      camvault_key_from_callback(chain.data(), chain.size(), Element::sign, Element::release, &element, &key),
      CAMVAULT_OK);
  camvault_sign_options* options = nullptr;
  EXPECT_EQ(camvault_sign_options_create(&options), CAMVAULT_OK);
  EXPECT_EQ(camvault_sign_options_set(options, CAMVAULT_SIGN_WAIT_FOR_KEY, wait ? 1 : 0), CAMVAULT_OK);
  EXPECT_EQ(camvault_sign_options_set_vendor(options, "Maker", "1.2", nullptr), CAMVAULT_OK);
  camvault_signer* signer = nullptr;
  EXPECT_EQ(camvault_signer_create(CAMVAULT_CODEC_H264, key, chain.c_str(), options, &signer), CAMVAULT_OK)
      << camvault_last_error();
  camvault_sign_options_destroy(options);
  camvault_key_destroy(key);  // the signer keeps it
  if (signer == nullptr) return stream;
  const camvault_bytes* seis = nullptr;
  std::size_t count = 0;
  const auto insert = [&] {
    for (std::size_t i = 0; i < count; ++i)
      stream.units.emplace_back(seis[i].data, seis[i].data + seis[i].size);
  };
  std::uint32_t number = 0;
  for (const char letter : scene) {
    const auto unit = slice(codec::Codec::h264, letter, number);
    const camvault_bytes view{unit.data(), unit.size()};
    const auto time = (recording_begins() + std::int64_t{number++} * kFrame).time_since_epoch().count();
    EXPECT_EQ(camvault_signer_add(signer, &view, 1, time, &seis, &count), CAMVAULT_OK)
        << camvault_last_error();
    insert();
    stream.units.push_back(unit);
  }
  EXPECT_EQ(camvault_signer_finish(signer, 5000, &seis, &count), CAMVAULT_OK);
  insert();
  EXPECT_EQ(camvault_signer_counter(signer, CAMVAULT_SIGNER_UNITS_HASHED), scene.size());
  stream.signed_seis = camvault_signer_counter(signer, CAMVAULT_SIGNER_SEIS_SIGNED);
  stream.unsigned_seis = camvault_signer_counter(signer, CAMVAULT_SIGNER_SEIS_UNSIGNED);
  stream.failed = camvault_signer_counter(signer, CAMVAULT_SIGNER_SIGNATURES_FAILED);
  camvault_signer_destroy(signer);
  return stream;
}

// By default the supplement covers what the signer is told of beside the pictures.
TEST(CApi, TheSupplementCoversParameterSetsTimesAndSound) {
  Element element;
  element.at_once = true;
  camvault_key* key = nullptr;
  const auto& chain = camera_one().chain_pem;
  ASSERT_EQ(
      camvault_key_from_callback(chain.data(), chain.size(), Element::sign, Element::release, &element, &key),
      CAMVAULT_OK);
  camvault_signer* signer = nullptr;
  ASSERT_EQ(camvault_signer_create(CAMVAULT_CODEC_H264, key, chain.c_str(), nullptr, &signer), CAMVAULT_OK);
  camvault_key_destroy(key);
  const Bytes set{0x67, 0x42, 0x00, 0x1e, 0x95, 0xa0, 0x50, 0x7c, 0x80};
  EXPECT_EQ(camvault_signer_add_header_unit(signer, set.data(), set.size()), CAMVAULT_OK);
  Verifier verifier(codec::Codec::h264, engine(), trusting(camera_one()));
  const auto verify_unit = [&](BytesView bytes, Ticks shown, bool out_of_band = false) {
    codec::Unit unit;
    unit.bytes = bytes;
    unit.container_time = Timestamp(shown);
    unit.out_of_band = out_of_band;
    verifier.add(std::span(&unit, 1));
  };
  verify_unit(set, Ticks(0), true);
  const camvault_bytes* seis = nullptr;
  std::size_t count = 0;
  constexpr std::uint32_t kPictures = 9;
  Ticks shown{0};
  for (std::uint32_t n = 0; n < kPictures; ++n) {
    shown = n * kFrame;
    const auto unit = slice(codec::Codec::h264, n % 3 == 0 ? 'I' : 'P', n);
    const camvault_bytes view{unit.data(), unit.size()};
    const Bytes sample{'s', static_cast<std::uint8_t>(n)};
    EXPECT_EQ(camvault_signer_add_sample(signer, CAMVAULT_SIDE_AUDIO, 1, shown.count(), sample.data(),
                                         sample.size()),
              CAMVAULT_OK);
    const auto time = (recording_begins() + shown).time_since_epoch().count();
    ASSERT_EQ(camvault_signer_add_shown(signer, &view, 1, time, shown.count(), &seis, &count), CAMVAULT_OK);
    for (std::size_t i = 0; i < count; ++i) verify_unit({seis[i].data, seis[i].size}, shown);
    verify_unit(unit, shown);
    verifier.add_side({SideKind::audio, 1, sample, shown, 0});
  }
  const Bytes sample{'s'};
  EXPECT_EQ(camvault_signer_add_sample(signer, static_cast<camvault_side_kind>(3), 1, 0, sample.data(), 1),
            CAMVAULT_USAGE);
  EXPECT_EQ(camvault_signer_add_sample(signer, CAMVAULT_SIDE_METADATA, 32, 0, sample.data(), 1),
            CAMVAULT_USAGE);
  EXPECT_EQ(camvault_signer_finish(signer, 5000, &seis, &count), CAMVAULT_OK);
  for (std::size_t i = 0; i < count; ++i) verify_unit({seis[i].data, seis[i].size}, shown);
  EXPECT_EQ(camvault_signer_counter(signer, CAMVAULT_SIGNER_SUPPLEMENTS), 3u);
  camvault_signer_destroy(signer);
  const auto report = verifier.finish();
  EXPECT_EQ(report.verdict, Verdict::authentic) << report.verdict_reason;
  EXPECT_EQ(report.supplement.times_compared, kPictures);
  ASSERT_EQ(report.supplement.tracks.size(), 1u);
  EXPECT_EQ(report.supplement.tracks[0].authentic, kPictures);
}

struct Options {
  Options() {
    EXPECT_EQ(camvault_verify_options_create(&handle), CAMVAULT_OK);
    const auto& der = camera_one().root.der;
    EXPECT_EQ(camvault_verify_options_add_anchors(handle, der.data(), der.size()), CAMVAULT_OK);
  }
  ~Options() { camvault_verify_options_destroy(handle); }
  camvault_verify_options* handle = nullptr;
};

struct ReportHandle {
  ~ReportHandle() { camvault_report_destroy(handle); }
  camvault_report* handle = nullptr;
};

void verify(const std::vector<Bytes>& units, ReportHandle& report, const camvault_verify_options* options) {
  camvault_verifier* verifier = nullptr;
  ASSERT_EQ(camvault_verifier_create(CAMVAULT_CODEC_H264, options, &verifier), CAMVAULT_OK);
  for (const auto& unit : units) {
    const camvault_bytes view{unit.data(), unit.size()};
    EXPECT_EQ(camvault_verifier_add(verifier, &view, 1), CAMVAULT_OK);
  }
  EXPECT_EQ(camvault_verifier_finish(verifier, 0, &report.handle), CAMVAULT_OK);
  camvault_report* again = nullptr;
  EXPECT_EQ(camvault_verifier_finish(verifier, 0, &again), CAMVAULT_USAGE);
  camvault_verifier_destroy(verifier);
}

Bytes byte_stream(const std::vector<Bytes>& units) {
  // Parameter sets, so that the codec can be told: the smallest that have the right type.
  Bytes out{0,    0,    0, 1, 0x67, 0x42, 0x00, 0x1e, 0x95, 0xa0, 0x50,
            0x7c, 0x80, 0, 0, 0,    1,    0x68, 0xce, 0x3c, 0x80};
  for (const auto& unit : units) {
    append(out, Bytes{0, 0, 0, 1});
    append(out, unit);
  }
  return out;
}

TEST(CApi, WhatACallbackSignedIsAuthentic) {
  Element element;
  const auto stream = sign(element, "IPPIPPIPP");
  EXPECT_EQ(stream.signed_seis, 4u);  // certificate SEI and three GOPs
  element.join();
  EXPECT_EQ(element.released, 1);
  Options options;
  ReportHandle report;
  verify(stream.units, report, options.handle);
  ASSERT_NE(report.handle, nullptr);
  EXPECT_EQ(camvault_report_verdict(report.handle), CAMVAULT_AUTHENTIC)
      << camvault_report_verdict_reason(report.handle);
  EXPECT_EQ(camvault_report_provenance(report.handle), CAMVAULT_TRUSTED)
      << camvault_report_provenance_reason(report.handle);
  EXPECT_EQ(camvault_report_count(report.handle, CAMVAULT_COUNT_AUTHENTIC), 9u);
  EXPECT_EQ(camvault_report_count(report.handle, CAMVAULT_COUNT_GOPS), 3u);
  EXPECT_EQ(camvault_report_first_time(report.handle), recording_begins().time_since_epoch().count());
  EXPECT_STREQ(camvault_report_text(report.handle, CAMVAULT_SIGNER_SERIAL), "CAM-0001");
  EXPECT_STREQ(camvault_report_text(report.handle, CAMVAULT_VENDOR_FIRMWARE), "1.2");
  const std::string json = camvault_report_json(report.handle);
  EXPECT_NE(json.find("\"verdict\": \"authentic\""), std::string::npos) << json;
}

TEST(CApi, SlowKeysNeverHoldPicturesUp) {
  Element element;
  const auto stream = sign(element, "IPPIPPIPPIPP", false);
  Options options;
  ReportHandle report;
  verify(stream.units, report, options.handle);
  EXPECT_EQ(camvault_report_verdict(report.handle), CAMVAULT_AUTHENTIC)
      << camvault_report_verdict_reason(report.handle);
}

TEST(CApi, SignaturesMayComeAtOnce) {
  Element element;
  element.at_once = true;
  const auto stream = sign(element, "IPPIPP");
  EXPECT_EQ(stream.signed_seis, 3u);
  EXPECT_EQ(element.asked, 5);  // certificate SEI, two GOPs with their supplements
}

TEST(CApi, AKeyThatRefusesLeavesTheVideoUnsigned) {
  Element element;
  element.answer = CAMVAULT_DENIED;
  const auto stream = sign(element, "IPPIPP");
  EXPECT_EQ(stream.signed_seis, 0u);
  EXPECT_EQ(stream.failed, 3u);
  Options options;
  ReportHandle report;
  verify(stream.units, report, options.handle);
  EXPECT_NE(camvault_report_verdict(report.handle), CAMVAULT_AUTHENTIC);
}

TEST(CApi, AnAlteredPictureIsNamed) {
  Element element;
  auto stream = sign(element, "IPPIPPIPP");
  for (auto& unit : stream.units) {
    if (unit == slice(codec::Codec::h264, 'P', 4)) unit[20] ^= 1;
  }
  Options options;
  ReportHandle report;
  verify(stream.units, report, options.handle);
  EXPECT_EQ(camvault_report_verdict(report.handle), CAMVAULT_NOT_AUTHENTIC);
  EXPECT_EQ(camvault_report_count(report.handle, CAMVAULT_COUNT_ALTERED), 1u);
  EXPECT_NE(std::string(camvault_report_json(report.handle)).find("\"altered\""), std::string::npos);
}

TEST(CApi, FilesAndMemoryGiveTheSameAnswer) {
  Element element;
  const auto bytes = byte_stream(sign(element, "IPPIPPIPP").units);
  char folder[] = "/tmp/camvault-c-api-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const auto path = std::string(folder) + "/clip.h264";
  ASSERT_TRUE(write_file_atomically(path, bytes));
  Options options;
  ReportHandle from_memory;
  ReportHandle from_file;
  EXPECT_EQ(camvault_verify_memory(bytes.data(), bytes.size(), CAMVAULT_CODEC_ANY, options.handle,
                                   &from_memory.handle),
            CAMVAULT_OK)
      << camvault_last_error();
  EXPECT_EQ(camvault_verify_file(path.c_str(), CAMVAULT_CODEC_H264, options.handle, &from_file.handle),
            CAMVAULT_OK)
      << camvault_last_error();
  for (const auto* report : {from_memory.handle, from_file.handle}) {
    EXPECT_EQ(camvault_report_verdict(report), CAMVAULT_AUTHENTIC) << camvault_report_verdict_reason(report);
    EXPECT_EQ(camvault_report_provenance(report), CAMVAULT_TRUSTED);
  }
  EXPECT_NE(std::string(camvault_report_json(from_file.handle)).find("clip.h264"), std::string::npos);
  EXPECT_EQ(std::string(camvault_report_json(from_file.handle)).find(folder), std::string::npos);
  std::filesystem::remove_all(folder);
}

TEST(CApi, AnyNumberOfThreadsFindsTheSame) {
  Element element;
  auto units = sign(element, "IPPPPPPPIPPPPPPPIPPPPPPP").units;
  units[5].back() ^= 1;
  const auto bytes = byte_stream(units);
  std::string first;
  for (const unsigned jobs : {1u, 2u, 7u, 0u}) {
    Options options;
    ASSERT_EQ(camvault_verify_options_set_jobs(options.handle, jobs), CAMVAULT_OK);
    ReportHandle report;
    ASSERT_EQ(camvault_verify_memory(bytes.data(), bytes.size(), CAMVAULT_CODEC_ANY, options.handle,
                                     &report.handle),
              CAMVAULT_OK);
    EXPECT_EQ(camvault_report_verdict(report.handle), CAMVAULT_NOT_AUTHENTIC);
    EXPECT_EQ(camvault_report_count(report.handle, CAMVAULT_COUNT_ALTERED), 1u);
    std::string json = camvault_report_json(report.handle);
    const auto at = json.find("\"checked_at\"");
    if (at != std::string::npos) json.erase(at, json.find('\n', at) - at);
    if (first.empty()) first = json;
    EXPECT_EQ(json, first) << jobs << " threads";
  }
  Options options;
  EXPECT_EQ(camvault_verify_options_set_jobs(options.handle, 65), CAMVAULT_USAGE);
}

TEST(CApi, OptionsDecideWhoCounts) {
  Element element;
  const auto stream = sign(element, "IPPIPP");
  {
    ReportHandle report;
    verify(stream.units, report, nullptr);
    EXPECT_EQ(camvault_report_verdict(report.handle), CAMVAULT_AUTHENTIC);
    EXPECT_EQ(camvault_report_provenance(report.handle), CAMVAULT_UNKNOWN);
  }
  {
    Options options;
    EXPECT_EQ(camvault_verify_options_set_serial(options.handle, "CAM-0002"), CAMVAULT_OK);
    ReportHandle report;
    verify(stream.units, report, options.handle);
    EXPECT_EQ(camvault_report_provenance(report.handle), CAMVAULT_UNTRUSTED);
  }
  {
    Options options;
    const auto pem = crypto_openssl::certificates_pem({camera_two().leaf});
    EXPECT_EQ(camvault_verify_options_set_signer(options.handle, pem.data(), pem.size()), CAMVAULT_OK);
    ReportHandle report;
    verify(stream.units, report, options.handle);
    EXPECT_EQ(camvault_report_provenance(report.handle), CAMVAULT_UNTRUSTED);
  }
  {
    Options options;  // long after the certificates have expired
    EXPECT_EQ(camvault_verify_options_set_time(options.handle,
                                               from_unix_seconds(4'000'000'000).time_since_epoch().count()),
              CAMVAULT_OK);
    ReportHandle report;
    verify(stream.units, report, options.handle);
    EXPECT_EQ(camvault_report_verdict(report.handle), CAMVAULT_AUTHENTIC);
    EXPECT_EQ(camvault_report_provenance(report.handle), CAMVAULT_UNTRUSTED);
  }
}

TEST(CApi, ErrorsHaveACodeAndASentence) {
  camvault_report* report = reinterpret_cast<camvault_report*>(1);
  EXPECT_EQ(camvault_verify_file("/no/such/file.mp4", CAMVAULT_CODEC_ANY, nullptr, &report),
            CAMVAULT_NOT_FOUND);
  EXPECT_EQ(report, nullptr);
  EXPECT_NE(std::string(camvault_last_error()).find("/no/such/file.mp4"), std::string::npos);
  EXPECT_EQ(camvault_verify_memory("nothing", 7, CAMVAULT_CODEC_ANY, nullptr, &report), CAMVAULT_MALFORMED)
      << camvault_last_error();
  camvault_key* key = nullptr;
  EXPECT_EQ(camvault_key_from_keystore("/no/such/socket", "not a name", &key), CAMVAULT_USAGE);
  EXPECT_EQ(camvault_key_from_callback("rubbish", 7, Element::sign, nullptr, nullptr, &key),
            CAMVAULT_MALFORMED);
  EXPECT_EQ(key, nullptr);
  EXPECT_STREQ(camvault_status_text(CAMVAULT_OK), "ok");
  EXPECT_STREQ(camvault_status_text(CAMVAULT_DENIED), "denied");
  EXPECT_STREQ(camvault_status_text(static_cast<camvault_status>(15)), "unknown status");
  EXPECT_STRNE(camvault_version(), "");
}

TEST(CApi, NullIsRefusedEverywhere) {
  EXPECT_EQ(camvault_verify_options_create(nullptr), CAMVAULT_USAGE);
  EXPECT_EQ(camvault_verify_options_add_anchors(nullptr, "", 0), CAMVAULT_USAGE);
  EXPECT_EQ(camvault_verify_options_add_crl(nullptr, "", 0), CAMVAULT_USAGE);
  EXPECT_EQ(camvault_verify_options_set_signer(nullptr, "", 0), CAMVAULT_USAGE);
  EXPECT_EQ(camvault_verify_options_set_serial(nullptr, ""), CAMVAULT_USAGE);
  EXPECT_EQ(camvault_verify_options_set_time(nullptr, 0), CAMVAULT_USAGE);
  EXPECT_EQ(camvault_verify_options_set_jobs(nullptr, 1), CAMVAULT_USAGE);
  camvault_report* report = nullptr;
  EXPECT_EQ(camvault_verify_file(nullptr, CAMVAULT_CODEC_ANY, nullptr, &report), CAMVAULT_USAGE);
  EXPECT_EQ(camvault_verify_file("x", CAMVAULT_CODEC_ANY, nullptr, nullptr), CAMVAULT_USAGE);
  EXPECT_EQ(camvault_verify_memory(nullptr, 7, CAMVAULT_CODEC_ANY, nullptr, &report), CAMVAULT_USAGE);
  camvault_verifier* verifier = nullptr;
  EXPECT_EQ(camvault_verifier_create(CAMVAULT_CODEC_ANY, nullptr, &verifier), CAMVAULT_USAGE);
  EXPECT_EQ(camvault_verifier_add(nullptr, nullptr, 0), CAMVAULT_USAGE);
  EXPECT_EQ(camvault_verifier_finish(nullptr, 0, &report), CAMVAULT_USAGE);
  EXPECT_EQ(camvault_report_verdict(nullptr), CAMVAULT_NOT_AUTHENTIC);
  EXPECT_EQ(camvault_report_provenance(nullptr), CAMVAULT_UNTRUSTED);
  EXPECT_EQ(camvault_report_first_time(nullptr), CAMVAULT_NO_TIME);
  EXPECT_EQ(camvault_report_json(nullptr), nullptr);
  EXPECT_STREQ(camvault_report_text(nullptr, CAMVAULT_SIGNER_SERIAL), "");
  camvault_key* key = nullptr;
  EXPECT_EQ(camvault_key_from_keystore(nullptr, nullptr, &key), CAMVAULT_USAGE);
  EXPECT_EQ(camvault_key_from_callback("x", 1, nullptr, nullptr, nullptr, &key), CAMVAULT_USAGE);
  EXPECT_EQ(camvault_sign_options_set(nullptr, CAMVAULT_SIGN_HASH, 0), CAMVAULT_USAGE);
  camvault_signer* signer = nullptr;
  EXPECT_EQ(camvault_signer_create(CAMVAULT_CODEC_H264, nullptr, "", nullptr, &signer), CAMVAULT_USAGE);
  const camvault_bytes* seis = nullptr;
  std::size_t count = 7;
  EXPECT_EQ(camvault_signer_add(nullptr, nullptr, 0, 0, &seis, &count), CAMVAULT_USAGE);
  EXPECT_EQ(count, 0u);
  EXPECT_EQ(camvault_signer_finish(nullptr, 0, &seis, &count), CAMVAULT_USAGE);
  EXPECT_EQ(camvault_signer_request_certificate_sei(nullptr), CAMVAULT_USAGE);
  EXPECT_EQ(camvault_signer_add_header_unit(nullptr, "x", 1), CAMVAULT_USAGE);
  EXPECT_EQ(camvault_signer_add_sample(nullptr, CAMVAULT_SIDE_AUDIO, 0, 0, "x", 1), CAMVAULT_USAGE);
  camvault_verify_options_destroy(nullptr);
  camvault_verifier_destroy(nullptr);
  camvault_report_destroy(nullptr);
  camvault_key_destroy(nullptr);
  camvault_sign_options_destroy(nullptr);
  camvault_signer_destroy(nullptr);
  camvault_sign_request_complete(nullptr, CAMVAULT_OK, nullptr, 0);
}

TEST(CApi, SettingsAreChecked) {
  camvault_sign_options* options = nullptr;
  ASSERT_EQ(camvault_sign_options_create(&options), CAMVAULT_OK);
  EXPECT_EQ(camvault_sign_options_set(options, CAMVAULT_SIGN_HASH, CAMVAULT_HASH_SHA512), CAMVAULT_OK);
  EXPECT_EQ(camvault_sign_options_set(options, CAMVAULT_SIGN_HASH, 3), CAMVAULT_USAGE);
  EXPECT_EQ(camvault_sign_options_set(options, CAMVAULT_SIGN_LOW_BITRATE, 2), CAMVAULT_USAGE);
  EXPECT_EQ(camvault_sign_options_set(options, static_cast<camvault_sign_setting>(15), 1),
            CAMVAULT_UNSUPPORTED);
  EXPECT_EQ(camvault_sign_options_set_vendor(options, std::string(256, 'x').c_str(), nullptr, nullptr),
            CAMVAULT_LIMIT);
  camvault_sign_options_destroy(options);
}

TEST(CApi, AKeyOfAnotherCertificateIsRefused) {
  Element element;
  camvault_key* key = nullptr;
  const auto& other = camera_two().chain_pem;
  ASSERT_EQ(
      camvault_key_from_callback(other.data(), other.size(), Element::sign, Element::release, &element, &key),
      CAMVAULT_OK);
  camvault_signer* signer = nullptr;
  EXPECT_EQ(
      camvault_signer_create(CAMVAULT_CODEC_H264, key, camera_one().chain_pem.c_str(), nullptr, &signer),
      CAMVAULT_USAGE);
  EXPECT_EQ(signer, nullptr);
  camvault_key_destroy(key);
  EXPECT_EQ(element.released, 1);
  EXPECT_EQ(element.asked, 0);
}

TEST(CApi, SignaturesOfImpossibleSizesAreRefused) {
  // A callback that hands back a megabyte must not get it into the stream.
  struct Careless {
    static void sign(void*, camvault_sign_request* request, camvault_scheme, camvault_hash,
                     const std::uint8_t*, std::size_t) {
      const Bytes much(1 << 20);
      camvault_sign_request_complete(request, CAMVAULT_OK, much.data(), much.size());
    }
  };
  camvault_key* key = nullptr;
  const auto& chain = camera_one().chain_pem;
  ASSERT_EQ(camvault_key_from_callback(chain.data(), chain.size(), Careless::sign, nullptr, nullptr, &key),
            CAMVAULT_OK);
  camvault_signer* signer = nullptr;
  ASSERT_EQ(camvault_signer_create(CAMVAULT_CODEC_H264, key, chain.c_str(), nullptr, &signer), CAMVAULT_OK);
  const auto unit = slice(codec::Codec::h264, 'I', 0);
  const camvault_bytes view{unit.data(), unit.size()};
  const camvault_bytes* seis = nullptr;
  std::size_t count = 0;
  EXPECT_EQ(camvault_signer_add(signer, &view, 1, 0, &seis, &count), CAMVAULT_OK);
  EXPECT_EQ(camvault_signer_counter(signer, CAMVAULT_SIGNER_SEIS_SIGNED), 0u);
  EXPECT_EQ(camvault_signer_counter(signer, CAMVAULT_SIGNER_SIGNATURES_FAILED), 1u);
  camvault_signer_destroy(signer);
  camvault_key_destroy(key);
}

}  // namespace
}  // namespace camvault::signed_video::test
