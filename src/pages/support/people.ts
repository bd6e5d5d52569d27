import { html } from "hono/html";
import type { Language } from "../language.ts";
import type { Html } from "../layout.ts";
import type {
  ShownAccount,
  ShownDeed,
  ShownElsewhere,
  ShownLogin,
  ShownPerson,
  ShownRequest,
} from "./shown.ts";
import { supportTextsIn } from "./support-language.ts";

/** What tells one person from another, on one line. */
export function contactLine({ phone, email }: ShownPerson, ...more: readonly (string | undefined)[]): string {
  return [phone, email, ...more].filter((part) => part !== undefined).join(" · ");
}

/**
 * Accounts to choose from.
 * @param actionOf what can be done with each account, beside opening it.
 */
export function accountList(
  language: Language,
  accounts: readonly ShownAccount[],
  actionOf?: (account: ShownAccount) => Html,
): Html {
  const texts = supportTextsIn(language);
  const contact = (account: ShownAccount) =>
    contactLine(account, account.memberNumber && `${texts.memberNumber} ${account.memberNumber}`);
  const items = accounts.map(
    (account) => html`
<li>
<a class="who" href="${account.href}">${account.name ?? texts.noName}</a>
<p>${contact(account)}</p>
<p class="meta">${texts.lastLogin}: ${account.lastLogin ?? texts.never}</p>
${actionOf?.(account)}
</li>`,
  );
  return html`<ul class="rows">${items}</ul>`;
}

/** What was found at which site. */
export function elsewhereList(language: Language, found: readonly ShownElsewhere[]): Html {
  const texts = supportTextsIn(language);
  const items = found.map(
    ({ host, href, who, contact, last }) => html`
<li>
<a class="who" href="${href}">${who}, ${host}</a>
${contact !== "" && html`<p>${contact}</p>`}
${last !== undefined && html`<p class="meta">${texts.lastLogin}: ${last}</p>`}
</li>`,
  );
  return html`<ul class="rows">${items}</ul><p class="soft">${texts.everywhereHelp}</p>`;
}

/** People who wait to be linked. */
export function requestList(language: Language, requests: readonly ShownRequest[]): Html {
  const texts = supportTextsIn(language);
  const items = requests.map(
    ({ href, name, reason, reference, when }) => html`
<li>
<a class="who" href="${href}">${name ?? texts.noName}</a>
<p>${reason}</p>
<p class="meta">${reference} · ${when}</p>
</li>`,
  );
  return html`<ul class="rows">${items}</ul>`;
}

/** One login: how it ended, and what to tell the customer. */
export function loginEntry(language: Language, login: ShownLogin): Html {
  const texts = supportTextsIn(language);
  const { loggedIn, outcome, when, byBrowser, tell, reference, technical } = login;
  return html`
<p class="${loggedIn ? "state" : "state not"}">${outcome}</p>
<p class="meta">${when}${byBrowser && ` · ${texts.sameBrowser}`}</p>
${tell !== undefined && html`<p class="tell"><strong>${texts.tellThem}</strong> ${tell}</p>`}
<p class="meta">${[reference, technical].filter(Boolean).join(" · ")}</p>`;
}

/** What was done, by whom. */
export function deedTable(language: Language, deeds: readonly ShownDeed[]): Html {
  const texts = supportTextsIn(language);
  const linked = (text: string, href: string | undefined) =>
    href === undefined ? text : html`<a href="${href}">${text}</a>`;
  const items = deeds.map(({ action, times, details, when, actor, actorHref, accountHref }) => {
    const more = [times > 1 && ` ×${times}`, details !== "" && `: ${details}`];
    const account = accountHref !== undefined && html` → ${linked(texts.account, accountHref)}`;
    return html`
<li>
<p><strong>${action}</strong>${more}</p>
<p class="meta">${when} · ${linked(actor, actorHref)}${account}</p>
</li>`;
  });
  return html`<ul class="rows">${items}</ul>`;
}
