/** What the console's pages need besides the stylesheet of all pages. */
export const supportStylesheet = `
body:has(>main.wide){display:block;padding:0}
main.wide{max-width:76rem;margin:0 auto;padding:clamp(16px,3vw,40px);background:none;border:0}
.wide .site{margin:0 0 .25rem}
.bar{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;align-items:baseline;justify-content:space-between;margin:0 0 1.5rem}
.bar h1{margin:0;overflow-wrap:anywhere}
.bar nav{display:flex;flex-wrap:wrap;align-items:center;gap:0 1.25rem;font-size:.9375rem}
.bar nav :is(a,button){padding:.75rem 0}
.bar nav button{border:0;background:none;color:inherit;font:inherit;text-decoration:underline;text-underline-offset:.2em;cursor:pointer}
.panels{display:grid;gap:20px;align-items:start}
@media (min-width:60rem){.panels{grid-template-columns:minmax(0,5fr) minmax(0,7fr)}}
.column{display:grid;gap:20px;min-width:0}
.panel{min-width:0;background:var(--card);border:1px solid var(--line);border-radius:18px;padding:clamp(16px,3vw,28px)}
.panel>:last-child{margin-bottom:0}
.panel+.panel.alone,.alone{margin-top:20px}
.finder{display:flex;flex-wrap:wrap;gap:12px}
.finder .field{flex:1 1 14rem}
.finder .button{flex:0 1 auto}
.help{margin:.5rem 0 0;color:var(--soft);font-size:.9375rem}
.rows{list-style:none;margin:0;padding:0}
.rows>li{padding:.875rem 0;border-top:1px solid var(--line);overflow-wrap:anywhere}
.rows>li:first-child{border-top:0;padding-top:0}
.rows p{margin:.125rem 0 0}
.rows form,.rows p:has(>.button){margin-top:.625rem}
.rows .button,.small{min-height:44px;padding:.375rem 1.125rem;font-size:.9375rem}
.rows .button{flex:none;min-width:0}
.rows a.who{font-weight:600;font-size:1.0625rem}
.meta{color:var(--soft);font-size:.875rem;overflow-wrap:anywhere}
.state{font-weight:600}
.state::before{content:"";display:inline-block;width:.625rem;height:.625rem;margin-right:.5rem;border-radius:50%;background:var(--ok)}
.state.not::before{border-radius:2px;background:var(--wrong)}
:root{--ok:#1f7a4d}
@media (prefers-color-scheme:dark){:root{--ok:#6fd3a0}}
.tell{margin:.375rem 0 0;padding:.5rem .875rem;border-radius:10px;background:var(--ground)}
details{margin:1rem 0 0}
summary{min-height:44px;display:flex;align-items:center;font-weight:600;cursor:pointer}
summary::before{content:"›";width:1.25rem;font-size:1.25rem}
details[open]>summary::before{transform:rotate(90deg);transform-origin:.25rem 55%}
.fields{display:grid;gap:1rem;margin:.5rem 0 0}
.scroll{overflow-x:auto}
table{width:100%;border-collapse:collapse;font-size:.9375rem}
th,td{padding:.5rem .75rem .5rem 0;border-top:1px solid var(--line);text-align:left;vertical-align:top;overflow-wrap:anywhere}
thead th{border-top:0;color:var(--soft);font-weight:400;font-size:.875rem}
.number{white-space:nowrap;text-align:right;padding-right:0;padding-left:.75rem;font-variant-numeric:tabular-nums}
.totals{display:flex;flex-wrap:wrap;gap:.75rem clamp(1rem,3vw,2rem);margin:0 0 1rem}
.totals dt{color:var(--soft);font-size:.875rem}
.totals dt::before{content:"";display:inline-block;width:.75rem;height:.75rem;margin-right:.5rem;border-radius:3px;background:currentColor}
.totals .in dt::before{color:var(--ok)}.totals .stop dt::before{color:var(--soft)}.totals .out dt::before{color:var(--wrong)}
.totals dd{margin:0;font-size:1.5rem;font-weight:600;line-height:1.3;font-variant-numeric:tabular-nums}
.chart{display:block;width:100%;height:auto}
.chart .in{fill:var(--ok)}.chart .stop{fill:var(--soft)}.chart .out{fill:var(--wrong)}
.chart line{stroke:var(--line)}
.chart text{fill:var(--soft);font-size:11px;text-anchor:middle}
@media (max-width:40rem){.chart text{font-size:20px}}
.days{display:flex;justify-content:space-between;gap:1rem}
.days a{padding:.75rem 0}
.wide .note{margin:0 0 1.25rem;padding:.5rem .875rem}
.wide .actions{margin:1.25rem 0 0}
.wide .actions .button{flex:0 1 auto}
@media (max-width:26rem){.wide .actions .button,.finder .button{flex:1 1 100%}}
`;
