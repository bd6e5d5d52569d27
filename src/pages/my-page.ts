import { html } from "hono/html";
import { filled, textsIn } from "./language.ts";
import { type Html, layout, type PageContext } from "./layout.ts";
import { tick } from "./tick.ts";

interface MyPageProps extends PageContext {
  readonly data: readonly { readonly label: string; readonly value: string }[];
  /** When the account was made, in words. */
  readonly memberSince: string | undefined;
  readonly consents: readonly {
    readonly consent: string;
    readonly wording: string;
    readonly language: string | undefined;
    readonly granted: boolean;
    readonly required: boolean;
    readonly fromVipps: boolean;
  }[];
  readonly terms: readonly { readonly version: string; readonly url: string; readonly at: string }[];
  readonly privacyUrl: string | undefined;
  /** The consents have just been saved. */
  readonly saved: boolean;
  /** The person wanted to delete the account without ticking the box. */
  readonly unconfirmed: boolean;
  /** Whether anything is kept that could be downloaded and deleted here. */
  readonly canErase: boolean;
  readonly authPath: string;
}

/** A person's own page: their data, their consents, their sessions, and the way out. Needs no script. */
export function myPage(props: MyPageProps): Html {
  const { language, brand, siteName, data, memberSince, authPath, canErase } = props;
  const { me, backToSite, logOut } = textsIn(language);
  const fact = (label: string, value: string) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`;
  const content = html`
<p class="soft">${filled(me.intro, { site: siteName, brand })}</p>
<dl class="facts">
${data.map(({ label, value }) => fact(label, value))}
${memberSince !== undefined && fact(me.since, memberSince)}
</dl>
${consentsSection(props)}
${termsSection(props)}
<section class="question">
<div class="actions stacked">
<a class="button" href="${authPath}/sessions">${me.sessions}</a>
${canErase && html`<a class="button" href="${authPath}/me/download" download>${me.download}</a>`}
<a class="button" href="/">${backToSite}</a>
<form method="post" action="${authPath}/logout"><button class="button" type="submit">${logOut}</button></form>
</div>
</section>
${canErase && eraseSection(props)}`;
  return layout({ ...props, title: me.title, content });
}

/** Every consent with its answer, to be given and withdrawn alike, whoever asked for it. */
function consentsSection(props: MyPageProps): Html | undefined {
  const { language, brand, siteName, consents, saved, authPath } = props;
  if (consents.length === 0 && !saved) return undefined;
  const { me } = textsIn(language);
  const choice = ({
    consent,
    wording,
    language: spoken,
    granted,
    required,
  }: (typeof consents)[number]) => html`
<label class="choice">
<input type="checkbox" name="consent" value="${consent}"${granted && " checked"}><span>
<span${spoken !== undefined && html` lang="${spoken}"`}>${wording}</span>
${required && html`<br><small class="soft">${filled(me.required, { site: siteName })}</small>`}
</span>
</label>
<input type="hidden" name="shown" value="${consent}">`;
  const own = consents.filter(({ fromVipps }) => !fromVipps);
  const theirs = consents.filter(({ fromVipps }) => fromVipps);
  const form = html`
<form method="post" action="${authPath}/me/consents">
${own.map(choice)}
${theirs.length > 0 && html`<p class="soft">${filled(me.atVipps, { brand })}</p>`}
${theirs.map(choice)}
<p class="actions"><button class="button" type="submit">${me.save}</button></p>
</form>`;
  return html`
<section class="question">
<h2>${me.consents}</h2>
${saved && html`<p class="note" role="status">${me.saved}</p>`}
${consents.length > 0 && form}
</section>`;
}

/** The versions of the terms that the person has accepted. */
function termsSection({ language, terms, privacyUrl }: MyPageProps): Html | undefined {
  if (terms.length === 0 && privacyUrl === undefined) return undefined;
  const { me, terms: words } = textsIn(language);
  const accepted = terms.map(
    ({ version, url, at }) => html`<li><a href="${url}">${filled(me.accepted, { version, at })}</a></li>`,
  );
  return html`
<section class="question">
<h2>${me.terms}</h2>
${terms.length > 0 && html`<ul>${accepted}</ul>`}
${privacyUrl !== undefined && html`<p><a href="${privacyUrl}">${words.privacy}</a></p>`}
</section>`;
}

function eraseSection({ language, siteName, unconfirmed, authPath }: MyPageProps): Html {
  const { me, press } = textsIn(language);
  return html`
<section class="question" id="erase">
<h2>${me.erase}</h2>
<p>${filled(me.eraseHelp, { site: siteName })}</p>
<form method="post" action="${authPath}/me/erase">
${tick(me.eraseConfirm, unconfirmed ? press.tickFirst : undefined)}
<p class="actions"><button class="button danger" type="submit">${me.eraseSubmit}</button></p>
</form>
</section>`;
}
