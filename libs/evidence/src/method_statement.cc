#include "camvault/evidence/method_statement.h"

namespace camvault::evidence {

std::string method_statement(const MethodFacts& f) {
  const auto time = [](const std::optional<Timestamp>& t) {
    return t ? to_iso8601(*t) : std::string("unknown");
  };
  std::string out;
  int line = 0;
  const auto say = [&](const std::string& text) { out += std::to_string(++line) + ". " + text + "\n"; };
  say("Source: " + f.source_name + ", SHA-256 " + f.source_sha256 + ".");
  say("Asked for: " + f.asked + ". Exported " + to_iso8601(f.exported) +
      (f.operator_name.empty() ? "" : " by " + f.operator_name) + " with " + f.tool + ".");
  say("Result: " + f.clip_name + ", SHA-256 " + f.clip_sha256 + ".");
  say("The clip begins and ends where whole groups of pictures do, so that every signature speaks about "
      "pictures that are "
      "here: by the camera's clock from " +
      time(f.first) + " to " + time(f.last) + " (UTC).");
  say("No picture was encoded anew or changed: the video's units are those of the source, byte by byte and "
      "in order. The "
      "signature of the last group stands behind the next one's beginning; it was put at the end.");
  say("Integrity: " + f.verdict);
  say("Origin: " + f.provenance);
  say("Check the files: sha256sum -c SHA256SUMS. Check the video: camvault verify on this folder or ZIP "
      "file, or any other "
      "verifier of ONVIF Media Signing on " +
      f.clip_name + ".");
  say(f.report_is_signed
          ? "The report is signed: openssl cms -verify -binary -inform DER -in report.json.p7s -content "
            "report.json -CAfile EXAMINER-CA.pem."
          : "The report is not signed: it says what was found, not who found it.");
  say("Proven is what happened to the video since it was signed; not that the scene was real, nor that the "
      "camera's clock "
      "was right, nor anything about sound and other tracks.");
  return out;
}

}  // namespace camvault::evidence
