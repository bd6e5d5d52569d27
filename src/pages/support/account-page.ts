import { html } from "hono/html";
import { filled, textsIn } from "../language.ts";
import type { Html } from "../layout.ts";
import type { WrongField, WrongGroups } from "../texts/support/support-texts.ts";
import { tick } from "../tick.ts";
import { deedTable, loginEntry, requestList } from "./people.ts";
import type {
  ShownAccount,
  ShownConsent,
  ShownDeed,
  ShownIdentity,
  ShownLogin,
  ShownRequest,
  ShownSession,
} from "./shown.ts";
import { supportTextsIn } from "./support-language.ts";
import { panel, type SupportPageProps, supportLayout } from "./support-layout.ts";

/** The form with which staff correct an account. */
export interface CorrectionForm {
  /** What stands in the fields: as kept, or as typed where something was wrong. */
  readonly name: string;
  readonly phone: string;
  readonly email: string;
  readonly memberNumber: string;
  readonly wrong: WrongField | "unticked" | undefined;
  /** Names the state of the account that the form was made from. */
  readonly basis: string;
}

/** The form with which staff put a person into groups. */
export interface GroupForm {
  readonly choices: readonly {
    readonly name: string;
    readonly isIn: boolean;
    /** Whether its members are staff: such a group is shown and cannot be changed here. */
    readonly isStaff: boolean;
  }[];
  /** A further group, as it was typed. */
  readonly typed: string;
  readonly basis: string;
  readonly wrong: WrongGroups | "unticked" | undefined;
}

interface AccountPageProps extends SupportPageProps {
  readonly account: ShownAccount;
  readonly facts: readonly { readonly label: string; readonly value: string }[];
  readonly identities: readonly ShownIdentity[];
  readonly sessions: readonly ShownSession[];
  /** How long a device may take to notice that its session has ended, in words. */
  readonly delay: string;
  readonly logins: readonly ShownLogin[];
  readonly requests: readonly ShownRequest[];
  readonly terms: readonly string[];
  readonly consents: readonly ShownConsent[];
  readonly deeds: readonly ShownDeed[];
  /** Not for a site that keeps its groups elsewhere. */
  readonly groups: GroupForm | undefined;
  /** When a change of groups bites. */
  readonly groupsHelp: string;
  /** Not for a site without a registry. */
  readonly correction: CorrectionForm | undefined;
}

/** Everything customer service sees of an account, and does to it. */
export function accountPage(props: AccountPageProps): Html {
  const { language, brand, account, facts, groups, correction, requests } = props;
  const texts = supportTextsIn(language);
  const none = html`<p class="soft">${texts.none}</p>`;
  const rows = (items: readonly (string | Html)[]) =>
    html`<ul class="rows">${items.map((item) => html`<li>${item}</li>`)}</ul>`;
  const known = html`
<dl class="facts">
${facts.map(({ label, value }) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}
</dl>
${groups && groupForm(props, groups)}
${correction && correctionForm(props, correction)}`;
  const consents = props.consents.map(
    ({ wording, granted, when }) => html`
${wording}: <strong>${granted ? texts.yes : texts.no}</strong>
<p class="meta">${when}</p>`,
  );
  const logins = props.logins.map((login) => loginEntry(language, login));
  const content = html`
<div class="panels">
<div class="column">
${panel(texts.account, known)}
${panel(filled(texts.links, { brand }), identityList(props))}
${panel(texts.terms, props.terms.length === 0 ? none : rows(props.terms))}
${panel(texts.consents, html`${consents.length === 0 && none}${rows(consents)}`)}
</div>
<div class="column">
${requests.length > 0 && panel(texts.requests, requestList(language, requests))}
${panel(texts.logins, html`${logins.length === 0 && none}${rows(logins)}`)}
${panel(texts.sessions, props.sessions.length === 0 ? none : sessionList(props))}
${panel(texts.audit, deedTable(language, props.deeds))}
<p class="actions"><a class="button danger" href="${account.href}/erase">${texts.erase}</a></p>
</div>
</div>`;
  return supportLayout(props, account.name ?? texts.noName, content);
}

function identityList({ language, account, identities, correction }: AccountPageProps): Html {
  const texts = supportTextsIn(language);
  const items = identities.map(
    ({ msn, sub, linked, lastLogin, revoked }) => html`
<li>
<p>${linked}</p>
${revoked !== undefined && html`<p class="wrong">${revoked}</p>`}
<p class="meta">${texts.lastLogin}: ${lastLogin ?? texts.never}<br>${sub} (MSN ${msn})</p>
<form class="deed" method="post" action="${account.href}/unlink">
<input type="hidden" name="msn" value="${msn}">
${tick(texts.confirmUnlink)}
<button class="button" type="submit" name="sub" value="${sub}" aria-label="${texts.unlink}: ${sub}">${texts.unlink}</button>
</form>
</li>`,
  );
  const linkForm = html`
<details>
<summary>${texts.linkByReference}</summary>
<form class="finder" method="post" action="${account.href}/link">
<input class="field" name="reference" required maxlength="20" autocomplete="off" aria-label="${texts.linkByReference}">
<button class="button" type="submit">${texts.next}</button>
</form>
</details>`;
  return html`
${identities.length === 0 && html`<p class="soft">${texts.noLinks}</p>`}
<ul class="rows">${items}</ul>
${identities.length > 0 && html`<p class="help">${texts.unlinkHelp}</p>`}
${correction && linkForm}`;
}

function sessionList({ language, account, sessions, delay }: AccountPageProps): Html {
  const texts = supportTextsIn(language);
  const { end } = textsIn(language).sessions;
  const action = `${account.href}/sessions`;
  const items = sessions.map(
    ({ id, device, place, used, begun }) => html`
<li>
<strong>${device}</strong>
<p class="meta">${[place, used, begun].filter(Boolean).join(" · ")}</p>
<p><button class="button" type="submit" name="session" value="${id}" aria-label="${end}: ${device}">${end}</button></p>
</li>`,
  );
  return html`
<form method="post" action="${action}">
${tick(texts.confirmEnd)}
<ul class="rows">${items}</ul>
<p class="actions"><button class="button" type="submit" name="session" value="all">${texts.endAll}</button></p>
</form>
<p class="help">${filled(texts.endHelp, { delay })}</p>`;
}

function groupForm({ language, account, groupsHelp }: AccountPageProps, form: GroupForm): Html {
  const texts = supportTextsIn(language);
  const { choices, typed, basis, wrong } = form;
  const said = wrong === undefined || wrong === "unticked" ? undefined : texts.wrongGroups[wrong];
  const choice = ({ name, isIn, isStaff }: (typeof choices)[number]) => html`
<label class="choice">
<input type="checkbox" name="group" value="${name}"${isIn && " checked"}${isStaff && " disabled"} autocomplete="off">
<span>${name}${isStaff && html` <small class="soft">${texts.staffGroup}</small>`}</span>
</label>`;
  return html`
<details${wrong !== undefined && " open"}>
<summary>${texts.groups}</summary>
<form class="fields" method="post" action="${account.href}/groups" novalidate>
<input type="hidden" name="basis" value="${basis}">
${choices.map(choice)}
<div>
<label for="new">${texts.newGroup}</label>
<input class="field" id="new" name="new" type="text" value="${typed}" maxlength="40" autocomplete="off"${
    said !== undefined && html` aria-invalid="true" aria-describedby="wrong-groups" autofocus`
  }>
${said !== undefined && html`<p class="wrong" id="wrong-groups" role="alert">${said}</p>`}
</div>
<p class="help">${groupsHelp}</p>
${tick(texts.confirmGroups, wrong === "unticked" ? textsIn(language).press.tickFirst : undefined)}
<p><button class="button primary small" type="submit">${texts.save}</button></p>
</form>
</details>`;
}

type Correctable = "name" | "phone" | "email" | "memberNumber";

function correctionForm({ language, account }: AccountPageProps, correction: CorrectionForm): Html {
  const texts = supportTextsIn(language);
  const { wrong, basis } = correction;
  const said = wrong === undefined || wrong === "unticked" ? undefined : texts.wrong[wrong];
  const wrongField = wrong === "staffPhone" ? "phone" : wrong;
  const field = (name: Correctable, type: "text" | "tel" | "email") => {
    const isWrong = wrongField === name;
    return html`
<div>
<label for="${name}">${texts[name]}</label>
<input class="field" id="${name}" name="${name}" type="${type}" value="${correction[name]}" maxlength="200"
 autocomplete="off"${isWrong && html` aria-invalid="true" aria-describedby="wrong" autofocus`}>
${isWrong && html`<p class="wrong" id="wrong" role="alert">${said}</p>`}
</div>`;
  };
  return html`
<details${wrong !== undefined && " open"}>
<summary>${texts.correct}</summary>
<form class="fields" method="post" action="${account.href}/correct" novalidate>
<input type="hidden" name="basis" value="${basis}">
${field("name", "text")}
${field("phone", "tel")}
${field("email", "email")}
${field("memberNumber", "text")}
<p class="help">${texts.correctHelp}</p>
${tick(texts.confirmCorrect, wrong === "unticked" ? textsIn(language).press.tickFirst : undefined)}
<p><button class="button primary small" type="submit">${texts.save}</button></p>
</form>
</details>`;
}
