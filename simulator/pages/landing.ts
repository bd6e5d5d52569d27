import { html } from "hono/html";
import type { Login } from "../provider.ts";
import { salesUnitName } from "../sales-unit.ts";
import { fullName, type TestUser } from "../users.ts";
import { pageResponse } from "./layout.ts";

interface Landing {
  readonly login: Login;
  readonly users: readonly TestUser[];
  /** What was typed, when nobody has that number. */
  readonly unknownNumber?: string;
}

/** The first page: whose phone number? */
export function landingPage({ login, users, unknownNumber }: Landing): Promise<Response> {
  const failed = unknownNumber !== undefined;
  return pageResponse({
    title: failed ? "Unknown phone number" : "Log in",
    market: login.request.market,
    status: failed ? 422 : 200,
    content: html`
<h1>Log in to ${salesUnitName(login.request.unit)}</h1>
<form method="post" action="/simulator/login/${login.id}/landing" data-step="landing">
<div class="field">
<label for="phone">Phone number</label>
<p class="hint" id="phone-hint">A test user's number, for example 99 99 99 01.</p>
<input id="phone" name="phone" type="tel" inputmode="tel" autocomplete="off" required
 value="${unknownNumber ?? ""}" aria-describedby="phone-hint${failed ? " phone-error" : ""}"${failed ? html` aria-invalid="true"` : ""}>
${failed ? html`<p class="error" id="phone-error">No test user has this number. Pick one from the list below.</p>` : ""}
</div>
<p class="tick"><input type="checkbox" id="remember" name="remember" value="yes"> <label for="remember">Remember me in this browser</label></p>
<p class="actions"><button class="primary" name="action" value="continue">Continue</button>
<button class="plain" name="action" value="cancel" formnovalidate>Cancel</button></p>
<h2>Or pick a test user</h2>
<ul class="people">${users.map(
      (user) => html`
<li><button name="user" value="${user.id}" formnovalidate><span class="name">${fullName(user)} <span class="number">+${user.phoneNumber}</span></span>
<span class="about">${user.about}</span></button></li>`,
    )}
</ul>
</form>`,
  });
}
