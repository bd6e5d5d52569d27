/** The look of every page: calm, one column, a tint by market, light and dark. */
export const STYLESHEET = `:root {
  color-scheme: light dark;
  --page: light-dark(#f6f4f1, #16151a);
  --card: light-dark(#ffffff, #201f26);
  --ink: light-dark(#23202b, #eeecf2);
  --quiet: light-dark(#615c6b, #aca7b8);
  --line: light-dark(#d9d5d0, #3a3843);
  --field-line: light-dark(#87818f, #77728a);
  --bad: light-dark(#b3261e, #ffb4ab);
  --tint: light-dark(#b23c0c, #ff9d6b);
  --on-tint: light-dark(#ffffff, #2b1205);
  --wash: light-dark(#fdf0e9, #33231c);
}
[data-market="DK"], [data-market="FI"] {
  --tint: light-dark(#3650c4, #a3b4ff);
  --on-tint: light-dark(#ffffff, #0d1640);
  --wash: light-dark(#eef1fd, #21263f);
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; min-height: 100vh; display: flex; flex-direction: column;
  background: var(--page); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
.banner { background: var(--wash); border-bottom: 1px solid var(--line); }
.banner p { margin: 0 auto; padding: .6rem 1rem; max-width: 64rem; font-size: .9rem; }
.banner strong {
  display: inline-block; margin-right: .5rem; padding: 0 .5rem; border-radius: .25rem;
  background: var(--tint); color: var(--on-tint);
}
main {
  width: calc(100% - 2rem); margin: 2rem auto; padding: clamp(1.25rem, 4vw, 2.25rem);
  background: var(--card); border: 1px solid var(--line); border-radius: 1rem;
}
main > :last-child { margin-bottom: 0; }
main.narrow { max-width: 31rem; }
main.wide { max-width: 64rem; }
footer { margin-top: auto; padding: 0 1rem 1rem; text-align: center; font-size: .9rem; }
a { color: var(--tint); }
h1 { margin: 0 0 1rem; font-size: 1.6rem; line-height: 1.25; text-wrap: balance; overflow-wrap: anywhere; }
h2 { margin: 1.75rem 0 .75rem; font-size: 1.1rem; line-height: 1.3; overflow-wrap: anywhere; }
p { margin: 0 0 1rem; }
code, .number { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: .9em; }
code { overflow-wrap: anywhere; }
.quiet, .hint, .about, .number { color: var(--quiet); }
.quiet, .hint { font-size: .9rem; }
.error { color: var(--bad); font-weight: 600; margin: .4rem 0 0; }
.field { margin-bottom: 1.25rem; }
label { font-weight: 600; }
.hint { margin: 0 0 .4rem; }
input:not([type="checkbox"]), select, textarea {
  width: 100%; padding: .65rem .75rem; border: 1px solid var(--field-line); border-radius: .5rem;
  background: var(--card); color: inherit; font: inherit;
}
textarea { resize: vertical; overflow-wrap: anywhere; font-family: ui-monospace, Menlo, Consolas, monospace; font-size: .85rem; }
[aria-invalid="true"] { border-color: var(--bad); }
.tick { display: flex; gap: .6rem; align-items: flex-start; }
.tick label { font-weight: 400; }
input[type="checkbox"] { flex: none; width: 1.25rem; height: 1.25rem; margin: .15rem 0 0; accent-color: var(--tint); }
form + .quiet { margin-top: 1.25rem; }
.actions { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.5rem 0 0; }
button, .button {
  min-height: 2.75rem; padding: .55rem 1.2rem; border: 1px solid var(--field-line); border-radius: .6rem;
  background: transparent; color: inherit; font: inherit; font-weight: 600; text-decoration: none; cursor: pointer;
}
button:hover, .button:hover { background: var(--wash); }
button.primary { background: var(--tint); border-color: var(--tint); color: var(--on-tint); }
button.primary:hover { filter: brightness(1.08); }
button[hidden] { display: none; }
:focus-visible { outline: 3px solid var(--tint); outline-offset: 2px; }
.people { list-style: none; margin: 0; padding: 0; display: grid; gap: .6rem; }
.people button { width: 100%; text-align: left; font-weight: 400; border-color: var(--line); }
.people .name { display: block; font-weight: 600; overflow-wrap: anywhere; }
.people .number { font-weight: 400; white-space: nowrap; }
.people .about { display: block; font-size: .9rem; }
.side-by-side { display: grid; gap: 2rem; align-items: center; }
.challenge output {
  display: inline-block; padding: .25rem 1.5rem; border-radius: .75rem;
  background: var(--wash); color: var(--tint); font-size: 3.5rem; font-weight: 700; line-height: 1.3;
}
.phone {
  width: 100%; max-width: 22rem; margin: 0 auto; padding: 2rem 1.25rem 1.5rem;
  border: .45rem solid var(--ink); border-radius: 2rem; background: var(--page);
}
.phone h1, .phone h2 { margin: 0 0 .75rem; font-size: 1.3rem; }
.numbers { display: grid; grid-template-columns: repeat(3, 1fr); gap: .6rem; }
.numbers button { padding: .8rem 0; font-size: 1.5rem; color: var(--tint); }
.shared { margin: 0 0 1.25rem; border-top: 1px solid var(--line); }
.shared div { padding: .6rem 0; border-bottom: 1px solid var(--line); }
.shared dt { color: var(--quiet); font-size: .9rem; }
.shared dd { margin: 0; overflow-wrap: anywhere; }
fieldset { margin: 0 0 1.5rem; padding: 1rem 1.25rem 1.25rem; border: 1px solid var(--line); border-radius: .75rem; min-width: 0; }
fieldset.plain { margin: .5rem 0 0; padding: 0; border: 0; }
legend { padding: 0 .4rem; font-weight: 700; }
fieldset.plain legend { padding: 0; font-weight: 600; }
.grid { display: grid; gap: 0 1.25rem; grid-template-columns: repeat(auto-fill, minmax(min(17rem, 100%), 1fr)); align-items: end; }
.ticks { display: grid; gap: .1rem 1.25rem; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); }
.ticks .tick { margin: .25rem 0; }
details { margin: 0 0 .75rem; border: 1px solid var(--line); border-radius: .6rem; }
summary { padding: .6rem .9rem; font-weight: 600; cursor: pointer; border-radius: .6rem; }
summary .quiet { font-weight: 400; }
fieldset > details > :not(summary) { margin-left: .9rem; margin-right: .9rem; }
fieldset > details[open] { padding-bottom: .9rem; }
.person { padding-bottom: .6rem; }
.person + details { margin-top: .5rem; }
.person legend { font-weight: 600; }
.notice { padding: .75rem 1rem; border-radius: .6rem; background: var(--wash); font-weight: 600; overflow-wrap: anywhere; }
.notice.bad { color: var(--bad); border: 1px solid var(--bad); background: transparent; }
.counts { display: flex; flex-wrap: wrap; gap: .4rem 1.5rem; margin: 0 0 1rem; padding: 0; list-style: none; }
.journal { margin: 0 0 1rem; padding: 0; list-style: none; }
.journal details { margin-bottom: .4rem; }
.journal summary { font-weight: 400; }
.journal time { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: .85em; color: var(--quiet); }
pre { margin: 0; padding: 0 .9rem .9rem; white-space: pre-wrap; overflow-wrap: anywhere; font-size: .8rem; }
@media (min-width: 48rem) {
  .side-by-side { grid-template-columns: 1fr 1fr; }
}
@media (prefers-reduced-motion: no-preference) {
  button, .button { transition: background-color .15s, filter .15s; }
}
`;
