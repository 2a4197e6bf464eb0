"""The look of every page: light and dark, wide and narrow, without a script or a font from elsewhere."""

STYLE = """
:root{color-scheme:light dark;--ink:#1d2430;--soft:#566070;--paper:#fff;--line:#d9dee5;--tint:#f4f6f9;--link:#0a5a9c;
--confirmed:#1f7a4d;--refuted:#b3352b;--undecided:#6b7280;--confirmed-tint:#bfe5cf;--refuted-tint:#f3c4bf;
--undecided-tint:#e3e6ea}
@media (prefers-color-scheme:dark){:root{--ink:#e4e8ee;--soft:#a3adba;--paper:#14181e;--line:#333c48;--tint:#1c222a;
--link:#7db8f0;--confirmed:#2c8a5b;--refuted:#bf4a40;--undecided:#5d6673;--confirmed-tint:#1d4d35;
--refuted-tint:#6a2a25;--undecided-tint:#39414c}img{filter:brightness(.9)}}
*{box-sizing:border-box}
body{font:16px/1.5 system-ui,sans-serif;max-width:1100px;margin:1.2em auto;padding:0 16px;color:var(--ink);
background:var(--paper);overflow-wrap:anywhere}
h1{font-size:1.7em;margin:.2em 0}
h2{font-size:1.3em;margin:1.6em 0 .4em;padding-top:.3em;border-top:1px solid var(--line)}
h3{font-size:1.05em;margin:1.4em 0 .3em}
h1,h2,h3{line-height:1.25}
p,ol,ul{margin:.5em 0}
a{color:var(--link)}
img{max-width:100%;height:auto;background:#fff;border-radius:4px}
figure{margin:.6em 0}
figcaption{max-width:50em}
.soft{color:var(--soft);font-size:.9em}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:14px;overflow-wrap:normal}
caption{text-align:left;padding:.3em 0}
th,td{padding:3px 8px;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
td.number{text-align:right;font-variant-numeric:tabular-nums}
th{border-bottom:2px solid var(--soft)}
.strip{margin:.3em 0}
details{border:1px solid var(--line);border-radius:4px;margin:.4em 0;padding:0 .7em;background:var(--tint)}
summary{cursor:pointer;padding:.3em 0}
details[open]{padding-bottom:.5em}
details:target{outline:2px solid var(--link)}
details:target::details-content{content-visibility:visible;block-size:auto}
.found{padding-left:1.3em}
.found li{margin:.25em 0}
.matrix{width:100%;max-width:760px;font-size:13px;line-height:1.3}
.matrix th,.matrix td{padding:2px 2px;text-align:center;vertical-align:middle}
.matrix tbody th{text-align:left;font-weight:400;border-bottom:1px solid var(--line)}
.matrix .question th{font-weight:600;color:var(--soft);padding-top:6px}
.badge{display:inline-block;min-width:2.2em;padding:0 4px;border-radius:4px;font-weight:600;text-align:center;
text-decoration:none;color:#fff;background:var(--undecided)}
.badge.confirmed{background:var(--confirmed)}
.badge.refuted{background:var(--refuted)}
.badge.part{background:repeating-linear-gradient(135deg,var(--confirmed) 0 7px,#2a6a4a 7px 10px)}
.badge.mixed{color:var(--ink);font-weight:400}
.claims li{margin:.6em 0}
dt{font-weight:600}
dd{margin:0 0 .4em 1em}
@media (min-width:1000px){.opening{display:grid;grid-template-columns:5fr 7fr;gap:1.6em}
.opening h2{margin-top:.8em}.found{font-size:15px;line-height:1.42}.matrix thead{font-size:12px}}
@media (max-width:600px){body{font-size:15px;line-height:1.42;margin-top:.6em}
h1{font-size:1.4em}h2{margin-top:1.1em}
.found{padding-left:1.1em;font-size:14px;line-height:1.36}.found li{margin:.15em 0}
.matrix{font-size:11.5px;line-height:1.2}.matrix th,.matrix td{padding:1px}.matrix .question th{padding-top:4px}
.matrix .badge{min-width:1.9em}h3{margin-top:.8em}
.matrix thead th{writing-mode:vertical-rl;transform:rotate(180deg);text-align:left;vertical-align:middle}
.matrix thead th:first-child{visibility:hidden}.matrix .badge{padding:0 1px}}
@media print{details{border:0}details::details-content{content-visibility:visible;block-size:auto}}
"""
