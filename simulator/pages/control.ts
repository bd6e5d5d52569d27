import { html } from "hono/html";
import type { SimulatorControl } from "../control.ts";
import { type JournalEntry, withoutSecrets } from "../journal.ts";
import { salesUnitName } from "../sales-unit.ts";
import { fullName } from "../users.ts";
import { behaviourForm } from "./behaviour-form.ts";
import { type Html, pageResponse } from "./layout.ts";

interface ControlPage {
  readonly control: SimulatorControl;
  readonly issuer: string;
  /** What was just done, or what was wrong with it. */
  readonly notice?: { readonly text: string; readonly isError: boolean };
}

/** Everything that can be changed by hand, and what the endpoints have seen. */
export function controlPage({ control, issuer, notice }: ControlPage): Promise<Response> {
  return pageResponse({
    title: "How this simulator behaves",
    wide: true,
    status: notice?.isError === true ? 422 : 200,
    content: html`
<h1>How this simulator behaves</h1>
${notice === undefined ? "" : html`<p class="notice${notice.isError ? " bad" : ""}" role="status">${notice.text}</p>`}
${salesUnits(control, issuer)}
<h2 id="behaviour">Misbehaviour</h2>
<p>Set what should go wrong, save, and log in. It stays until you change it or the simulator ends.</p>
${behaviourForm(control.behaviour, control.users)}
<h2 id="actions">Keys and memory</h2>
<div class="actions">
${button("rotateKeys", "New signing key, keep the old one")}
${button("replaceKeys", "New signing key, drop the old one")}
${button("forgetConsents", "Forget all consents")}
${button("forgetBrowsers", "Forget remembered browsers")}
</div>
${revocation(control)}
${journal(control)}`,
  });
}

function button(action: string, label: string): Html {
  return html`<form method="post" action="/simulator/control"><button name="action" value="${action}">${label}</button></form>`;
}

function salesUnits({ salesUnits: units }: SimulatorControl, issuer: string): Html {
  return html`
<dl class="shared">
<div><dt>Issuer</dt><dd><code>${issuer}</code></dd></div>
${units.map(
  (unit) => html`<div><dt>${salesUnitName(unit)}</dt>
<dd>client_id <code>${unit.clientId}</code>, MSN <code>${unit.msn}</code>, <code>${unit.tokenAuth ?? "client_secret_basic"}</code><br>
redirect URIs: ${unit.redirectUris.map((uri) => html`<code>${uri}</code> `)}</dd></div>`,
)}
</dl>`;
}

function revocation({ users, salesUnits: [unit] }: SimulatorControl): Html {
  return html`
<h2 id="revocation">A person revokes the consent</h2>
<p>The consent is forgotten, and the webhook gets the unsigned notice that Vipps MobilePay sends.</p>
<form method="post" action="/simulator/control">
<input type="hidden" name="action" value="revokeConsent">
<input type="hidden" name="clientId" value="${unit?.clientId}">
<div class="field"><label for="webhook">Address of the webhook</label>
<input id="webhook" name="webhook" type="url" required placeholder="http://localhost:8787/auth/webhooks/consent/…"></div>
<p class="actions">${users.map((user) => html`<button name="user" value="${user.id}">${fullName(user)}</button> `)}</p>
</form>`;
}

const SHOWN_ENTRIES = 50;

function journal({ journal: { entries, counts } }: SimulatorControl): Html {
  const newest = entries.slice(-SHOWN_ENTRIES).reverse().map(withoutSecrets);
  return html`
<h2 id="requests">Requests</h2>
<ul class="counts">${Object.entries(counts()).map(([endpoint, count]) => html`<li><strong>${count}</strong> ${endpoint}</li>`)}</ul>
${newest.length === 0 ? html`<p class="quiet">None yet.</p>` : html`<ol class="journal" reversed>${newest.map(entryLine)}</ol>`}
${button("clearJournal", "Forget these requests")}`;
}

function entryLine(entry: JournalEntry): Html {
  const values = [
    ...Object.entries(entry.query).map(([name, value]) => `${name}=${value}`),
    ...Object.entries(entry.form).map(([name, value]) => `${name}=${value}`),
    ...Object.entries(entry.headers).map(([name, value]) => `${name}: ${value}`),
  ];
  return html`<li><details><summary><time>${new Date(entry.at).toISOString().slice(11, 23)}</time>
${entry.method} ${entry.endpoint} <strong>${entry.status === 0 ? "no answer" : entry.status}</strong></summary>
<pre tabindex="0">${values.join("\n")}</pre></details></li>`;
}
