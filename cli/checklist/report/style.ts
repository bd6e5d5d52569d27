/** The report's own style: calm, for screens of all sizes, light and dark, and for paper. */
export const STYLE = `
:root{--paper:#f6f5f2;--card:#fff;--ink:#1c2430;--soft:#5d6774;--line:#e1dfd9;--wash:#f3f2ee;
--met:#1b7f4b;--failed:#c0281c;--fill:#8a5a00;--open:#2f5f9e;--none:#77808b;
--met-wash:#e6f4ec;--failed-wash:#fdebe9;--fill-wash:#fff4dc;--open-wash:#e8f0fa;--none-wash:#eef0f2;
--accent:#cc400c;--mono:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;color-scheme:light dark}
@media (prefers-color-scheme:dark){:root{--paper:#10141a;--card:#181e26;--ink:#e8ecf1;--soft:#9aa6b4;--line:#2b333e;--wash:#12171e;
--met:#5cc98d;--failed:#ff8478;--fill:#f0b64c;--open:#8bb8f0;--none:#8c97a4;
--met-wash:#14291f;--failed-wash:#351a18;--fill-wash:#32260f;--open-wash:#172636;--none-wash:#1f262e;--accent:#ff8a5c}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:400 16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;-webkit-text-size-adjust:100%}
.top,main,footer{max-width:62rem;margin:0 auto;padding-inline:clamp(1rem,4vw,2.5rem)}
.top{padding-block:clamp(2rem,6vw,4rem) 1.5rem}
.kind{margin:0;color:var(--accent);font-weight:600;letter-spacing:.02em}
h1{margin:.15em 0 .7em;font-size:clamp(1.9rem,5vw,2.9rem);line-height:1.12;letter-spacing:-.02em;overflow-wrap:anywhere}
h2{font-size:1.3rem;letter-spacing:-.01em;margin:0}
h3{font-size:1.08rem;margin:0}
h4{margin:0 0 .4rem;font-size:.78rem;font-weight:600;color:var(--soft)}
a{color:inherit;text-decoration-color:color-mix(in srgb,currentColor 40%,transparent);text-underline-offset:.18em}
a:focus-visible,summary:focus-visible{outline:2px solid var(--accent);outline-offset:3px;border-radius:4px}
code,pre{font-family:var(--mono);font-size:.82rem}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(13rem,1fr));gap:.9rem 2rem;margin:0}
.facts dt{color:var(--soft);font-size:.82rem}
.facts dd{margin:0;overflow-wrap:anywhere}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:.5rem 1.5rem;margin:0;padding:0}
.legend li{display:flex;align-items:center;gap:.45rem}
.badge{flex:none;display:inline-grid;place-items:center;width:1.5rem;height:1.5rem;border-radius:50%;font-size:.85rem;font-weight:700;line-height:1}
.badge.met{background:var(--met-wash);color:var(--met)}.badge.failed{background:var(--failed);color:var(--card)}.badge.fill{background:var(--fill-wash);color:var(--fill)}.badge.open{background:var(--open-wash);color:var(--open)}.badge.none{background:var(--none-wash);color:var(--none)}
.origin{margin:1.2rem 0 0;padding:.8rem 1rem;border-radius:10px;background:var(--open-wash)}
.origin p{margin:0}.origin details{margin-top:.5rem;font-size:.9rem}.origin summary{cursor:pointer}.origin ul{margin:.4rem 0 0;padding-left:1.2rem}
.origin.simulator{background:var(--fill-wash)}
.to-do{margin-top:1.4rem}
.to-do h2{font-size:1rem}
.to-do ul{margin:.4rem 0 0;padding-left:1.2rem}
.to-do li{margin:.25rem 0}
.ready{margin:1.2rem 0 0;color:var(--met);font-weight:600}
.rows{width:100%;border-collapse:collapse;margin-top:1.6rem;table-layout:fixed}
.rows caption{text-align:left;font-weight:600;font-size:1.1rem;padding-bottom:.4rem}
.rows thead{font-size:.8rem;color:var(--soft)}
.rows :is(th,td){text-align:left;vertical-align:top;padding:.45rem .6rem .45rem 0;border-top:1px solid var(--line);overflow-wrap:anywhere}
.rows thead th{border:0;padding-block:0 .2rem;font-weight:400}
.rows :is(th,td):first-child{width:2.1rem}.rows :is(th,td):nth-child(2){width:12.5rem}.rows :is(th,td):last-child{width:9.5rem;padding-right:0}
.rows .badge{width:1.25rem;height:1.25rem;font-size:.72rem}
.rows .is-failed td{color:var(--failed)}
.unseen{position:absolute;clip-path:inset(50%)}
.appendix{margin-top:3.5rem}
.appendix>h2{margin-bottom:1rem}
.row{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:clamp(1rem,2.6vw,1.5rem);margin:0 0 1rem;scroll-margin-top:1rem}
.row.is-failed{border-color:var(--failed)}
.row>header{display:flex;align-items:center;gap:.7rem}
.row h3{flex:1;min-width:0}
.row p{margin:.6rem 0 0;max-width:48rem}
.status{font-size:.85rem;font-weight:600;color:var(--soft);white-space:nowrap}
.is-met .status{color:var(--met)}.is-failed .status{color:var(--failed)}.is-fill .status{color:var(--fill)}.is-open .status{color:var(--open)}
.asked{color:var(--soft)}
.why{padding:.55rem .85rem;border-radius:8px;background:var(--none-wash);overflow-wrap:anywhere}
.is-failed .why{background:var(--failed-wash);color:var(--failed);font-weight:600}.is-fill .why{background:var(--fill-wash)}.is-open .why{background:var(--open-wash)}
.checks{list-style:none;margin:.9rem 0 0;padding:0;display:grid;gap:.3rem}
.checks li{display:flex;gap:.6rem;align-items:baseline;overflow-wrap:anywhere;min-width:0}
.checks li>span:last-child{min-width:0}
.sign{flex:none;font-weight:700;color:var(--met)}
.not-ok{color:var(--failed);font-weight:600}.not-ok .sign{color:var(--failed)}
.found{color:var(--soft);font-weight:400}
.not-ok .found{color:inherit}
.fields{margin:1rem 0 0;display:grid;gap:.6rem}
.fields>div{border-left:3px solid var(--line);padding:.1rem 0 .1rem .9rem}
.fields .empty{border-color:var(--fill)}
.fields dt{color:var(--soft);font-size:.92rem}
.fields dd{margin:0;white-space:pre-line;overflow-wrap:anywhere}
.fields .empty dd{color:var(--fill);font-weight:600}
.exchange{margin-top:.8rem;border:1px solid var(--line);border-radius:10px;background:var(--wash);overflow:hidden}
.exchange summary{cursor:pointer;padding:.6rem .9rem;display:flex;flex-wrap:wrap;gap:.2rem .8rem;align-items:baseline;font-size:.9rem}
.exchange summary::before{content:"▸";color:var(--soft)}
.exchange[open] summary::before{content:"▾"}
.exchange summary code{flex:1 1 16rem;min-width:0;overflow-wrap:anywhere;color:var(--soft)}
.exchange summary time{color:var(--soft);font-size:.82rem}
.exchange .code{font-family:var(--mono);font-size:.85rem;font-weight:600}
.wire{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));border-top:1px solid var(--line);background:var(--card)}
.wire pre{padding:.8rem .9rem;min-width:0}
pre{margin:0;white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.5}
.pictures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,15rem),1fr));gap:1.4rem;margin-top:1.1rem;align-items:start}
.pictures:has(.desktop){grid-template-columns:repeat(auto-fill,minmax(min(100%,28rem),1fr))}
figure{margin:0;min-width:0}
figure img{display:block;width:100%;height:auto;border:1px solid var(--line);border-radius:8px;background:#fff}
figcaption{margin-top:.45rem;color:var(--soft);font-size:.85rem;line-height:1.4}
.row .missing{color:var(--soft);font-size:.92rem;border-left:3px solid var(--line);padding-left:.9rem}
.row .taken{margin-top:1rem;color:var(--soft);font-size:.85rem}
.tag{display:inline-block;border-radius:99px;padding:.05rem .6rem;background:var(--open-wash);color:var(--open);font-weight:600}
.tag.simulator{background:var(--fill-wash);color:var(--fill)}
.old{color:var(--failed);font-weight:600}
footer{padding-block:2.5rem 4rem;color:var(--soft);font-size:.9rem}
@media screen and (max-width:44rem){.rows,.rows tbody,.rows tr,.rows caption{display:block}.rows thead{display:none}.rows tr{display:grid;grid-template-columns:2rem 1fr;padding:.6rem 0;border-top:1px solid var(--line)}.rows :is(th,td){border:0;padding:0 0 .15rem;width:auto!important;grid-column:2}.rows td:first-child{grid-column:1}.row>header{flex-wrap:wrap}.row h3{flex-basis:calc(100% - 2.3rem)}.status{margin-left:2.2rem}.exchange summary time{flex-basis:100%}}
@media print{:root{--paper:#fff;--card:#fff;--ink:#111;--soft:#555;--line:#ddd;--wash:#fafafa;--met:#1b7f4b;--failed:#c0281c;--fill:#8a5a00;--open:#2f5f9e;--none:#77808b;--met-wash:#e6f4ec;--failed-wash:#fdebe9;--fill-wash:#fff4dc;--open-wash:#e8f0fa;--none-wash:#eef0f2;color-scheme:light}
body{font-size:9.5pt;line-height:1.4;print-color-adjust:exact;-webkit-print-color-adjust:exact}
.top,main,footer{max-width:none;padding-inline:0}.top{padding-block:0 .4rem}h1{font-size:20pt;margin:.1em 0 .3em}
.facts{grid-template-columns:repeat(3,1fr);gap:.3rem 1.2rem;font-size:8.5pt}
.origin{margin-top:.5rem;padding:.4rem .7rem;font-size:8.5pt}.origin details{display:none}.to-do{margin-top:.5rem;font-size:8.5pt}.to-do h2{font-size:9.5pt}.to-do li{margin:0}
.rows{margin-top:.55rem;font-size:8.5pt;line-height:1.28}.rows caption{font-size:10pt;padding-bottom:.1rem}.rows :is(th,td){padding-block:.17rem}.rows thead{display:none}.rows tr{break-inside:avoid}.rows caption{break-after:avoid}
.rows :is(th,td):nth-child(2){width:42mm}.rows :is(th,td):last-child{width:32mm}.rows :is(th,td):first-child{width:7mm}.rows .badge{width:1rem;height:1rem;font-size:.62rem}
.appendix{margin-top:0;break-before:page}.appendix+.appendix{break-before:auto;margin-top:8mm}
.row{border:0;border-top:1px solid var(--line);border-radius:0;padding:.5rem 0;margin:0}.row p{margin-top:.25rem;max-width:none}.checks{margin-top:.3rem;gap:.1rem}.fields{margin-top:.4rem;gap:.2rem}.row .taken{margin-top:.3rem}
.row>header,h2,h3,summary{break-after:avoid}.row>header,.checks li{break-inside:avoid}
.exchange{margin-top:.35rem;overflow:visible}.exchange summary{padding:.2rem .5rem;font-size:8pt}.exchange summary::before{content:none!important}
.wire{grid-template-columns:1fr 1fr}.wire:has(pre:only-child){grid-template-columns:1fr}.wire pre{padding:.3rem .5rem}code,pre{font-size:6.8pt;line-height:1.3}
.pictures{gap:5mm 6mm}.pictures:has(.phone){grid-template-columns:repeat(3,1fr)}.pictures:has(.desktop){grid-template-columns:1fr;margin-top:6mm}
figure{break-inside:avoid}figure img{object-fit:cover;object-position:top;width:100%}figure.phone img{height:108mm}figure.desktop img{height:112mm}
figcaption{font-size:7.5pt;margin-top:1mm;line-height:1.25}footer{padding-block:1rem 0;font-size:8pt}}
`;
