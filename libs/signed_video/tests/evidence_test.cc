// What others say about a recording: real time stamps (`openssl ts`) and keystored's evidence, in real signed
// streams.
#include <gtest/gtest.h>

#include "camvault/attestation/check.h"
#include "camvault/authority_client/time_stamp_client.h"
#include "camvault/base/file.h"
#include "camvault/test_support/tsa.h"
#include "scene.h"

namespace camvault::signed_video {
namespace {

using std::chrono::hours;
using test_support::Tsa;
using namespace test;

class EvidenceTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<test_support::TemporaryFolder>();
    tsa_ = std::make_unique<Tsa>(folder_->path());
  }
  static void TearDownTestSuite() {
    tsa_.reset();
    folder_.reset();
  }

  EvidenceTest() {
    root_key_ = crypto_openssl::LocalKey::generate(crypto::KeyAlg::ec_p256).value();
    crypto_openssl::CertificateProfile profile;
    profile.ca = true;
    profile.key_usage = crypto_openssl::KeyUsage::key_cert_sign | crypto_openssl::KeyUsage::crl_sign;
    profile.not_before = now_ - hours(24 * 400);
    profile.not_after = now_ + hours(24 * 400);
    root_ = crypto_openssl::issue_self_signed(*root_key_, named("Root"), profile, Bytes{1}).value();
    make_camera({});
  }

  void make_camera(const Bytes& attester) {
    key_ = crypto_openssl::LocalKey::generate(crypto::KeyAlg::ec_p256).value();
    crypto_openssl::CertificateProfile profile;
    profile.not_before = now_ - hours(24 * 300);
    profile.not_after = now_ + hours(24 * 300);
    if (!attester.empty()) {
      Bytes value{0x04, 0x20};
      append(value, attester);
      profile.private_extensions.push_back({to_bytes(crypto::kAttestationKeyOidDer), value});
    }
    leaf_ = crypto_openssl::issue_certificate(*root_key_, root_, named("Camera", "C1"), key_->spki_der(),
                                              profile, Bytes{2})
                .value();
  }

  // Signs four GOPs of five pictures, with the records that `records` makes of each signature.
  using Records = std::function<std::vector<std::pair<RecordType, Bytes>>(const GopSignature&)>;
  // `salt` makes other pictures behind the same IDR pictures.
  void film(Timestamp begin, const Records& records, std::uint32_t salt = 0) {
    units_.clear();
    SignerOptions options;
    options.chain_pem = crypto_openssl::certificate_pem(leaf_);
    options.wait_for_key = true;
    options.first_counter = 1000;
    options.supplement = true;
    std::vector<std::pair<RecordType, Bytes>> waiting;
    options.on_signature = [&](const GopSignature& signature) {
      for (auto& record : records(signature)) waiting.push_back(std::move(record));
    };
    auto signer = Signer::create(engine(), key_, std::move(options)).value();
    const auto take = [&](std::span<const Bytes> seis) {
      for (const auto& sei : seis) units_.push_back(sei);
    };
    for (std::uint32_t n = 0; n < 20; ++n) {
      Bytes picture{n % 5 == 0 ? std::uint8_t{0x65} : std::uint8_t{0x41}, 0x88};
      for (std::uint32_t i = 0; i < 60; ++i)
        picture.push_back(static_cast<std::uint8_t>((n * 31 + i * 7 + (n % 5 == 0 ? 0 : salt)) % 250 + 4));
      picture.push_back(0x80);
      const BytesView views[] = {picture};
      take(signer.add(views, begin + n * kFrame).value());
      units_.push_back(picture);
      for (auto& [type, value] : std::exchange(waiting, {}))
        EXPECT_TRUE(signer.add_record(type, std::move(value)));
    }
    take(signer.finish().value());
  }

  // A record with a time stamp of the authority at `path` over the signature.
  Records stamped_by(const std::string& path) {
    return [this, path](const GopSignature& signature) {
      authority_client::TimeStampAuthority authority;
      authority.server.url = tsa_->url(path);
      TimeStampRecord record;
      const auto digest = engine().digest(crypto::HashAlg::sha256, signature.signature);
      std::copy_n(digest.bytes.begin(), 32, record.signature_sha256.begin());
      record.token = authority_client::fetch_time_stamp(engine(), authority, digest).value().der;
      return std::vector<std::pair<RecordType, Bytes>>{
          {RecordType::time_stamp, encode_record(record).value()}};
    };
  }
  Records attested(Bytes evidence, const Bytes& nonce) {
    AttestationRecord record;
    record.backend = "keystored";
    record.nonce = nonce;
    record.evidence = std::move(evidence);
    auto value = encode_record(record).value();
    return [value, done = false](const GopSignature&) mutable {
      std::vector<std::pair<RecordType, Bytes>> out;
      if (!std::exchange(done, true)) out.emplace_back(RecordType::attestation, value);
      return out;
    };
  }

  Report judge(VerifyOptions options = {}, bool time_trusted = true) {
    options.anchors = {root_};
    if (time_trusted)
      options.tsa_anchors =
          engine().certificates_from_pem(as_text(read_file(tsa_->file("root.pem"), 1 << 16).value())).value();
    Verifier verifier(codec::Codec::h264, engine(), std::move(options));
    std::vector<codec::Unit> units;
    for (const auto& unit : units_) {
      codec::Unit u;
      u.bytes = unit;
      units.push_back(u);
    }
    verifier.add(units);
    return verifier.finish();
  }
  static bool has_note(const Report& report, NoteKind kind) {
    return std::any_of(report.notes.begin(), report.notes.end(),
                       [&](const Note& n) { return n.kind == kind; });
  }

  static std::unique_ptr<test_support::TemporaryFolder> folder_;
  static std::unique_ptr<Tsa> tsa_;
  Timestamp now_ = SystemClock().now();
  std::unique_ptr<crypto_openssl::LocalKey> root_key_;
  crypto::Certificate root_;
  std::shared_ptr<crypto::SigningKey> key_;
  crypto::Certificate leaf_;
  std::vector<Bytes> units_;
};
std::unique_ptr<test_support::TemporaryFolder> EvidenceTest::folder_;
std::unique_ptr<Tsa> EvidenceTest::tsa_;

TEST_F(EvidenceTest, ATrustedAuthoritySaysWhenItWasRecorded) {
  film(now_, stamped_by("/good"));
  const auto report = judge();
  EXPECT_EQ(report.verdict, Verdict::authentic) << report.verdict_reason;
  EXPECT_EQ(report.provenance, Provenance::trusted) << report.provenance_reason;
  ASSERT_GE(report.time_stamps.size(), 2u);
  for (const auto& stamp : report.time_stamps) {
    EXPECT_EQ(stamp.verdict, crypto::TimeStampVerdict::trusted) << stamp.reason;
    EXPECT_EQ(stamp.authority, "Test TSA");
    ASSERT_TRUE(stamp.signed_time);
  }
  EXPECT_EQ(report.time_stamps[0].first_gop, 0u);
  EXPECT_EQ(report.gops.at(0).time_stamp, 0u);
  EXPECT_FALSE(report.gops.back().time_stamp);  // its signature came last: nothing can carry its stamp
  EXPECT_TRUE(report.judged_at_stamped);
  EXPECT_LT(*report.judged_at - now_, hours(1));
  for (const auto kind :
       {NoteKind::time_stamp_invalid, NoteKind::time_stamp_contradicts, NoteKind::time_stamp_late})
    EXPECT_FALSE(has_note(report, kind));
}

TEST_F(EvidenceTest, OneStampSpeaksForAllThatItLinksTo) {
  int count = 0;
  const auto stamp = stamped_by("/good");
  film(now_, [&](const GopSignature& signature) {
    return ++count == 3 ? stamp(signature) : std::vector<std::pair<RecordType, Bytes>>{};
  });
  const auto report = judge();
  ASSERT_EQ(report.time_stamps.size(), 1u);
  EXPECT_EQ(report.time_stamps[0].first_gop, 0u);
  EXPECT_EQ(report.time_stamps[0].last_gop, 2u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(report.gops.at(i).time_stamp, 0u);
  EXPECT_FALSE(report.gops.at(3).time_stamp);
}

// A link is the hash of an IDR picture. Whoever has stolen the key can change all others and sign them anew:
// the stamp must not reach them.
TEST_F(EvidenceTest, AStampSpeaksForNothingThatWasSignedAnew) {
  const auto picture = [](const std::vector<Bytes>& units, std::size_t number) {
    return std::find_if(units.begin(), units.end(), [&](const Bytes& unit) {
      return (unit[0] == 0x65 || unit[0] == 0x41) && number-- == 0;
    });
  };
  int count = 0;
  const auto stamp = stamped_by("/good");
  film(now_, [&](const GopSignature& signature) {
    return ++count == 3 ? stamp(signature) : std::vector<std::pair<RecordType, Bytes>>{};
  });
  const auto genuine = units_;
  film(
      now_, [](const GopSignature&) { return std::vector<std::pair<RecordType, Bytes>>{}; }, 5);
  // The signatures about the second GOP stand behind the third IDR picture.
  units_.erase(picture(units_, 11), units_.end());
  units_.insert(units_.end(), picture(genuine, 11), genuine.end());
  const auto report = judge();
  EXPECT_EQ(report.verdict, Verdict::authentic) << report.verdict_reason;  // it is the camera's key
  ASSERT_EQ(report.time_stamps.size(), 1u);
  EXPECT_EQ(report.time_stamps[0].last_gop, 2u);
  EXPECT_EQ(report.time_stamps[0].first_gop, 2u);
  for (const std::size_t gop : {0u, 1u, 3u}) EXPECT_FALSE(report.gops.at(gop).time_stamp) << gop;
}

TEST_F(EvidenceTest, NobodysWordCountsWithoutAnAnchor) {
  film(now_, stamped_by("/good"));
  auto report = judge({}, false);
  EXPECT_EQ(report.time_stamps.at(0).verdict, crypto::TimeStampVerdict::untrusted);
  EXPECT_FALSE(report.gops.at(0).time_stamp);
  EXPECT_FALSE(report.judged_at_stamped);
  EXPECT_EQ(report.judged_at, now_);
  film(now_, stamped_by("/foreign"));
  report = judge();
  EXPECT_EQ(report.time_stamps.at(0).verdict, crypto::TimeStampVerdict::untrusted);
  EXPECT_FALSE(has_note(report, NoteKind::time_stamp_invalid));  // honest, only not ours
  EXPECT_EQ(report.provenance, Provenance::trusted);
}

TEST_F(EvidenceTest, AStampOfSomethingElseIsWorthNothing) {
  const auto other = stamped_by("/good")({0, {}, as_bytes("another recording's signature")});
  const auto token = read_time_stamp_record(other[0].second).value().token;
  film(now_, [&](const GopSignature& signature) {
    TimeStampRecord record;
    const auto digest = engine().digest(crypto::HashAlg::sha256, signature.signature);
    std::copy_n(digest.bytes.begin(), 32, record.signature_sha256.begin());
    record.token = token;
    return std::vector<std::pair<RecordType, Bytes>>{{RecordType::time_stamp, encode_record(record).value()}};
  });
  auto report = judge();
  EXPECT_EQ(report.time_stamps.at(0).verdict, crypto::TimeStampVerdict::invalid);
  EXPECT_TRUE(has_note(report, NoteKind::time_stamp_invalid));
  EXPECT_FALSE(report.gops.at(0).time_stamp);
  // Good in itself, but of no signature in this clip: it covers nothing.
  film(now_, [&](const GopSignature&) { return std::vector<std::pair<RecordType, Bytes>>{other[0]}; });
  report = judge();
  EXPECT_EQ(report.time_stamps.at(0).verdict, crypto::TimeStampVerdict::trusted);
  EXPECT_FALSE(report.time_stamps.at(0).last_gop);
  EXPECT_FALSE(report.judged_at_stamped);
}

TEST_F(EvidenceTest, TimesThatCannotBeAreNoted) {
  film(now_ + hours(24 * 30), stamped_by("/good"));
  EXPECT_TRUE(has_note(judge(), NoteKind::time_stamp_contradicts));
  film(now_ - hours(24 * 30), stamped_by("/good"));
  const auto late = judge();
  EXPECT_TRUE(has_note(late, NoteKind::time_stamp_late));
  EXPECT_FALSE(has_note(late, NoteKind::time_stamp_contradicts));
  // A time that no certificate of this camera covers, moved there by its clock: the authority knows better.
  film(now_ - hours(24 * 350), stamped_by("/good"));
  EXPECT_EQ(judge().provenance, Provenance::trusted);
  EXPECT_EQ(judge({}, false).provenance, Provenance::untrusted);
}

TEST_F(EvidenceTest, OfAStolenKeyWhatWasStampedBeforeStaysItsOwners) {
  film(now_, stamped_by("/good"));
  const auto with_theft_at = [&](Timestamp since) {
    crypto_openssl::RevocationContent content;
    content.this_update = now_;
    content.next_update = now_ + hours(48);
    content.revoked = {{leaf_.serial, since, crypto_openssl::RevocationReason::key_compromise}};
    VerifyOptions options;
    options.crls = {crypto_openssl::issue_revocation_list(*root_key_, root_, content).value()};
    return judge(std::move(options));
  };
  const auto later = with_theft_at(now_ + hours(24));
  EXPECT_EQ(later.provenance, Provenance::untrusted);  // the end of the clip has no stamp
  EXPECT_NE(later.provenance_reason.find("under a time stamp"), std::string::npos) << later.provenance_reason;
  const auto before = with_theft_at(now_ - hours(24));
  EXPECT_EQ(before.provenance, Provenance::untrusted);
  EXPECT_EQ(before.provenance_reason.find("under a time stamp"), std::string::npos)
      << before.provenance_reason;
}

TEST_F(EvidenceTest, WhereTheKeyLives) {  // AX-4.1-3
  const Bytes nonce(16, 0x33);
  const auto attester = crypto_openssl::LocalKey::generate(crypto::KeyAlg::ec_p256).value();
  const auto evidence_about = [&](BytesView spki) {
    attestation::KeystoredStatement s;
    s.spki_sha256 = engine().digest(crypto::HashAlg::sha256, spki);
    s.origin = attestation::KeyOrigin::generated_inside;
    s.purpose = 2;
    s.backend = "software";
    s.created = s.stated = from_unix_seconds(to_unix_seconds(now_));
    s.nonce = nonce;
    attestation::KeystoredEvidence e;
    e.statement = attestation::encode_statement(s).value();
    e.signature = attester->sign(e.scheme, e.hash, engine().digest(e.hash, e.statement)).value();
    e.attester_spki = attester->spki_der();
    return attestation::encode_evidence(e).value();
  };
  film(now_, attested(evidence_about(key_->spki_der()), nonce));
  auto report = judge();
  ASSERT_EQ(report.attestations.size(), 1u);
  EXPECT_EQ(report.attestations[0].standing, attestation::Standing::own_word)
      << report.attestations[0].reason;
  EXPECT_EQ(report.attestations[0].origin, "generated inside");
  EXPECT_FALSE(has_note(report, NoteKind::attestation_invalid));
  // Of another device, and with another nonce than the record says.
  film(now_, attested(evidence_about(attester->spki_der()), nonce));
  EXPECT_TRUE(has_note(judge(), NoteKind::attestation_invalid));
  film(now_, attested(evidence_about(key_->spki_der()), Bytes(16, 0x34)));
  EXPECT_TRUE(has_note(judge(), NoteKind::attestation_invalid));
  // The maker's certificate names the attestation key: then the maker vouches for it.
  make_camera(to_bytes(engine().digest(crypto::HashAlg::sha256, attester->spki_der()).view()));
  film(now_, attested(evidence_about(key_->spki_der()), nonce));
  report = judge();
  EXPECT_EQ(report.attestations.at(0).standing, attestation::Standing::vouched)
      << report.attestations.at(0).reason;
  make_camera(Bytes(32, 0x11));  // of another attestation key
  film(now_, attested(evidence_about(key_->spki_der()), nonce));
  EXPECT_EQ(judge().attestations.at(0).standing, attestation::Standing::invalid);
}

}  // namespace
}  // namespace camvault::signed_video
