// Every variant of signing, and a scene that most tests use.
#pragma once

#include "scene.h"

namespace camvault::signed_video::test {

inline constexpr char kScene[] = "IPPPIPPPIPPPIPPP";  // 4 GOPs of 4 pictures

inline Take standard() {
  return record(kScene, camera_one(), options_for(camera_one()));
}

inline void expect(const Report& report, Verdict verdict, const char* why) {
  EXPECT_EQ(report.verdict, verdict) << why << ": " << to_string(report.verdict) << ", "
                                     << report.verdict_reason;
}

struct Variant {
  const char* name;
  std::function<void(SignerOptions&)> set;
  codec::Codec codec = codec::Codec::h264;
  const char* scene = kScene;
};

inline std::vector<Variant> variants() {
  return {
      {"plain", [](SignerOptions&) {}},
      {"h265", [](SignerOptions&) {}, codec::Codec::h265},
      {"slices", [](SignerOptions&) {}, codec::Codec::h264, "IiiPppPppIiiPppPppIiiPpp"},
      {"temporal_layers", [](SignerOptions&) {}, codec::Codec::h265, "ITPTPTITPTPT"},
      {"all_intra", [](SignerOptions&) {}, codec::Codec::h264, "IIIIIIII"},
      {"low_bitrate", [](SignerOptions& o) { o.low_bitrate = true; }},
      {"every_third", [](SignerOptions& o) { o.signing_interval = 3; }, codec::Codec::h264,
       "IPPIPPIPPIPPIPPIPPIPPIPP"},
      {"low_every_second",
       [](SignerOptions& o) {
         o.signing_interval = 2;
         o.low_bitrate = true;
       }},
      {"parts", [](SignerOptions& o) { o.max_partial_units = 3; }, codec::Codec::h264,
       "IPPPPPPPPPIPPPPPPPPP"},
      {"parts_by_time", [](SignerOptions& o) { o.max_partial_time = std::chrono::milliseconds(100); },
       codec::Codec::h264, "IPPPPPPPPPIPPPPPPPPP"},
      {"low_parts",
       [](SignerOptions& o) {
         o.max_partial_units = 3;
         o.low_bitrate = true;
       },
       codec::Codec::h264, "IPPPPPPPPPIPPPPPPPPP"},
      {"certificate_sei_only", [](SignerOptions& o) { o.chain_in_every_sei = false; }},
      {"no_certificate_sei", [](SignerOptions& o) { o.certificate_sei = false; }},
      {"no_emulation_prevention", [](SignerOptions& o) { o.emulation_prevention = false; }},
      {"repeated", [](SignerOptions& o) { o.repeat_seis = true; }},
      {"sha512", [](SignerOptions& o) { o.hash = crypto::HashAlg::sha512; }},
      {"sha384_low",
       [](SignerOptions& o) {
         o.hash = crypto::HashAlg::sha384;
         o.low_bitrate = true;
       }},
      {"axis", [](SignerOptions& o) { o.form = SignatureForm::axis; }},
      {"axis_low_every_second",
       [](SignerOptions& o) {
         o.form = SignatureForm::axis;
         o.low_bitrate = true;
         o.signing_interval = 2;
       }},
      {"axis_parts_sha512",
       [](SignerOptions& o) {
         o.form = SignatureForm::axis;
         o.max_partial_units = 3;
         o.hash = crypto::HashAlg::sha512;
       },
       codec::Codec::h265, "IPPPPPPPPPIPPPPPPPPP"},
      {"av1", [](SignerOptions&) {}, codec::Codec::av1},
      {"no_interval_last", [](SignerOptions& o) { o.signing_interval = 100; }},
  };
}

}  // namespace camvault::signed_video::test
