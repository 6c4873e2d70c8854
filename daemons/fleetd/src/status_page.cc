#include "status_page.h"

#include "camvault/report/text.h"

namespace camvault::fleetd {

using report::html_escaped;

namespace {
constexpr std::string_view kHead = R"(<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><meta http-equiv="refresh" content="15"><title>Fleet</title><style>
:root{--ink:#16212e;--soft:#5b6b7c;--line:#dfe6ee;--paper:#fff;--back:#f3f6f9;--good:#0b7a4b;--bad:#b3261e;--mark:#1f5fbf}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf5;--soft:#93a4b6;--line:#2a3644;--paper:#17202b;--back:#0e151d;--good:#4fcf95;--bad:#ff8a80;--mark:#7db1ff}}
*{box-sizing:border-box}body{margin:0;background:var(--back);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:66rem;margin:0 auto;padding:2rem 1.25rem}h1{font-size:1.5rem;margin:0}p.sub{color:var(--soft);margin:.2rem 0 1.6rem}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(10rem,1fr));gap:.9rem;margin-bottom:1.8rem}
.card{background:var(--paper);border:1px solid var(--line);border-radius:.7rem;padding:1rem 1.1rem}
.card b{display:block;font-size:1.9rem;line-height:1.15;font-variant-numeric:tabular-nums}.card span{color:var(--soft)}
.bar{height:.5rem;border-radius:.3rem;background:var(--line);overflow:hidden;margin:.2rem 0 1.8rem}.bar i{display:block;height:100%;background:var(--mark)}
table{width:100%;border-collapse:collapse;background:var(--paper);border:1px solid var(--line);border-radius:.7rem;overflow:hidden}
th,td{text-align:left;padding:.55rem .9rem;border-bottom:1px solid var(--line)}th{color:var(--soft);font-weight:600;font-size:.85rem}
tr:last-child td{border-bottom:0}td.n{font-family:ui-monospace,monospace;font-size:.85rem;color:var(--soft)}
.good{color:var(--good)}.bad{color:var(--bad)}h2{font-size:1.05rem;margin:0 0 .6rem}footer{color:var(--soft);margin-top:1.5rem;font-size:.88rem}
.scroll{overflow-x:auto}</style></head><body><main>)";

std::string card(std::uint64_t number, std::string_view what, std::string_view css = {}) {
  return "<div class=card><b class=\"" + std::string(css) + "\">" + std::to_string(number) + "</b><span>" +
         std::string(what) + "</span></div>";
}

// "2026-11-22 01:02" of ISO 8601.
std::string short_time(const std::string& iso) {
  if (iso.size() < 16) return html_escaped(iso);
  return html_escaped(iso.substr(0, 10)) + " " + html_escaped(iso.substr(11, 5));
}

std::string row_of(const CertificateRow& row, const std::string& now) {
  const auto state = !row.revoked.empty()   ? "bad>revoked " + short_time(row.revoked)
                     : row.not_after <= now ? std::string("bad>ended")
                                            : std::string("good>valid");
  return "<tr><td><b>" + html_escaped(row.serial) + "</b></td><td class=" + state + "</td><td>" +
         short_time(row.issued) + "</td><td>" + short_time(row.not_after) + "</td><td class=n>" +
         html_escaped(row.number.substr(0, 16)) + "…</td></tr>";
}
}  // namespace

std::string status_page(const Authority& authority, const std::string& database, const Totals& totals,
                        const std::vector<CertificateRow>& newest, Timestamp now) {
  const auto percent =
      totals.allowed == 0 ? 0 : std::min<std::uint64_t>(100, totals.enrolled * 100 / totals.allowed);
  std::string out(kHead);
  out += "<h1>Fleet</h1><p class=sub>" + html_escaped(authority.ca().subject) + "</p><div class=cards>";
  out += card(totals.allowed, "cameras allowed") + card(totals.enrolled, "enrolled", "good") +
         card(totals.issued, "certificates issued");
  out += card(totals.revoked, "revoked", totals.revoked == 0 ? "" : "bad") +
         card(authority.refusals(), "refused since start");
  out += "</div><div class=bar title=\"enrolled\"><i style=\"width:" + std::to_string(percent) +
         "%\"></i></div>";
  out +=
      "<h2>Newest certificates</h2><div "
      "class=scroll><table><tr><th>Camera</th><th>State</th><th>Issued</th><th>Ends</th><th>Number</th></tr>";
  for (const auto& row : newest) out += row_of(row, to_iso8601(now));
  if (newest.empty()) out += "<tr><td colspan=5>Nothing was issued yet.</td></tr>";
  out += "</table></div><footer>" + html_escaped(database) + " · CA until " +
         short_time(to_iso8601(authority.ca().not_after)) + " · " + short_time(to_iso8601(now)) +
         " UTC · times are UTC</footer></main></body></html>\n";
  return out;
}

}  // namespace camvault::fleetd
