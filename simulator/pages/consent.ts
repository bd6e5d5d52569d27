import { html } from "hono/html";
import type { Login } from "../provider.ts";
import { type CustomConsent, salesUnitName } from "../sales-unit.ts";
import { type Address, fullName, type TestUser } from "../users.ts";
import { type Html, pageResponse } from "./layout.ts";

interface ConsentScreen {
  readonly login: Login;
  readonly user: TestUser;
  /** Scopes not yet agreed to. */
  readonly scopes: readonly string[];
  readonly questions: readonly CustomConsent[];
  /** Required questions that were left unticked. */
  readonly missing?: readonly CustomConsent[];
}

/** What is shared, with its values: all of it or nothing. */
export function consentPage({
  login,
  user,
  scopes,
  questions,
  missing = [],
}: ConsentScreen): Promise<Response> {
  const unit = salesUnitName(login.request.unit);
  return pageResponse({
    title: "Share information",
    market: login.request.market,
    status: missing.length > 0 ? 422 : 200,
    content: html`
<h1>Share with ${unit}</h1>
${scopes.length > 0 ? sharedData(user, scopes) : ""}
<form method="post" action="/simulator/login/${login.id}/consent" data-step="consent">
${questions.map((question) => tickBox(question, missing))}
<p class="actions"><button class="primary" name="action" value="share">Share and continue</button>
<button class="plain" name="action" value="cancel">Cancel</button></p>
</form>
<p class="quiet">All of it or nothing. You are asked once; the simulator remembers your answer.</p>`,
  });
}

function sharedData(user: TestUser, scopes: readonly string[]): Html {
  return html`<dl class="shared">${scopes.map(
    (scope) => html`<div><dt>${LABELS[scope] ?? scope}</dt><dd>${sharedValue(user, scope)}</dd></div>`,
  )}</dl>`;
}

function tickBox({ id, required, text }: CustomConsent, missing: readonly CustomConsent[]): Html {
  const unanswered = missing.some((question) => question.id === id);
  const inputId = `consent-${id}`;
  return html`<p class="tick"><input type="checkbox" id="${inputId}" name="consent" value="${id}"${required ? html` required` : ""}>
<label for="${inputId}">${text}${required ? " (required)" : ""}</label></p>
${unanswered ? html`<p class="error">You can only log in if you tick this.</p>` : ""}`;
}

const LABELS: Readonly<Record<string, string>> = {
  name: "Name",
  phoneNumber: "Phone number",
  email: "Email address",
  address: "Addresses",
  birthDate: "Date of birth",
  gender: "Gender",
  nin: "National identity number",
};

function sharedValue(user: TestUser, scope: string): string {
  switch (scope) {
    case "name":
      return fullName(user);
    case "phoneNumber":
      return `+${user.phoneNumber}`;
    case "email":
      return user.email === undefined
        ? "none"
        : `${user.email}${user.emailVerified ? "" : " (not verified)"}`;
    case "address":
      return [user.address, ...user.otherAddresses].map(oneLine).join("; ");
    case "birthDate":
      return user.birthdate;
    default:
      return "not available in the test environment";
  }
}

function oneLine(address: Address): string {
  return address.formatted === "" ? "none" : address.formatted.replaceAll("\n", ", ");
}
