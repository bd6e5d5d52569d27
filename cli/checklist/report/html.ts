import { html, raw } from "hono/html";
import { type Evidence, type Picture, SECTIONS, type Section } from "../row.ts";
import { CHECKLIST_PAGE, SENT_TO } from "../vipps-addresses.ts";
import { type Report, type ReportRow, rowsOf, type Status } from "./report.ts";
import { STYLE } from "./style.ts";
import {
  ageWords,
  ENVIRONMENT_NOTES,
  ENVIRONMENT_WORDS,
  moment,
  receiverWords,
  SENDER_WORDS,
  STATUS_SIGNS,
  STATUS_WORDS,
  titleOf,
} from "./words.ts";

/** What `html` makes; nothing in it is asynchronous, but its type allows for it. */
type Html = ReturnType<typeof html>;

/** Gives the picture's file as a `data:` URL. */
export type Embed = (picture: Picture, evidence: Evidence) => string;

/** The report as one HTML page with everything in it: no script, no request to anywhere. */
export async function htmlReport(report: Report, embed: Embed): Promise<string> {
  const sections = Object.keys(SECTIONS) as Section[];
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>Login API checklist: ${titleOf(report)}</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<header class="top">
<p class="kind">Vipps MobilePay Login API checklist</p>
<h1>${titleOf(report)}</h1>
${facts(report)}
</header>
<main>
${summary(report)}
${contents(report, sections)}
${sections.map(
  (section) => html`
<section aria-labelledby="${section}">
<h2 id="${section}">${SECTIONS[section]}</h2>
${rowsOf(report, section).map((row) => rowCard(row, report.maxAge, embed))}
</section>`,
)}
</main>
<footer>
<p>Rows follow <a href="${CHECKLIST_PAGE}">Vipps' Login API checklist</a>. Partners send it to <a href="mailto:${SENT_TO}">${SENT_TO}</a>; merchants with a direct integration keep it as their own check. In every request and answer, secrets and personal data have given way to their length; in pictures, to bars.</p>
<p>Made by vipps-login-worker ${report.version}, ${moment(report.madeAt)}. Not made by Vipps MobilePay.</p>
</footer>
</body>
</html>
`;
  return String(await page);
}

function facts({ merchantSerialNumber, sites, issuers, madeAt, merchant }: Report): Html {
  const rows: readonly (readonly [string, string | undefined])[] = [
    ["Partner", merchant.partner_name],
    ["Sales unit", merchant.sales_unit_name],
    ["Merchant Serial Number", merchantSerialNumber],
    ["Site", sites.join(", ") || undefined],
    ["Issuer", issuers.join(", ") || undefined],
    ["Made", moment(madeAt)],
  ];
  return html`<dl class="facts">${rows
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** From what is done to what does not concern the site. */
const IN_BAR: readonly Status[] = ["met", "fill", "open", "failed", "none"];

function summary({ counts, environments, toDo, rows, runs }: Report): Html {
  const present = IN_BAR.filter((status) => counts[status] > 0);
  const words = present.map((status) => `${counts[status]} ${STATUS_WORDS[status].toLowerCase()}`).join(", ");
  return html`
<section class="summary" aria-label="Summary">
<div class="bar" role="img" aria-label="${words} of ${rows.length} rows">${present.map(
    (status) => html`<span class="${status}" style="flex-grow:${counts[status]}"></span>`,
  )}</div>
<ul class="legend">${present.map(
    (status) =>
      html`<li>${badge(status)}<strong>${counts[status]}</strong> ${STATUS_WORDS[status].toLowerCase()}</li>`,
  )}</ul>
${environments.map(
  (environment) =>
    html`<div class="origin ${environment}"><p><strong>${ENVIRONMENT_WORDS[environment]}.</strong> ${ENVIRONMENT_NOTES[environment]}</p>${changedSettings(runs[environment]?.changed)}</div>`,
)}
${
  toDo.length > 0
    ? html`<div class="to-do"><h2>Before it is sent</h2><ul>${toDo.map((entry) => html`<li>${entry}</li>`)}</ul></div>`
    : html`<p class="ready">Nothing keeps this report from being sent.</p>`
}
</section>`;
}

/** What was different from the site's own settings while the evidence was taken. */
function changedSettings(changed: readonly { name: string; why: string }[] = []): Html | false {
  if (changed.length === 0) return false;
  return html`<details><summary>Settings that differed from the site's own during the run</summary><ul>${changed.map(
    ({ name, why }) => html`<li><code>${name}</code> ${why}</li>`,
  )}</ul></details>`;
}

function contents(report: Report, sections: readonly Section[]): Html {
  return html`
<nav class="contents" aria-label="Rows">
${sections.map(
  (section) => html`
<div><h2>${SECTIONS[section]}</h2><ul>${rowsOf(report, section).map(
    ({ id, title, status }) => html`<li><a href="#${id}">${badge(status)}<span>${title}</span></a></li>`,
  )}</ul></div>`,
)}
</nav>`;
}

const badge = (status: Status): Html =>
  html`<span class="badge ${status}" role="img" aria-label="${STATUS_WORDS[status]}">${STATUS_SIGNS[status]}</span>`;

function rowCard(row: ReportRow, maxAge: number, embed: Embed): Html {
  const { id, title, status, endpoint, asked, evidence, fields, why } = row;
  const applies = evidence !== undefined && evidence.notApplicable === undefined;
  return html`
<article class="row is-${status}" id="${id}">
<header>${badge(status)}<h3>${title}</h3><span class="status">${STATUS_WORDS[status]}</span></header>
${endpoint && html`<p class="endpoint"><code>${endpoint}</code></p>`}
<p class="asked">${asked}</p>
${why !== undefined && status !== "met" && status !== "fill" && html`<p class="why">${why}</p>`}
${applies && html`<p class="how">${evidence.how}</p>`}
${applies && evidence.checks.length > 0 && checkList(evidence)}
${
  fields.length > 0 &&
  html`<dl class="fields">${fields.map(
    ({ question, answer }) =>
      html`<div class="${answer === undefined ? "empty" : "filled"}"><dt>${question}</dt><dd>${answer ?? "To fill in"}</dd></div>`,
  )}</dl>`
}
${applies && evidence.pictures.length > 0 && pictures(evidence, embed)}
${applies && exchanges(evidence)}
${applies && evidence.logLines.length > 0 && logLines(evidence)}
${applies && evidence.missing.map((entry) => html`<p class="missing">${entry}</p>`)}
${evidence && html`<p class="taken"><span class="tag ${evidence.environment}">${ENVIRONMENT_WORDS[evidence.environment]}</span> <time datetime="${evidence.takenAt}">${moment(evidence.takenAt)}</time> <span class="${row.isOld ? "old" : ""}">${ageWords(row, maxAge)}</span></p>`}
</article>`;
}

function checkList({ checks }: Evidence): Html {
  return html`<ul class="checks">${checks.map(
    ({ text, ok, found }) =>
      html`<li class="${ok ? "ok" : "not-ok"}"><span class="sign" role="img" aria-label="${ok ? "holds" : "does not hold"}">${ok ? "✓" : "✗"}</span><span>${text}${found && html` <span class="found">${found}</span>`}</span></li>`,
  )}</ul>`;
}

function exchanges({ exchanges: shown, environment }: Evidence): Html | readonly Html[] {
  return shown.map(
    ({ at, from, to, request, response }) => html`
<details class="exchange">
<summary><span>${SENDER_WORDS[from]} → ${receiverWords(to, environment)}</span> <code>${firstLine(request)}</code> <span class="code">${response.split("\n")[0]}</span> <time datetime="${at}">${moment(at)}</time></summary>
<div class="wire"><div><h4>Request</h4><pre>${request}</pre></div><div><h4>Response</h4><pre>${response}</pre></div></div>
</details>`,
  );
}

function logLines({ logLines: lines }: Evidence): Html {
  return html`
<details class="exchange">
<summary><span>The worker's log</span> <code>${lines.length === 1 ? "1 line" : `${lines.length} lines`}</code></summary>
<div class="wire"><div><pre>${lines.join("\n")}</pre></div></div>
</details>`;
}

/** Method and path of a shown request; where it went is told beside it. */
const firstLine = (request: string): string =>
  (request.split("\n")[0] ?? "").replace(/^(\S+ )https?:\/\/[^/]+/, "$1");

function pictures(evidence: Evidence, embed: Embed): Html {
  return html`<div class="pictures">${evidence.pictures.map(
    (picture) => html`
<figure class="${picture.device}"><img src="${embed(picture, evidence)}" width="${picture.width}" height="${picture.height}" alt="${picture.caption}"><figcaption>${picture.caption}</figcaption></figure>`,
  )}</div>`;
}
