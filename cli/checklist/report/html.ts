import { html, raw } from "hono/html";
import type { Evidence, Picture } from "../evidence.ts";
import { moment, ORIGINS, type Report, type ReportRow, STATUSES, type Status } from "./report.ts";
import { STYLE } from "./style.ts";

/** What `html` makes; nothing in it is asynchronous, but its type allows for it. */
type Html = ReturnType<typeof html>;

/** Gives the address of a picture: its file as a `data:` URL, or its path. */
export type AddressOf = (picture: Picture, evidence: Evidence) => string;

/** Where Vipps describes the checklist, and where partners send it. */
const CHECKLIST_PAGE = "https://developer.vippsmobilepay.com/docs/APIs/login-api/login-api-checklist/";
const SENT_TO = "developer@vippsmobilepay.com";

/**
 * The report as one HTML page with everything in it: no script, no request to anywhere. What a reviewer reads is on
 * two printed pages, a line a row; the evidence behind it is an appendix, its pictures together at the end, where
 * they can be large and leave no gaps.
 */
export async function htmlReport(report: Report, addressOf: AddressOf): Promise<string> {
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
${pictureAppendix(report, addressOf)}
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

const sign = (status: Status, look: "badge" | "sign" = "badge"): Html =>
  html`<span class="${look}" role="img" aria-label="${STATUSES[status].words}">${STATUSES[status].sign}</span>`;

function summary({ counts, origins, toDo }: Report): Html {
  const standings = Object.entries(counts).filter(([, count]) => count > 0) as [Status, number][];
  return html`
<section class="summary" aria-label="Summary">
<ul class="legend">${standings.map(
    ([status, count]) =>
      html`<li class="${status}">${sign(status)} <strong>${count}</strong> ${STATUSES[status].words.toLowerCase()}</li>`,
  )}</ul>
${origins.map(
  ({ environment, words, note, changed }) =>
    html`<div class="origin ${environment}"><p><strong>${words}.</strong> ${note}</p>${changed.length > 0 && html`<details><summary>Settings that differed from the site's own during the run</summary><ul>${changed.map(({ name, why }) => html`<li><code>${name}</code> ${why}</li>`)}</ul></details>`}</div>`,
)}
${
  toDo.length > 0
    ? html`<div class="to-do"><h2>Before it is sent</h2><ul>${toDo.map((entry) => html`<li>${entry}</li>`)}</ul></div>`
    : html`<p class="ready met">Nothing keeps this report from being sent.</p>`
}
</section>`;
}

/** A line a row: how it stands, how it is met, and where the proof is. */
const sectionTable = ([title, rows]: Report["sections"][number]): Html => html`
<table class="rows">
<caption>${title}</caption>
<thead><tr><th scope="col"><span class="unseen">Stands</span></th><th scope="col">Row</th><th scope="col">How it is met</th><th scope="col">Proof</th></tr></thead>
<tbody>${rows.map(
  (row) => html`
<tr class="${row.status}"><td>${sign(row.status)}</td><th scope="row">${row.number} ${row.title}</th><td>${row.comment}</td><td>${
    hasEvidence(row) ? html`<a href="#${row.id}">${row.proof}</a>` : row.words
  }</td></tr>`,
)}</tbody>
</table>`;

function rowCard(row: ReportRow): Html {
  const { id, number, title, status, words, endpoint, asked, fields, reason, isOld } = row;
  const evidence = row.applies ? row.evidence : undefined;
  return html`
<article class="row ${status}" id="${id}">
<header><h3>${sign(status)} ${number} ${title}</h3> <span class="status">${words}</span></header>
<p class="asked">${asked}${endpoint && html` <code>${endpoint}</code>`}</p>
${reason !== undefined && status !== "met" && status !== "fill" && html`<p class="why">${reason}</p>`}
${evidence && html`<p>${evidence.how}</p>${checkList(evidence)}`}
${
  fields.length > 0 &&
  html`<dl class="fields">${fields.map(
    ({ question, answer }) =>
      html`<div class="${answer === undefined ? "fill" : ""}"><dt>${question}</dt><dd>${answer ?? "To fill in"}</dd></div>`,
  )}</dl>`
}
${evidence && html`${wires(evidence)}<p class="taken"><span class="tag ${evidence.environment}">${ORIGINS[evidence.environment].words}</span> <time datetime="${evidence.takenAt}">${moment(evidence.takenAt)}</time> <span class="${isOld ? "failed" : ""}">${row.ageWords}</span></p>`}
</article>`;
}

const checkList = ({ findings }: Evidence): Html =>
  html`<ul class="checks">${findings.map(({ severity, what, seen }) => {
    const status = severity === "ok" ? "met" : severity === "error" ? "failed" : "open";
    return html`<li class="${status}">${sign(status, "sign")} <span>${what}${seen && html`<span class="found">: ${seen}</span>`}</span></li>`;
  })}</ul>`;

const SENDERS = { browser: "Browser", worker: "Worker", command: "This command" } as const;

/** What went over the wire, and what the worker wrote down. */
function wires({ exchanges, logLines, environment }: Evidence): readonly Html[] {
  const provider = environment === "simulator" ? "simulator" : "Vipps";
  const shown = exchanges.map(({ from, to, at, request, response }) => {
    // Method and path alone; where it went is told beside them.
    const line = (request.split("\n")[0] ?? "").replace(/^(\S+ )https?:\/\/[^/]+/, "$1");
    const path = `${SENDERS[from]} → ${to === "site" ? "site" : provider}`;
    const heading = html`<span>${path}</span> <code>${line}</code> <span class="code">${response.split("\n")[0]}</span> <time datetime="${at}">${moment(at)}</time>`;
    return wire(heading, [request, response]);
  });
  const lines = logLines.length === 1 ? "1 line" : `${logLines.length} lines`;
  const log = html`<span>The worker's log</span> <code>${lines}</code>`;
  return logLines.length === 0 ? shown : [...shown, wire(log, [logLines.join("\n")])];
}

const wire = (heading: Html, texts: readonly string[]): Html => html`
<details class="exchange">
<summary>${heading}</summary>
<div class="wire">${texts.map((text) => html`<pre>${text}</pre>`)}</div>
</details>`;

/** The pictures of a device together: of one size, they fill the page. */
function pictureAppendix({ rows }: Report, addressOf: AddressOf): Html | false {
  const shown = rows.flatMap(({ evidence, title, number }) =>
    (evidence?.pictures ?? []).map((picture) => {
      const { device, caption } = picture;
      const figure = html`
<figure class="${device}"><img src="${evidence && addressOf(picture, evidence)}" alt="${caption}"><figcaption><strong>${number} ${title}.</strong> ${caption}</figcaption></figure>`;
      return { device, figure };
    }),
  );
  const of = (wanted: Picture["device"]) => shown.map(({ device, figure }) => device === wanted && figure);
  if (shown.length === 0) return false;
  return html`
<section class="appendix">
<h2 id="pictures">Appendix: the pictures</h2>
<div class="pictures">${of("phone")}</div>
<div class="pictures">${of("desktop")}</div>
</section>`;
}
