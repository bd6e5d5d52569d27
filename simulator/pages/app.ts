import { html } from "hono/html";
import type { Challenge, Login } from "../provider.ts";
import { salesUnitName } from "../sales-unit.ts";
import { fullName, type TestUser } from "../users.ts";
import { type Html, pageResponse } from "./layout.ts";

interface App {
  readonly login: Login;
  readonly user: TestUser;
  readonly challenge: Challenge | undefined;
}

/** The browser's waiting page and the app on the person's phone, side by side. */
export function appPage({ login, user, challenge }: App): Promise<Response> {
  return pageResponse({
    title: "Confirm in the app",
    market: login.request.market,
    wide: challenge !== undefined,
    content: challenge === undefined ? onPhone(login, user) : onDesktop(login, user, challenge),
  });
}

function onDesktop(login: Login, user: TestUser, challenge: Challenge): Html {
  return html`
<div class="side-by-side">
<section>
<h1>Confirm in the app</h1>
<p>Open the app on the phone with the number +${user.phoneNumber} and pick this number:</p>
<p class="challenge"><output data-challenge>${challenge.shown}</output></p>
</section>
${phone(login, user, html`<h2>${question(login)}</h2>`, numbers(challenge))}
</div>`;
}

function onPhone(login: Login, user: TestUser): Html {
  return phone(login, user, html`<h1>${question(login)}</h1>`, confirmation());
}

function question(login: Login): string {
  return `Log in to ${salesUnitName(login.request.unit)}?`;
}

function phone(login: Login, user: TestUser, heading: Html, buttons: Html): Html {
  return html`
<section class="phone" aria-label="The app of ${fullName(user)}">
<p class="quiet">${fullName(user)}'s phone</p>
${heading}
<form method="post" action="/simulator/login/${login.id}/app" data-step="app">
${buttons}
<p class="actions"><button class="plain" name="action" value="cancel">Cancel</button></p>
</form>
</section>`;
}

function numbers({ offered }: Challenge): Html {
  return html`<p>Which number does your browser show?</p>
<p class="numbers">${offered.map((number) => html`<button name="number" value="${number}">${number}</button> `)}</p>`;
}

function confirmation(): Html {
  return html`<p class="actions"><button class="primary" name="action" value="confirm">Confirm</button></p>`;
}
