import { html } from "hono/html";
import { filled, type Language } from "../language.ts";
import type { Html } from "../layout.ts";
import type { ShownFigures, ShownHour } from "./shown.ts";
import { supportTextsIn } from "./support-language.ts";

const HEIGHT = 120;
const COLUMN = 25;
/** Every so many hours the hour stands below its column. */
const LABEL_EVERY = 3;

const sum = (hours: readonly ShownHour[], part: "loggedIn" | "cancelled" | "failed"): number =>
  hours.reduce((total, hour) => total + hour[part], 0);

/** The logins of one day: totals, a column for every hour, the numbers as a table, and why logins failed. */
export function loginChart(language: Language, figures: ShownFigures): Html {
  const texts = supportTextsIn(language);
  const { day, hours, reasons, previousHref, nextHref } = figures;
  const totals = [
    { kind: "in", label: texts.loggedIn, count: sum(hours, "loggedIn") },
    { kind: "stop", label: texts.cancelled, count: sum(hours, "cancelled") },
    { kind: "out", label: texts.failed, count: sum(hours, "failed") },
  ];
  const quiet = totals.every(({ count }) => count === 0);
  const hourly = table(
    [texts.hour, ...totals.map(({ label }) => label)],
    hours.map(
      ({ hour, loggedIn, cancelled, failed }) =>
        html`<tr><th scope="row">${hour}</th>${[loggedIn, cancelled, failed].map(numberCell)}</tr>`,
    ),
  );
  const picture = html`
<dl class="totals">
${totals.map(({ kind, label, count }) => html`<div class="${kind}"><dt>${label}</dt><dd>${count}</dd></div>`)}
</dl>
${columns(hours, totals.map(({ label, count }) => `${label}: ${count}`).join(", "))}
<details>
<summary>${texts.byHour}</summary>
<div class="scroll">${hourly}</div>
</details>`;
  const why = table(
    [texts.reason, texts.count],
    reasons.map(({ title, count }) => html`<tr><td>${title}</td>${numberCell(count)}</tr>`),
  );
  return html`
<section class="panel" aria-labelledby="figures">
<h2 id="figures">${filled(texts.figures, { day })}</h2>
${quiet ? html`<p class="soft">${texts.quietDay}</p>` : picture}
${reasons.length > 0 && why}
<p class="days">
<a href="${previousHref}">← ${texts.previousDay}</a>
${nextHref !== undefined && html`<a href="${nextHref}">${texts.nextDay} →</a>`}
</p>
</section>`;
}

/** A table whose columns are numbers, but for the first. */
function table([first, ...numbers]: readonly string[], rows: readonly Html[]): Html {
  return html`
<table>
<thead>
<tr><th scope="col">${first}</th>${numbers.map((label) => html`<th scope="col" class="number">${label}</th>`)}</tr>
</thead>
<tbody>${rows}</tbody>
</table>`;
}

const numberCell = (count: number): Html => html`<td class="number">${count}</td>`;

/** A picture of the table below it; sizes are attributes, because the page's CSP allows no inline styles. */
function columns(hours: readonly ShownHour[], label: string): Html {
  const most = Math.max(...hours.map(({ loggedIn, cancelled, failed }) => loggedIn + cancelled + failed));
  const high = (count: number): number => (count / most) * HEIGHT;
  const width = hours.length * COLUMN;
  const drawn = hours.map(({ hour, loggedIn, cancelled, failed }, index) => {
    const x = index * COLUMN;
    const [first, second, third] = [high(loggedIn), high(cancelled), high(failed)];
    const bar = (kind: string, height: number, below: number) =>
      height > 0 &&
      html`<rect class="${kind}" x="${x + 4}" y="${HEIGHT - below - height}" width="${COLUMN - 8}" height="${height}"/>`;
    return html`
<g>
${bar("in", first, 0)}${bar("stop", second, first)}${bar("out", third, first + second)}
${index % LABEL_EVERY === 0 && html`<text x="${x + COLUMN / 2}" y="${HEIGHT + 15}">${hour}</text>`}
</g>`;
  });
  return html`
<svg class="chart" viewBox="0 0 ${width} ${HEIGHT + 20}" role="img" aria-label="${label}">
${drawn}
<line x1="0" y1="${HEIGHT}" x2="${width}" y2="${HEIGHT}"/>
</svg>`;
}
