// Records of supplements, judged: time stamps and evidence about keys. Input: records, each a byte of flags
// and two of length in front. Laws: a record is judged or named in a note, stamps speak about groups of
// pictures that are there, nobody is trusted who is not known.
#include "evidence.h"

#include <algorithm>

#include "authority_certificates.h"
#include "camvault/crypto_openssl/engine.h"
#include "fuzz.h"

namespace {

using namespace camvault;
using namespace camvault::signed_video;

constexpr std::size_t kMaxRecords = 32;
const auto kBegin = from_unix_seconds(1'795'000'000);

const crypto::Engine& engine() {
  static const auto instance = crypto_openssl::make_openssl_engine();
  return *instance;
}

#ifdef CAMVAULT_PLANTED_BUG
// Planted: the name of a backend is believed to be as long as its length says.
unsigned planted_name(BytesView value) {
  unsigned sum = 0;
  if (value.size() < 2 || value[0] == 0 || value[0] > 32) return 0;
  for (std::size_t i = 0; i < value[0]; ++i) sum += value.data()[1 + i];
  return sum;
}
#endif

Report report_of(BytesView input) {
  Report report;
  for (std::uint32_t i = 0; i < 4; ++i) {
    GopReport gop;
    gop.index = i;
    gop.linked = i != 2;
    gop.binding = {2 * i + 1, 2 * i + 1 + i % 2, 1 + i % 2, i != 1, true, true};
    gop.start = kBegin + std::chrono::seconds(i);
    gop.end = kBegin + std::chrono::seconds(i + 1);
    report.gops.push_back(gop);
  }
  while (input.size() >= 3 && report.records.size() < kMaxRecords) {
    const auto flags = input[0];
    const auto size =
        std::min<std::size_t>(static_cast<std::size_t>(input[1]) << 8 | input[2], input.size() - 3);
    auto& record = report.records.emplace_back();
    record.type =
        static_cast<std::uint16_t>((flags & 1) != 0 ? RecordType::attestation : RecordType::time_stamp);
    record.value = to_bytes(input.subspan(3, size));
    record.gop = flags >> 6;
    if ((flags & 2) != 0) {
      GopSignatureInfo stamped;
      stamped.start = kBegin + std::chrono::milliseconds(500 * (flags >> 4 & 15));
      if ((flags & 4) != 0) stamped.end = *stamped.start + std::chrono::milliseconds(500);
      stamped.sei = flags >> 4 & 15;
      stamped.of_supplement = (flags & 8) != 0;
      record.stamped = stamped;
    }
    input = input.subspan(3 + size);
  }
  return report;
}

void check_stamps(const Report& report) {
  for (const auto& stamp : report.time_stamps) {
    law(!stamp.reason.empty(), "every stamp has a reason");
    const bool trusted = stamp.verdict == crypto::TimeStampVerdict::trusted;
    law(!trusted || stamp.time.has_value(), "a trusted stamp says when");
    law(!stamp.last_gop || (trusted && *stamp.last_gop < report.gops.size()),
        "it speaks about what is there");
    law(!stamp.first_gop || (stamp.last_gop && *stamp.first_gop <= *stamp.last_gop), "from first to last");
  }
  for (const auto& gop : report.gops)
    law(!gop.time_stamp || *gop.time_stamp < report.time_stamps.size(), "named by a stamp that is there");
  const auto proven = proven_time(report);
  law(proven.first.has_value() == proven.last.has_value() && (!proven.first || *proven.first <= *proven.last),
      "a span of time");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto report = report_of(BytesView(data, size));
  std::uint64_t stamps = 0;
  std::uint64_t attestations = 0;
  static const auto leaf = engine().certificates_from_pem(fuzz::kLeaf).value().front();
  for (auto& record : report.records) {
    record.signer = leaf.sha256;
    (record.type == static_cast<std::uint16_t>(RecordType::attestation) ? attestations : stamps) += 1;
#ifdef CAMVAULT_PLANTED_BUG
    use(planted_name(record.value));
#endif
  }
  VerifyOptions options;
  options.tsa_anchors = engine().certificates_from_pem(fuzz::kTimeRoot).value();
  judge_time_stamps(engine(), options, report);
  check_stamps(report);
  judge_attestations(engine(), {leaf}, {}, report);
  std::uint64_t noted = 0;
  for (const auto& note : report.notes) noted += note.count;
  law(report.time_stamps.size() <= stamps && report.attestations.size() <= attestations,
      "no more than there are");
  law(report.time_stamps.size() + report.attestations.size() + noted >= stamps + attestations,
      "judged, or named in a note");
  for (const auto& attestation : report.attestations) {
    law(!attestation.reason.empty(), "every standing has a reason");
    law(attestation.standing != attestation::Standing::vouched,
        "nobody vouches for a key whose certificate names no attester");
  }
  return 0;
}
