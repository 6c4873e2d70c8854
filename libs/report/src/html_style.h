// The one style sheet of the HTML report. Colours carry meaning only beside words, so that a black-and-white
// print reads the same.
#pragma once

#include <string_view>

namespace camvault::report {

inline constexpr std::string_view kHtmlStyle = R"css(
:root{--ink:#1b2430;--soft:#5b6776;--line:#dfe4ea;--paper:#fff;--wash:#f5f7f9;
--good:#1d7f4e;--caution:#b06a00;--bad:#b3261e;--neutral:#41658a;
--authentic:#2f9e67;--altered:#d13b30;--missing:#e39a1c;--extra:#8e44ad;--out_of_place:#2f6fd0;--not_covered:#aab4bf}
*{box-sizing:border-box}
html{-webkit-print-color-adjust:exact;print-color-adjust:exact}
body{margin:0;background:#e9edf1;color:var(--ink);font:15px/1.5 "Segoe UI","Helvetica Neue",Helvetica,Arial,"Liberation Sans","DejaVu Sans",sans-serif}
main{max-width:60rem;margin:2rem auto;background:var(--paper);padding:0 0 2rem;border-radius:10px;overflow:hidden;box-shadow:0 1px 3px rgba(20,30,40,.15)}
header{padding:1.7rem 2.5rem 1.6rem;color:#fff;display:flex;gap:1.4rem;align-items:center}
header.good{background:var(--good)}header.caution{background:var(--caution)}header.bad{background:var(--bad)}header.neutral{background:var(--neutral)}
header svg{flex:none;width:64px;height:64px}
header p{margin:.35rem 0 0;font-size:1.05rem;max-width:44rem}
h1{margin:0;font-size:1.9rem;line-height:1.15;font-weight:650;letter-spacing:-.01em}
.kicker{margin:0 0 .25rem;font-size:.78rem;letter-spacing:.09em;text-transform:uppercase;opacity:.85}
section{padding:1.5rem 2.5rem 0}
h2{font-size:1.05rem;margin:0 0 .7rem;font-weight:650}
dl.facts{display:grid;grid-template-columns:repeat(2,1fr);gap:0 2.2rem;margin:0}
dl.facts div{padding:.5rem 0;border-bottom:1px solid var(--line);break-inside:avoid}
dt{color:var(--soft);font-size:.8rem}dd{margin:0;overflow-wrap:anywhere}
.reason{color:var(--soft);font-size:.88rem}
.pill{display:inline-block;padding:.05rem .55rem;border-radius:99px;color:#fff;font-size:.82rem;font-weight:600}
.pill.good{background:var(--good)}.pill.bad{background:var(--bad)}.pill.neutral{background:var(--neutral)}
svg.timeline{display:block;width:100%;height:auto}
.scale{display:flex;justify-content:space-between;color:var(--soft);font-size:.82rem;margin-top:.2rem}
ul.legend{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;margin:.6rem 0 0;padding:0;font-size:.86rem}
i.key{display:inline-block;width:.85em;height:.85em;border-radius:2px;margin-right:.4em;vertical-align:-.06em}
.authentic{background:var(--authentic)}.altered{background:var(--altered)}.missing{background:var(--missing)}
.extra{background:var(--extra)}.out_of_place{background:var(--out_of_place)}.not_covered{background:var(--not_covered)}
rect.authentic{fill:var(--authentic)}rect.altered{fill:var(--altered)}rect.missing{fill:var(--missing)}
rect.extra{fill:var(--extra)}rect.out_of_place{fill:var(--out_of_place)}rect.not_covered{fill:var(--not_covered)}
.thumbs{display:grid;grid-template-columns:repeat(auto-fill,minmax(200px,1fr));gap:1rem;margin:0 0 1.2rem}
figure{margin:0;break-inside:avoid}figure img{display:block;width:100%;border-radius:4px;border:1px solid var(--line)}
figcaption{font-size:.83rem;color:var(--soft);margin-top:.3rem}
table{border-collapse:collapse;width:100%;font-size:.87rem}
th{text-align:left;font-weight:600;color:var(--soft);border-bottom:2px solid var(--line);padding:.35rem .6rem .35rem 0;vertical-align:bottom}
td{border-bottom:1px solid var(--line);padding:.35rem .6rem .35rem 0;vertical-align:top;overflow-wrap:anywhere}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;padding-right:1.2rem}
td.t{white-space:nowrap;font-variant-numeric:tabular-nums}
tr{break-inside:avoid}thead{display:table-header-group}
ul.notes{margin:0;padding:0 0 0 1.1rem}ul.notes li{margin:.25rem 0}ul.notes li.warn::marker{color:var(--bad);content:"! "}
.plain p{margin:.45rem 0;max-width:48rem}
code{font:.84em "DejaVu Sans Mono","Liberation Mono",Consolas,monospace;overflow-wrap:anywhere}
ul.counts{list-style:none;display:flex;flex-wrap:wrap;gap:.8rem;margin:0;padding:0}
ul.counts a{display:flex;flex-direction:column;gap:.3rem;align-items:flex-start;min-width:8.5rem;padding:.7rem .9rem;border:1px solid var(--line);border-radius:8px;background:var(--wash);color:inherit;text-decoration:none}
ul.counts b{font-size:1.6rem;line-height:1.1;font-weight:650;font-variant-numeric:tabular-nums}
.pill.caution{background:var(--caution)}
table.clips td:last-child{color:var(--soft)}table.clips td.n{white-space:nowrap}td a{color:#1f5fa8}tr:target{background:#fff6df}
summary{cursor:pointer;color:var(--soft);font-size:.9rem;margin-bottom:.6rem}
footer{margin:1.8rem 2.5rem 0;padding-top:.9rem;border-top:1px solid var(--line);color:var(--soft);font-size:.82rem}
@media(max-width:40rem){dl.facts{grid-template-columns:1fr}section,header{padding-left:1.2rem;padding-right:1.2rem}footer{margin-left:1.2rem;margin-right:1.2rem}}
@page{margin:14mm 13mm}
@media print{body{background:#fff;font-size:10.5pt}main{margin:0;max-width:none;box-shadow:none;border-radius:0}
header{border-radius:6px;padding:1.1rem 1.4rem}section{padding:1.1rem 0 0}footer{margin:1.2rem 0 0}h2{break-after:avoid}
.thumbs{grid-template-columns:repeat(4,1fr)}summary{display:none}td a{color:inherit;text-decoration:none}ul.counts a{break-inside:avoid}}
)css";

}  // namespace camvault::report
