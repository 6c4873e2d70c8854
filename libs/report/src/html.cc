#include "camvault/report/html.h"

#include <algorithm>
#include <array>

#include "camvault/report/text.h"
#include "covered.h"
#include "html_page.h"
#include "timeline.h"
#include "words.h"

namespace camvault::report {

using signed_video::UnitStatus;
using signed_video::Verdict;

namespace {
constexpr std::size_t kTimelineCells = 480;
constexpr std::array kStatuses{UnitStatus::authentic, UnitStatus::altered,      UnitStatus::missing,
                               UnitStatus::extra,     UnitStatus::out_of_place, UnitStatus::not_covered};

std::string esc(std::string_view text) {
  return html_escaped(text);
}

// RFC 4648, section 4.
std::string base64(BytesView data) {
  static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((data.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < data.size(); i += 3) {
    const std::uint32_t a = data[i];
    const std::uint32_t b = i + 1 < data.size() ? data[i + 1] : 0u;
    const std::uint32_t c = i + 2 < data.size() ? data[i + 2] : 0u;
    const std::uint32_t group = a << 16 | b << 8 | c;
    out += kAlphabet[group >> 18];
    out += kAlphabet[group >> 12 & 63];
    out += i + 1 < data.size() ? kAlphabet[group >> 6 & 63] : '=';
    out += i + 2 < data.size() ? kAlphabet[group & 63] : '=';
  }
  return out;
}

// The type is what the bytes are, not what somebody says.
std::string_view image_type(BytesView image) {
  static constexpr std::uint8_t kPng[] = {0x89, 'P', 'N', 'G', 0x0D, 0x0A, 0x1A, 0x0A};
  static constexpr std::uint8_t kJpeg[] = {0xFF, 0xD8, 0xFF};
  if (image.size() > std::size(kPng) && equal(image.first(std::size(kPng)), kPng)) return "image/png";
  if (image.size() > std::size(kJpeg) && equal(image.first(std::size(kJpeg)), kJpeg)) return "image/jpeg";
  return {};
}

std::string origin_html(const signed_video::Report& report) {
  using signed_video::Provenance;
  const auto mood = report.provenance == Provenance::trusted     ? "good"
                    : report.provenance == Provenance::untrusted ? "bad"
                                                                 : "neutral";
  auto html =
      "<span class=\"pill " + std::string(mood) + "\">" + std::string(label(report.provenance)) + "</span>";
  if (!report.provenance_reason.empty())
    html += " <span class=\"reason\">" + esc(report.provenance_reason) + "</span>";
  return html;
}

std::string camera_html(const signed_video::SignerInfo& s) {
  auto html = s.vendor_manufacturer.empty() ? esc(s.subject) : esc(s.vendor_manufacturer);
  const auto& serial = s.serial.empty() ? s.vendor_serial : s.serial;
  if (!serial.empty()) html += "<br>serial number " + esc(serial);
  if (!s.vendor_firmware.empty()) html += "<br>firmware " + esc(s.vendor_firmware);
  return html;
}

void facts(std::string& out, const Subject& subject, const signed_video::Report& report) {
  out += "<section><dl class=\"facts\">\n";
  add_fact(
      out, "File",
      esc(subject.file_name) + "<br><span class=\"reason\">" + bytes_text(subject.file_bytes) + "</span>");
  if (report.verdict != Verdict::not_signed) add_fact(out, "Origin", origin_html(report));
  if (report.signer)
    add_fact(out, "Camera, as its certificate and signature say", camera_html(*report.signer));
  if (!subject.trust_store.empty())
    add_fact(out, "Trusted authorities",
             "those in the trust store<br><span class=\"reason\">" + esc(subject.trust_store) + "</span>");
  if (report.first_time) {
    add_fact(out, "Recorded, by the camera&#39;s clock",
             utc_text(*report.first_time) +
                 (report.last_time ? "<br>to " + utc_text(*report.last_time) : std::string()));
  }
  std::string stamped;
  for (const auto& line : recorded_before(report, 7)) stamped += (stamped.empty() ? "" : "<br>") + esc(line);
  add_fact(out, "Time, as others say", stamped);
  std::string content =
      count_text(report.pictures, "picture", "pictures") + ", " + std::string(codec::name_of(report.codec));
  if (subject.width != 0)
    content += ", " + std::to_string(subject.width) + " &times; " + std::to_string(subject.height);
  if (subject.duration) content += ", " + duration_text(*subject.duration);
  if (!subject.container.empty()) content += ", " + html_escaped(container_text(subject.container));
  add_fact(out, "Content", content);
  std::string counted = with_separators(report.pictures_authentic) + " authentic";
  for (const auto& part : tallies(report)) counted += "<br>" + part;
  if (report.pictures_not_covered != 0)
    counted += "<br>" + with_separators(report.pictures_not_covered) + " not covered by a signature";
  add_fact(out, "Pictures counted", counted);
  if (report.judged_at) {
    add_fact(
        out, "Certificates judged at",
        utc_text(*report.judged_at) +
            (report.judged_at_given ? " <span class=\"reason\">as asked for; not the recording time</span>"
             : report.judged_at_stamped ? " <span class=\"reason\">the time of a trusted time stamp</span>"
                                        : " <span class=\"reason\">the recording time</span>"));
  }
  out += "</dl></section>\n";
}

void timeline_html(std::string& out, const Subject& subject, const signed_video::Report& report) {
  const auto cells = timeline(report, kTimelineCells);
  if (cells.empty()) return;
  out +=
      "<section><h2>The clip from beginning to end</h2>\n<svg class=\"timeline\" viewBox=\"0 0 960 46\" "
      "preserveAspectRatio=\"none\" role=\"img\" "
      "aria-label=\"timeline of the clip\">\n";
  for (std::size_t i = 0; i < cells.size();) {
    auto end = i;
    while (end < cells.size() && cells[end] == cells[i]) ++end;
    // What is wrong stands taller than what is right: it shows without colour.
    const bool fine = cells[i] == UnitStatus::authentic || cells[i] == UnitStatus::not_covered;
    out += "<rect class=\"" + std::string(to_string(cells[i])) + "\" x=\"" + std::to_string(i * 2) +
           "\" y=\"" + (fine ? "8" : "0") + "\" width=\"" + std::to_string((end - i) * 2) + "\" height=\"" +
           (fine ? "30" : "46") + "\"><title>" + std::string(label(cells[i])) + "</title></rect>\n";
    i = end;
  }
  out += "</svg>\n<div class=\"scale\"><span>";
  out += subject.duration ? std::string("0:00") : std::string("picture 0");
  out += "</span><span>";
  out += subject.duration ? clock_text(*subject.duration)
                          : "picture " + with_separators(timeline_pictures(report) - 1);
  out += "</span></div>\n<ul class=\"legend\">";
  for (const auto status : kStatuses) {
    if (std::find(cells.begin(), cells.end(), status) == cells.end()) continue;
    out += "<li><i class=\"key " + std::string(to_string(status)) + "\"></i>" + std::string(label(status)) +
           " <span class=\"reason\">" + std::string(explanation(status)) + "</span></li>";
  }
  out += "</ul></section>\n";
}

void thumbnails_html(std::string& out, std::span<const Thumbnail> thumbnails) {
  std::string figures;
  std::size_t shown = 0;
  for (const auto& thumbnail : thumbnails) {
    const auto type = image_type(thumbnail.image);
    if (type.empty() || shown == kMaxThumbnails) continue;
    ++shown;
    const auto caption = esc(thumbnail.caption);
    figures += "<figure><img alt=\"" + caption + "\" src=\"data:" + std::string(type) + ";base64," +
               base64(thumbnail.image) + "\"><figcaption>" + caption + "</figcaption></figure>\n";
  }
  if (!figures.empty()) out += "<div class=\"thumbs\">\n" + figures + "</div>\n";
}

void findings_html(std::string& out, const signed_video::Report& report,
                   std::span<const Thumbnail> thumbnails) {
  if (report.findings.empty() && thumbnails.empty()) return;
  out += "<section><h2>What is not as it was signed</h2>\n";
  thumbnails_html(out, thumbnails);
  out +=
      "<table><thead><tr><th>What</th><th>Pictures</th><th>Where</th><th>In words</th></tr></thead><tbody>\n";
  std::size_t shown = 0;
  for (const auto& f : report.findings) {
    if (f.status == UnitStatus::authentic) continue;
    if (++shown > kMaxHtmlFindings) continue;
    out += "<tr><td class=\"t\"><i class=\"key " + std::string(to_string(f.status)) + "\"></i>" +
           std::string(label(f.status)) + "</td><td class=\"t\">" + with_separators(f.first_picture) +
           (f.first_picture == f.last_picture ? std::string() : " to " + with_separators(f.last_picture)) +
           "</td><td>" + place_in_time(f) + "</td><td>" + esc(f.what) + "</td></tr>\n";
  }
  out += "</tbody></table>\n";
  if (shown > kMaxHtmlFindings) {
    out += "<p class=\"reason\">" + count_text(shown - kMaxHtmlFindings, "place more is", "places more are") +
           " not printed here; the JSON report lists them.</p>\n";
  }
  if (report.findings_truncated)
    out += "<p class=\"reason\">There are more places than the checker writes down.</p>\n";
  out += "</section>\n";
}

void notes_html(std::string& out, const signed_video::Report& report) {
  if (report.notes.empty()) return;
  out += "<section><h2>Good to know</h2><ul class=\"notes\">\n";
  for (const auto& note : report.notes) {
    out += std::string(is_warning(note.kind) ? "<li class=\"warn\"><b>" : "<li><b>") + esc(label(note.kind)) +
           "</b>: " + esc(note.text) + "</li>\n";
  }
  out += "</ul></section>\n";
}

void covered_html(std::string& out, const Subject& subject, const signed_video::Report& report) {
  const auto entries = covered(subject, report);
  if (entries.empty()) return;
  out +=
      "<section><h2>What the signatures speak about</h2>\n<table><thead><tr><th>Part of the clip</th>"
      "<th>Covered</th></tr></thead><tbody>\n";
  for (const auto& entry : entries) {
    out += "<tr><td>" + esc(entry.name) + "</td><td class=\"t\"><i class=\"key " +
           (entry.fine()       ? "authentic"
            : entry.is_altered ? "altered"
                               : "not_covered") +
           "\"></i>" + esc(entry.words) + "</td></tr>\n";
  }
  out += "</tbody></table>\n";
  if (report.supplement.promised) {
    out +=
        "<p class=\"reason\">The camera&#39;s certificate promises that it signs more than the pictures: "
        "taking "
        "these signatures away would have been noticed.</p>\n";
  } else if (report.supplement.supplements == 0) {
    out +=
        "<p class=\"reason\">No signature here speaks about more than the pictures, and the camera&#39;s "
        "certificate promises none.</p>\n";
  }
  out += "</section>\n";
}

void gops_html(std::string& out, const signed_video::Report& report) {
  if (report.gops.empty()) return;
  out +=
      "<section><h2>For the expert: groups of pictures</h2>\n<table><thead><tr><th class=\"n\">GOP</th><th "
      "class=\"n\">First picture</th>"
      "<th class=\"n\">Pictures</th><th>Verdict</th><th>Signature</th><th>Linked to previous</th><th>Signed "
      "start</th></tr></thead><tbody>\n";
  std::size_t shown = 0;
  for (const auto& g : report.gops) {
    if (++shown > kMaxHtmlGops) break;
    out += "<tr><td class=\"n\">" + std::to_string(g.index) + "</td><td class=\"n\">" +
           with_separators(g.first_picture) + "</td><td class=\"n\">" + with_separators(g.pictures) +
           "</td><td class=\"t\"><i class=\"key " + std::string(to_string(g.verdict)) + "\"></i>" +
           std::string(label(g.verdict)) + "</td><td>" + std::string(label(g.signature)) + "</td><td>" +
           (g.linked ? "yes" : "no") + "</td><td class=\"t\">" + (g.start ? utc_text(*g.start) : "") +
           "</td></tr>\n";
  }
  out += "</tbody></table>\n";
  if (report.gops.size() > kMaxHtmlGops) {
    out += "<p class=\"reason\">" +
           count_text(report.gops.size() - kMaxHtmlGops, "group more is", "groups more are") +
           " not printed here; the JSON report lists them.</p>\n";
  }
  out += "</section>\n";
}

void chain_html(std::string& out, const signed_video::Report& report) {
  if (!report.signer && report.chain.empty()) return;
  out += "<section><h2>For the expert: who signed</h2><dl class=\"facts\">\n";
  if (report.signer) {
    const auto& s = *report.signer;
    add_fact(out, "Signer&#39;s certificate", esc(s.subject));
    add_fact(out, "Issued by", esc(s.issuer));
    add_fact(out, "Key",
             esc(s.key) + (s.user_provisioned ? " (provisioned by the user, not the maker)" : ""));
    add_fact(out, "Where the key is", esc(key_evidence(report)));
    add_fact(out, "Fingerprint, SHA-256", "<code>" + esc(s.fingerprint) + "</code>");
  }
  add_fact(
      out, "Format",
      esc(report.format) + (report.hash.empty() ? std::string() : ", " + esc(report.hash)) + ", " +
          count_text(report.seis_signed, "signature", "signatures") +
          (report.seis_unsigned == 0 ? std::string()
                                     : " and " + count_text(report.seis_unsigned, "message", "messages") +
                                           " signed through a later one"));
  for (std::size_t i = 1; i < report.chain.size(); ++i) {
    const auto& c = report.chain[i];
    add_fact(out, "Intermediate certificate",
             esc(c.subject) + "<br><span class=\"reason\">" + utc_text(c.not_before) + " to " +
                 utc_text(c.not_after) + "</span><br><code>" + esc(c.sha256) + "</code>");
  }
  out += "</dl></section>\n";
}

void plain(std::string& out, std::string_view title, const std::vector<std::string>& paragraphs) {
  out.append("<section class=\"plain\"><h2>").append(title).append("</h2>\n");
  for (const auto& paragraph : paragraphs)
    out.append("<p>").append(html_escaped(paragraph, 2000)).append("</p>\n");
  out += "</section>\n";
}
}  // namespace

std::string to_html(const Subject& subject, const signed_video::Report& report,
                    std::span<const Thumbnail> thumbnails) {
  const auto head = headline(report);
  auto out = begin_page({head.mood, "Video authenticity report", head.title, head.sentence},
                        subject.file_name, subject.tool_version);
  facts(out, subject, report);
  timeline_html(out, subject, report);
  findings_html(out, report, thumbnails);
  notes_html(out, report);
  covered_html(out, subject, report);
  plain(out, "How this was checked", method(report));
  plain(out, "What this does not say", limits(subject, report));
  chain_html(out, report);
  gops_html(out, report);
  out += "<footer>";
  if (!subject.sha256.empty()) out += "SHA-256 of the file <code>" + esc(subject.sha256) + "</code><br>";
  if (subject.checked_at) out += "Checked " + utc_text(*subject.checked_at) + " with ";
  out += "camvault " + esc(subject.tool_version) + "</footer>\n";
  return out + end_page();
}

}  // namespace camvault::report
