/** The report's own style: calm, for screens of all sizes, light and dark, and for paper. */
export const STYLE = `
:root{color-scheme:light dark;--mono:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;--accent:light-dark(#cc400c,#ff8a5c);
--paper:light-dark(#f6f5f2,#10141a);--card:light-dark(#fff,#181e26);--ink:light-dark(#1c2430,#e8ecf1);--soft:light-dark(#5d6774,#9aa6b4);--line:light-dark(#e1dfd9,#2b333e)}
.met{--tone:light-dark(#1b7f4b,#5cc98d)}
.failed{--tone:light-dark(#c0281c,#ff8478)}
.fill,.simulator{--tone:light-dark(#8a5a00,#f0b64c)}
.open,.test,.deployed{--tone:light-dark(#2f5f9e,#8bb8f0)}
.none{--tone:light-dark(#77808b,#8c97a4)}
.badge,.tag,.origin,.why{background:color-mix(in srgb,var(--tone) 13%,var(--card))}
.badge,.tag,.ready,.status,.sign,.taken .failed,.rows .failed td,.failed .why,.checks .failed,.fill dd{color:var(--tone);font-weight:600}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:400 16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;-webkit-text-size-adjust:100%}
.top,main,footer{max-width:62rem;margin:0 auto;padding-inline:clamp(1rem,4vw,2.5rem);overflow-wrap:anywhere}
.top{padding-block:clamp(2rem,6vw,4rem) 1.5rem}
footer{padding-block:2.5rem 4rem}
h1{margin:.15em 0 .7em;font-size:clamp(1.9rem,5vw,2.9rem);line-height:1.12;letter-spacing:-.02em}
h2{font-size:1.3rem;letter-spacing:-.01em;margin:0}
h3{font-size:1.15em;margin:0;flex:1}
.kind,.origin p,dl,dd,figure,pre{margin:0}
.kind{color:var(--accent);font-weight:600;letter-spacing:.02em}
a{color:inherit;text-underline-offset:.18em}
code,pre,.code{font-family:var(--mono)}code,pre{font-size:.82em}
pre{padding:.8em;min-width:0;white-space:pre-wrap;line-height:1.5}
ul{margin:.4em 0 0;padding-left:1.2em}
dt,figcaption,footer,.asked,.checks .open,.taken,.rows thead,.met .found,.exchange :is(code,time){color:var(--soft)}
.facts dt,.taken,figcaption,footer,.status,.rows thead{font-size:.85em}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(13rem,1fr));gap:.9rem 2rem}
.legend,.checks{list-style:none;padding:0}
.legend{display:flex;flex-wrap:wrap;gap:.5rem 1.5rem}
.legend li,.row header,h3{display:flex;align-items:center;gap:.5rem}
.badge{flex:none;display:inline-grid;place-items:center;width:1.7em;height:1.7em;border-radius:50%;font-size:.85em;line-height:1}
.failed .badge{background:var(--tone);color:var(--card)}
.tag{border-radius:99px;padding:.05em .6em}
.summary>*{margin:1.2em 0 0}
.origin,.why{padding:.6em .9em;border-radius:8px}
.to-do h2{font-size:1em}
.rows{width:100%;border-collapse:collapse;margin-top:1.6rem;table-layout:fixed}
.rows caption{text-align:left;font-weight:600;font-size:1.1em;padding-bottom:.4rem}
.rows :is(th,td){text-align:left;vertical-align:top;padding:.45rem .6rem .45rem 0;border-top:1px solid var(--line)}
.rows :is(th,td):first-child{width:2.1rem}.rows :is(th,td):nth-child(2){width:12.5rem}.rows :is(th,td):last-child{width:9.5rem;padding-right:0}
.rows thead th{border:0;padding-block:0 .2rem;font-weight:400}
.unseen{position:absolute;clip-path:inset(50%)}
.appendix{margin-top:3.5rem}
.row{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:clamp(1rem,2.6vw,1.5rem);margin:1rem 0;scroll-margin-top:1rem}
.row :is(p,dl,.checks,.exchange){margin:.6em 0 0;max-width:60rem}
.checks li{display:flex;gap:.6em;align-items:baseline}
.fields>div{border-left:3px solid var(--line);padding-left:.9em;margin-top:.6em;font-size:.92em}.fields>.fill{border-color:var(--tone)}
.fields dd{white-space:pre-line}
.exchange{border:1px solid var(--line);border-radius:10px}
.exchange summary{padding:.6em .9em;font-size:.9em}.exchange summary>*{margin-right:.6em}
.wire{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));border-top:1px solid var(--line)}
.pictures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,15rem),1fr));gap:1.4rem;margin-top:1.1rem;align-items:start}
.pictures:has(.desktop){grid-template-columns:repeat(auto-fill,minmax(min(100%,28rem),1fr))}
img{display:block;width:100%;height:auto;margin-bottom:.45em;border:1px solid var(--line);border-radius:8px;background:#fff}
@media screen and (max-width:44rem){.rows,.rows tbody,.rows caption{display:block}.rows thead{display:none}.rows tr{display:grid;grid-template-columns:2rem 1fr;padding:.6rem 0;border-top:1px solid var(--line)}.rows :is(th,td){border:0;padding:0 0 .15rem;width:auto!important;grid-column:2}.rows td:first-child{grid-column:1}.row header{flex-wrap:wrap}.row h3{flex-basis:100%}.status{margin-left:2.2rem}}
@media print{:root{color-scheme:light;--paper:#fff}
body{font-size:9.5pt;line-height:1.4;print-color-adjust:exact;-webkit-print-color-adjust:exact}
.top,main,footer{max-width:none;padding:0}
h1{font-size:20pt;margin:.1em 0 .3em}
.origin details,.rows thead{display:none}
.facts,.summary>*,.rows{margin-top:.55rem;gap:.3rem 1.2rem;font-size:8.5pt;line-height:1.28}
.rows caption{padding-bottom:.1rem}.rows :is(th,td){padding-block:.17rem}
.rows :is(th,td):first-child{width:7mm}.rows :is(th,td):nth-child(2){width:42mm}.rows :is(th,td):last-child{width:32mm}
.appendix{margin-top:0;break-before:page}.appendix+.appendix{break-before:auto;margin-top:8mm}
.row{border-width:1px 0 0;border-radius:0;padding:.5rem 0;margin:0}
.row :is(p,dl,.checks,.exchange,dl>div){margin-top:.25rem;max-width:none}
h2,caption,.row header,.asked,summary{break-after:avoid}.row .taken{break-before:avoid}
.row :is(header,p,li,dl>div),tr,figure{break-inside:avoid}
.exchange summary{padding:.2rem .5rem;list-style:none}
.wire{display:block;columns:3;padding:.3rem .5rem}
code,pre{font-size:6.8pt;line-height:1.3}pre{padding:0 0 .6rem}
.pictures{gap:5mm 6mm}.pictures:has(.phone){grid-template-columns:repeat(3,1fr)}.pictures:has(.desktop){grid-template-columns:1fr;margin-top:6mm}
img{object-fit:cover;object-position:top}.phone img{height:108mm}.desktop img{height:112mm}
figcaption,footer{font-size:8pt;line-height:1.25}footer{padding-top:1rem}}
`;
