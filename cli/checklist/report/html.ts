import { html, raw } from "hono/html";
import type { Evidence, Picture } from "../evidence.ts";
import {
  CHECKLIST_PAGE,
  checksOf,
  moment,
  ORIGINS,
  pathWords,
  type Report,
  type ReportRow,
  SENT_TO,
} from "./report.ts";
import { STYLE } from "./style.ts";

/** What `html` makes; nothing in it is asynchronous, but its type allows for it. */
type Html = ReturnType<typeof html>;

/** Gives the picture's file as a `data:` URL. */
export type Embed = (picture: Picture, evidence: Evidence) => string;

/**
 * The report as one HTML page with everything in it: no script, no request to anywhere. What a reviewer reads is on
 * two printed pages, a line a row; the evidence behind it is an appendix, its pictures together at the end, where
 * they can be large and leave no gaps.
 */
export async function htmlReport(report: Report, embed: Embed): Promise<string> {
  const { title, facts, version, madeAt, sections, rows } = report;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>Login API checklist: ${title}</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<header class="top">
<p class="kind">Vipps MobilePay Login API checklist</p>
<h1>${title}</h1>
<dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
</header>
<main>
${summary(report)}
${sections.map(sectionTable)}
<section class="appendix">
<h2 id="evidence">Appendix: the evidence</h2>
${rows.filter(hasEvidence).map(rowCard)}
</section>
${pictureAppendix(report, embed)}
</main>
<footer>
<p>Rows follow <a href="${CHECKLIST_PAGE}">Vipps' Login API checklist</a>. Partners send it to <a href="mailto:${SENT_TO}">${SENT_TO}</a>; merchants with a direct integration keep it as their own check. In every request and answer, secrets and personal data have given way to their length; in pictures, to bars.</p>
<p>Made by vipps-login-worker ${version}, ${moment(madeAt)}. Not made by Vipps MobilePay.</p>
</footer>
</body>
</html>
`;
  return String(await page);
}

const hasEvidence = ({ applies, fields }: ReportRow): boolean => applies || fields.length > 0;

function summary({ standings, origins, toDo }: Report): Html {
  return html`
<section class="summary" aria-label="Summary">
<ul class="legend">${standings.map(
    (standing) =>
      html`<li>${badge(standing)}<strong>${standing.count}</strong> ${standing.words.toLowerCase()}</li>`,
  )}</ul>
${origins.map(
  ({ environment, words, note, changed }) =>
    html`<div class="origin ${environment}"><p><strong>${words}.</strong> ${note}</p>${changed.length > 0 && html`<details><summary>Settings that differed from the site's own during the run</summary><ul>${changed.map(({ name, why }) => html`<li><code>${name}</code> ${why}</li>`)}</ul></details>`}</div>`,
)}
${
  toDo.length > 0
    ? html`<div class="to-do"><h2>Before it is sent</h2><ul>${toDo.map((entry) => html`<li>${entry}</li>`)}</ul></div>`
    : html`<p class="ready">Nothing keeps this report from being sent.</p>`
}
</section>`;
}

/** A line a row: how it stands, how it is met, and where the proof is. */
const sectionTable = ({ title, rows }: Report["sections"][number]): Html => html`
<table class="rows">
<caption>${title}</caption>
<thead><tr><th scope="col"><span class="unseen">Stands</span></th><th scope="col">Row</th><th scope="col">How it is met</th><th scope="col">Proof</th></tr></thead>
<tbody>${rows.map(
  (row) => html`
<tr class="is-${row.status}"><td>${badge(row)}</td><th scope="row">${row.number} ${row.title}</th><td>${row.comment}</td><td>${
    hasEvidence(row) ? html`<a href="#${row.id}">${row.proof}</a>` : row.words
  }</td></tr>`,
)}</tbody>
</table>`;

const badge = ({ status, words, sign }: Pick<ReportRow, "status" | "words" | "sign">): Html =>
  html`<span class="badge ${status}" role="img" aria-label="${words}">${sign}</span>`;

function rowCard(row: ReportRow): Html {
  const { id, number, title, status, words, endpoint, asked, evidence, fields, reason, isOld } = row;
  const shown = row.applies ? evidence : undefined;
  return html`
<article class="row is-${status}" id="${id}">
<header>${badge(row)}<h3>${number} ${title}</h3><span class="status">${words}</span></header>
<p class="asked">${asked}${endpoint && html` <code>${endpoint}</code>`}</p>
${reason !== undefined && status !== "met" && status !== "fill" && html`<p class="why">${reason}</p>`}
${shown && html`<p>${shown.how}</p>${checkList(shown)}`}
${
  fields.length > 0 &&
  html`<dl class="fields">${fields.map(
    ({ question, answer }) =>
      html`<div class="${answer === undefined ? "empty" : "filled"}"><dt>${question}</dt><dd>${answer ?? "To fill in"}</dd></div>`,
  )}</dl>`
}
${shown && html`${exchanges(shown)}${logLines(shown)}${shown.findings.map(({ severity, what }) => severity === "skipped" && html`<p class="missing">${what}</p>`)}`}
${evidence && html`<p class="taken"><span class="tag ${evidence.environment}">${ORIGINS[evidence.environment].words}</span> <time datetime="${evidence.takenAt}">${moment(evidence.takenAt)}</time> <span class="${isOld ? "old" : ""}">${row.ageWords}</span></p>`}
</article>`;
}

function checkList(evidence: Evidence): Html {
  return html`<ul class="checks">${checksOf(evidence).map(({ severity, what, seen }) => {
    const isOk = severity === "ok";
    return html`<li class="${isOk ? "ok" : "not-ok"}"><span class="sign" role="img" aria-label="${isOk ? "holds" : "does not hold"}">${isOk ? "✓" : "✗"}</span><span>${what}${seen && html` <span class="found">${seen}</span>`}</span></li>`;
  })}</ul>`;
}

const exchanges = ({ exchanges: shown, environment }: Evidence): readonly Html[] =>
  shown.map((exchange) => {
    const { from, to } = pathWords(exchange, environment);
    const { at, request, response } = exchange;
    // Method and path alone; where it went is told beside them.
    const line = (request.split("\n")[0] ?? "").replace(/^(\S+ )https?:\/\/[^/]+/, "$1");
    return html`
<details class="exchange">
<summary><span>${from} → ${to}</span> <code>${line}</code> <span class="code">${response.split("\n")[0]}</span> <time datetime="${at}">${moment(at)}</time></summary>
<div class="wire"><pre>${request}</pre><pre>${response}</pre></div>
</details>`;
  });

function logLines({ logLines: lines }: Evidence): Html | false {
  if (lines.length === 0) return false;
  return html`
<details class="exchange">
<summary><span>The worker's log</span> <code>${lines.length === 1 ? "1 line" : `${lines.length} lines`}</code></summary>
<div class="wire"><pre>${lines.join("\n")}</pre></div>
</details>`;
}

/** The pictures of a device together: of one size, they fill the page. */
function pictureAppendix({ rows }: Report, embed: Embed): Html | false {
  const shown = rows.flatMap(({ evidence, title, number }) =>
    (evidence?.pictures ?? []).map((picture) => ({ picture, evidence, title: `${number} ${title}` })),
  );
  if (shown.length === 0) return false;
  const of = (device: Picture["device"]) =>
    shown.map(
      ({ picture, evidence, title }) =>
        picture.device === device &&
        evidence &&
        html`
<figure class="${device}"><img src="${embed(picture, evidence)}" width="${picture.width}" height="${picture.height}" alt="${picture.caption}"><figcaption><strong>${title}.</strong> ${picture.caption}</figcaption></figure>`,
    );
  return html`
<section class="appendix">
<h2 id="pictures">Appendix: the pictures</h2>
<div class="pictures">${of("phone")}</div>
<div class="pictures">${of("desktop")}</div>
</section>`;
}
