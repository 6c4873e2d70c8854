// ONVIF's user-provisioned signing: the camera's key signs a certificate SEI that names the owner's
// certificate, and the owner's key signs the pictures. IP-4.2-2, SP-4.2.7
#include <gtest/gtest.h>

#include "sei_writer.h"
#include "variants.h"

namespace camvault::signed_video::test {
namespace {

const Maker& owner() {
  static const Maker instance;
  return instance;
}
const Camera& owners_key() {
  static const Camera instance = owner().camera("");
  return instance;
}

CertificateChain maker_chain(const Camera& camera = camera_one()) {
  return {false, camera.chain_pem};
}
CertificateChain owner_chain(const Camera& key) {
  return {true, key.chain_pem};
}

Bytes sign(const SeiDraft& draft, crypto::SigningKey& key) {
  const auto writer = SeiWriter::create(draft, crypto::max_signature_size(key.alg())).value();
  const auto digest = engine().digest(crypto::HashAlg::sha256, writer.document);
  const auto signature = key.sign(crypto::default_scheme(key.alg()), crypto::HashAlg::sha256, digest).value();
  return writer.finish(signature).value();
}

// What the SEI says, signed by another key and with other chains.
Bytes signed_anew(BytesView unit, crypto::SigningKey& key, std::vector<CertificateChain> chains,
                  std::optional<crypto::Digest> link = {}) {
  const auto message = read_sei_message(codec::Codec::h264, unit).value();
  SeiDraft draft;
  draft.certificate_sei = message.certificate_sei;
  draft.general = message.general;
  if (link) draft.general->linked_hash = *link;
  if (message.hash_list) draft.hash_list = *message.hash_list;
  draft.hash = crypto::HashAlg::sha256;
  draft.vendor = message.vendor;
  draft.chains = std::move(chains);
  return sign(draft, key);
}

std::vector<std::size_t> seis_of(const Take& take) {
  std::vector<std::size_t> at;
  for (std::size_t i = 0; i < take.units.size(); ++i)
    if (take.letters[i] == 'S') at.push_back(i);
  return at;
}

// A recording whose pictures the owner's key signed. The certificate SEI comes first.
Take owners_recording(const Camera& key = owners_key(), const Camera& vouching = camera_one()) {
  auto take = record("IPPPIPPPIPPPIPPP", camera_one(), options_for(camera_one()));
  const auto seis = seis_of(take);
  take.units[seis[0]] =
      signed_anew(take.units[seis[0]], *vouching.key, {maker_chain(vouching), owner_chain(key)});
  for (std::size_t n = 1; n < seis.size(); ++n)
    take.units[seis[n]] =
        signed_anew(take.units[seis[n]], *key.key, {maker_chain(vouching), owner_chain(key)});
  return take;
}

VerifyOptions with_owner(const Camera& camera = camera_one()) {
  auto options = trusting(camera);
  options.owner_anchors = {owner().root};
  return options;
}

TEST(OwnerKey, TheCameraVouchesForIt) {
  const auto take = owners_recording();
  const auto report = verify(take, with_owner());
  expect(report, Verdict::authentic, "owner's key");
  EXPECT_EQ(report.provenance, Provenance::trusted) << report.provenance_reason;
  ASSERT_TRUE(report.signer);
  EXPECT_TRUE(report.signer->user_provisioned);
  EXPECT_EQ(report.signer->serial, "CAM-0001");
  // The owner is not known.
  EXPECT_EQ(verify(take,
                   [] {
                     auto options = with_owner();
                     options.owner_anchors->clear();
                     return options;
                   }())
                .provenance,
            Provenance::untrusted);
}

// A genuine recording goes on with pictures of somebody who calls his key the owner's.
TEST(OwnerKey, NobodyPutsOneIntoARecording) {
  const auto take = record("IPPPIPPPIPPPIPPP", camera_one(), options_for(camera_one()));
  const auto forged = record("IPPPIPPPIPPPIPPP", camera_one(), options_for(camera_one()), 99);
  const auto seis = seis_of(take);
  const auto stranger = Maker().camera("CAM-0001");
  for (const auto* key : {&stranger, &camera_two()}) {
    // The pictures of the third GOP on, and the signatures about them: the first of these links to the GOP in
    // front.
    auto clip = take;
    for (auto i = clip.find('I', 2); i < clip.units.size(); ++i) {
      if (i == seis[2]) continue;  // about the GOP in front
      clip.units[i] = forged.units[i];
      if (clip.letters[i] != 'S') continue;
      std::optional<crypto::Digest> link;
      if (i == seis[3])
        link = read_sei_message(codec::Codec::h264, take.units[i]).value().general->linked_hash;
      clip.units[i] = signed_anew(clip.units[i], *key->key, {maker_chain(), owner_chain(*key)}, link);
    }
    for (const auto& options : {trusting(camera_one()), VerifyOptions()}) {
      const auto report = verify(clip, options);
      EXPECT_EQ(report.verdict, Verdict::not_authentic) << report.verdict_reason;
      EXPECT_TRUE(has_note(report, NoteKind::signer_changed)) << report.verdict_reason;
      EXPECT_NE(report.provenance, Provenance::trusted);
    }
  }
}

// Certificates are in every clip: who copies a camera's is not that camera.
TEST(OwnerKey, ACopiedCertificateOfACameraVouchesForNothing) {
  auto take = owners_recording(camera_two());
  take.erase(seis_of(take)[0]);  // the certificate SEI, which only the camera's key can sign
  auto options = trusting(camera_one());
  auto report = verify(take, options);
  EXPECT_NE(report.provenance, Provenance::trusted) << report.provenance_reason;
  options.expected_serial = "CAM-0001";
  report = verify(take, options);
  EXPECT_EQ(report.verdict, Verdict::not_authentic);
  EXPECT_NE(report.provenance, Provenance::trusted) << report.provenance_reason;
  options.expected_serial.clear();
  options.expected_signer = camera_one().leaf;
  report = verify(take, options);
  EXPECT_EQ(report.verdict, Verdict::not_authentic);
  EXPECT_NE(report.provenance, Provenance::trusted) << report.provenance_reason;
}

// Signed by a camera, in the name of an owner whom nobody trusts: with the camera given all the same.
TEST(OwnerKey, TheCameraThatWasGivenVouchesForIt) {
  auto options = with_owner();
  options.expected_signer = camera_one().leaf;
  options.expected_serial = "CAM-0001";
  const auto report = verify(owners_recording(), options);
  expect(report, Verdict::authentic, "owner's key");
  EXPECT_EQ(report.provenance, Provenance::trusted) << report.provenance_reason;
  options.anchors.push_back(camera_two().root);
  EXPECT_EQ(verify(owners_recording(owners_key(), camera_two()), options).verdict, Verdict::not_authentic);
}

}  // namespace
}  // namespace camvault::signed_video::test
