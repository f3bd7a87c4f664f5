"""How a deployment report looks: on a screen, on a phone, in the dark, on paper."""

from __future__ import annotations

__all__ = ["STYLE"]

STYLE = """
:root{color-scheme:light dark;--ink:#1c2024;--soft:#60646c;--line:#d9dce1;--page:#fff;--raised:#f6f7f9;
--better:#2b6cb0;--within:#80838d;--worse:#b45309;--unsafe:#b03030}
@media (prefers-color-scheme:dark){:root{--ink:#e8eaed;--soft:#a3a8b0;--line:#3a3f47;--page:#16181c;--raised:#1f2227;
--better:#7fb2e5;--within:#9a9ea8;--worse:#e9a15b;--unsafe:#f08a8a}}
*{box-sizing:border-box}
body{font:16px/1.55 system-ui,sans-serif;color:var(--ink);background:var(--page);max-width:62rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}
header{border-bottom:1px solid var(--line);padding-bottom:1.4rem}
h1{font-size:1.65rem;line-height:1.2;margin:0}
h2{font-size:1.12rem;margin:2.4rem 0 .5rem;line-height:1.3}
p{margin:.5rem 0;max-width:46rem}ul{padding-left:1.1rem;margin:.5rem 0}li{margin:.45rem 0;max-width:46rem}
.eyebrow{color:var(--soft);font-size:.85rem;margin:0 0 .3rem}.lead{font-size:1.06rem;margin:.9rem 0}
.soft,small{color:var(--soft)}
code{font:.82em/1.5 ui-monospace,Menlo,Consolas,monospace;overflow-wrap:anywhere}
.run span{white-space:nowrap}.run{display:block;color:var(--soft);margin:.2rem 0 .1rem}
.better{color:var(--better)}.within{color:var(--within)}.worse{color:var(--worse)}.unsafe{color:var(--unsafe)}b.unsafe{font-weight:700}
.share{display:flex;height:.8rem;gap:2px;margin:1.1rem 0 .5rem}.share i{background:currentColor;border-radius:2px}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.4rem;margin:0;padding:0;list-style:none;font-size:.92rem}.legend li{margin:0}
.legend b{font-variant-numeric:tabular-nums}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1.2rem;margin:.6rem 0;font-size:.93rem}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;font-size:.88rem;margin:.6rem 0}
th{text-align:left;color:var(--soft);font-weight:500;vertical-align:bottom}
td,th{padding:.32rem .9rem .32rem 0;border-bottom:1px solid var(--line);vertical-align:top}
td:last-child,th:last-child{padding-right:0}
tbody th{padding-top:1.1rem;color:var(--ink);font-weight:600}
.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
svg{display:block;max-width:100%;height:auto}svg text{fill:var(--soft);font:12px system-ui,sans-serif}
svg .line{stroke:currentColor;stroke-width:1.6;opacity:.55}svg .axis{stroke:var(--line)}svg .dot{fill:currentColor}
a{color:var(--better)}
.front{width:auto}.front td,.front th{padding-right:1.6rem}.front th{max-width:9rem;white-space:normal}.front thead th{padding-bottom:.3rem}.front tr:not(:last-child) td{border-bottom:0}.front .again td{padding-top:0}
dt.within{color:var(--within)}dt.better{color:var(--better)}dt.worse{color:var(--worse)}dt.unsafe{color:var(--unsafe)}
@media (max-width:640px){.front td,.front th{padding-right:.8rem}body{padding:1.4rem 1rem 3rem}h1{font-size:1.35rem}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.45rem}
.cases thead{display:none}.cases tr{display:grid;grid-template-columns:1fr auto;border-bottom:1px solid var(--line);padding:.45rem 0}
.cases td,.cases tbody th{border:0;padding:.05rem 0}.cases tbody th{grid-column:1/-1;padding-top:.8rem}.cases td.name{font-weight:500}
.cases td.side{display:none}.cases td:nth-child(2){text-align:right}.cases td.n{text-align:left}.cases td.mark{justify-self:end}}
@media print{:root{color-scheme:light;--ink:#000;--soft:#444;--line:#bbb;--page:#fff;--better:#1f4f86;--within:#666;--worse:#8a4206;--unsafe:#96201f}
body{padding:0;max-width:none;font-size:10pt}h1{font-size:16pt}h2{font-size:12pt;break-after:avoid}tr,li,dl,svg{break-inside:avoid}
thead{display:table-header-group}a{color:inherit;text-decoration:none}.share i{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""
