/** The one stylesheet of all pages: system fonts, no external resources, light and dark, from 320 px up. */
export const stylesheet = `
:root{color-scheme:light dark;--ink:#1b1b26;--soft:#565568;--ground:#f6f5f2;--card:#fff;--line:#e2e0da;--accent:#c8400a;--on-accent:#fff;--edge:var(--accent);--focus:#2b5fd9;--wrong:#b3261e}
:root[data-brand=MobilePay]{--accent:#4553d6}
@media (prefers-color-scheme:dark){:root{--ink:#f1f0ee;--soft:#b6b4c0;--ground:#14141b;--card:#1f1f29;--line:#4e4e5d;--accent:#ff8450;--on-accent:#1b1b26;--focus:#9db8ff;--wrong:#ffb4ab}:root[data-brand=MobilePay]{--accent:#a4aeff}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;min-height:100dvh;display:grid;place-items:center;padding:24px 16px;background:var(--ground);color:var(--ink);font:1.0625rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif}
main{width:100%;max-width:30rem;background:var(--card);border:1px solid var(--line);border-radius:18px;padding:clamp(24px,6vw,44px)}
.site{margin:0 0 1.5rem;color:var(--soft);font-size:.9375rem;overflow-wrap:anywhere}
.site a{display:flex;align-items:center;gap:.75rem;min-height:24px;text-decoration:none}
.site a:hover{text-decoration:underline}
.site img{flex:none;max-height:44px;max-width:10rem}
.help-line{margin:1.5rem 0 0;padding-top:1.25rem;border-top:1px solid var(--line);font-size:.9375rem;color:var(--soft)}
.help-line p{margin:0 0 .25rem}
.help-line ul{display:flex;flex-wrap:wrap;gap:0 1.25rem;margin:0;padding:0;list-style:none}
.help-line a{display:inline-block;padding:.375rem 0;color:var(--ink);font-weight:600}
h1{margin:0 0 .75rem;font-size:clamp(1.5rem,5vw,1.875rem);line-height:1.2;letter-spacing:-.01em;text-wrap:balance}
p{margin:0 0 1rem;text-wrap:pretty}
.soft{color:var(--soft)}
.note{border-left:3px solid var(--edge);padding-left:.875rem}
ul{margin:0 0 1rem;padding-left:1.25rem;overflow-wrap:anywhere}
.actions{display:flex;flex-wrap:wrap;gap:12px;margin:1.75rem 0 0}
.actions form{display:contents}
.button{flex:1 1 auto;min-width:min(10rem,100%);display:inline-flex;align-items:center;justify-content:center;min-height:48px;padding:.625rem 1.25rem;border:1px solid var(--line);border-radius:999px;background:transparent;color:inherit;font:inherit;font-weight:600;text-align:center;text-decoration:none;cursor:pointer}
.button.primary{background:var(--accent);border-color:var(--edge);color:var(--on-accent)}
.person{margin:0 0 1.25rem;padding:1rem 1.125rem;border-radius:12px;background:var(--ground)}
.person strong{display:block;font-size:1.25rem;line-height:1.3;overflow-wrap:anywhere}
:is(.button,.choice,summary){animation:settle .7s step-end}
@keyframes settle{from{pointer-events:none}}
.unsettled :is(.button,.choice,summary){pointer-events:none}
@media (hover:hover) and (pointer:fine){.unmoved .deliberate .primary{background:transparent;border-color:var(--soft);color:inherit}}
[hidden]{display:none!important}
.tick{margin:1.25rem 0}
.hint{margin:.875rem 0 0;font-weight:600}
.hint:empty{margin:0}
.button:hover{filter:brightness(.95)}
:focus-visible{outline:3px solid var(--focus);outline-offset:3px}
.question{margin:1.75rem 0 0;padding:1.25rem 0 0;border-top:1px solid var(--line)}
.question .actions{margin:1rem 0 0}
label{display:block;margin:0 0 .375rem;font-weight:600}
.field{width:100%;min-height:48px;padding:.625rem .875rem;border:1px solid var(--soft);border-radius:12px;background:transparent;color:inherit;font:inherit}
.field[aria-invalid]{border:2px solid var(--wrong)}
.links{display:flex;flex-wrap:wrap;gap:.5rem 1.25rem}
a{color:inherit;text-underline-offset:.2em}
.choice{display:flex;gap:.875rem;align-items:flex-start;margin:0;padding:.75rem 0;font-weight:400;overflow-wrap:anywhere;cursor:pointer}
.choice input{flex:none;width:1.375rem;height:1.375rem;margin:.125rem 0 0;accent-color:var(--edge)}
fieldset{margin:1rem 0 0;padding:.75rem 1.125rem 0;border:1px solid var(--line);border-radius:12px}
legend{padding:0 .375rem;font-weight:600}
h2{margin:0 0 .5rem;font-size:1.125rem;line-height:1.3}
.facts{margin:0}
.facts div{padding:.625rem 0;border-top:1px solid var(--line)}
.facts dt{color:var(--soft);font-size:.875rem}
.facts dd{margin:0;overflow-wrap:anywhere}
.button.danger{border-color:var(--wrong);color:var(--wrong)}
.wrong{margin:.5rem 0 0;color:var(--wrong);font-weight:600}
.sessions{list-style:none;margin:0;padding:0}
.sessions li{display:grid;grid-template-columns:24px 1fr auto;gap:2px 14px;align-items:center;padding:16px 0;border-top:1px solid var(--line)}
.sessions svg{width:24px;height:24px;fill:none;stroke:var(--soft);stroke-width:1.5;stroke-linecap:round}
.sessions h2{margin:0;font-size:1.0625rem;line-height:1.4;overflow-wrap:anywhere}
.sessions p{margin:4px 0 0;color:var(--soft);font-size:.9375rem;line-height:1.5}
.sessions .badge{display:inline-block;margin:4px 0;padding:0 .625rem;border-radius:999px;background:var(--ground);color:var(--ink);font-size:.8125rem;font-weight:600;line-height:1.75}
.sessions .button{min-width:0;min-height:44px;padding:.375rem 1rem;font-size:.9375rem}
.sessions li>p{grid-column:2/4;grid-row:2;margin:0}
@media (max-width:26rem){.sessions li>div,.sessions form{grid-column:2/4}.sessions .button{margin-top:8px}}
.stacked .button{flex-basis:100%}
.reference{margin:2rem 0 0;padding-top:1.25rem;border-top:1px solid var(--line);font-size:.9375rem;color:var(--soft)}
.reference code{display:inline-block;font:600 1rem ui-monospace,"SF Mono",Menlo,Consolas,monospace;letter-spacing:.06em;color:var(--ink)}
@media (forced-colors:active){.button{border-color:ButtonText}}
`;
