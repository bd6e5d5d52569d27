import { html } from "hono/html";
import {
  type Behaviour,
  ENDPOINTS,
  type Endpoint,
  type EndpointBehaviour,
  FAILING_ANSWERS,
  USER_FAULTS,
} from "../behaviour.ts";
import { fullName, type TestUser } from "../users.ts";
import {
  ANSWER_LABELS,
  DISCOVERY_ISSUER_LABELS,
  ENDPOINT_LABELS,
  ID_TOKEN_CLAIMS_LABELS,
  ID_TOKEN_FAULT_LABELS,
  RETURN_BROWSER_LABELS,
  RETURN_ERRORS,
  RETURN_ISS_LABELS,
  RETURN_STATE_LABELS,
  SCOPE_LABELS,
  TOKEN_RESPONSE_LABELS,
  USER_FAULT_LABELS,
  USERINFO_LABELS,
} from "./behaviour-labels.ts";
import { choice, numberField, textField, tickBox } from "./fields.ts";
import type { Html } from "./layout.ts";

/** Every member of the behaviour as a form. */
export function behaviourForm(behaviour: Behaviour, users: readonly TestUser[]): Html {
  const oneByOne = users.some(({ id }) => (behaviour.userFaults[id] ?? []).length > 0);
  return html`
<form method="post" action="/simulator/control">
<fieldset><legend>How the login returns to the site</legend><div class="grid">
${choice("returnBrowser", "Returns", RETURN_BROWSER_LABELS, behaviour.returnBrowser)}
${textField("returnError", "Error instead of a code (empty for none)", behaviour.returnError, "return-errors")}
${textField("returnErrorDescription", "Description of the error", behaviour.returnErrorDescription)}
${choice("returnState", "State", RETURN_STATE_LABELS, behaviour.returnState)}
${choice("returnIss", "Parameter iss", RETURN_ISS_LABELS, behaviour.returnIss)}
${choice("scopeOutsidePlan", "A scope outside the plan is", SCOPE_LABELS, behaviour.scopeOutsidePlan)}
</div>
<datalist id="return-errors">${RETURN_ERRORS.map((code) => html`<option value="${code}"></option>`)}</datalist>
</fieldset>
<fieldset><legend>Tokens, keys and user data</legend><div class="grid">
${choice("idTokenFault", "Fault in the ID token", ID_TOKEN_FAULT_LABELS, behaviour.idTokenFault)}
${choice("idTokenClaims", "User data in the ID token", ID_TOKEN_CLAIMS_LABELS, behaviour.idTokenClaims)}
${choice("tokenResponse", "Token response", TOKEN_RESPONSE_LABELS, behaviour.tokenResponse)}
${choice("userinfo", "Userinfo response", USERINFO_LABELS, behaviour.userinfo)}
${choice("discoveryIssuer", "Issuer in the discovery document", DISCOVERY_ISSUER_LABELS, behaviour.discoveryIssuer)}
${numberField({ name: "partnerTokenLifetime", label: "Partner tokens live, seconds", value: behaviour.partnerTokenLifetime, min: 1, max: 86_400 })}
</div>
${tickBox("advertiseIss", "yes", "Discovery promises the parameter iss", behaviour.advertiseIss)}
${tickBox("junkKeys", "yes", "The key set holds unusable keys too", behaviour.junkKeys)}
</fieldset>
<fieldset><legend>Faults in people's data</legend>
${personTicks("everyone", "Everyone", behaviour)}
<details${oneByOne ? html` open` : ""}><summary>One person at a time</summary>
${users.map((user) => personTicks(user.id, fullName(user), behaviour))}
</details></fieldset>
<fieldset><legend>How the endpoints answer</legend>
${ENDPOINTS.map((endpoint) => endpointFields(endpoint, behaviour.endpoints[endpoint]))}
<div class="grid">${numberField({ name: "seed", label: "Seed of the random failures", value: behaviour.seed, min: 0, max: 2 ** 32 - 1 })}</div>
</fieldset>
<p class="actions"><button class="primary" name="action" value="behaviour">Save</button>
<button name="action" value="reset" formnovalidate>Behave properly again</button></p>
</form>`;
}

function personTicks(id: string, name: string, behaviour: Behaviour): Html {
  const ticks = USER_FAULTS.map((fault) =>
    tickBox(
      `userFaults.${id}`,
      fault,
      USER_FAULT_LABELS[fault],
      behaviour.userFaults[id]?.includes(fault) === true,
    ),
  );
  return html`<fieldset class="plain person"><legend>${name}</legend><div class="ticks">${ticks}</div></fieldset>`;
}

function endpointFields(endpoint: Endpoint, current: EndpointBehaviour): Html {
  const named = (member: string) => `endpoints.${endpoint}.${member}`;
  const isProper = current.answer === "proper" && current.delay === 0 && current.failureRate === 0;
  return html`
<details${isProper ? "" : html` open`}><summary>${ENDPOINT_LABELS[endpoint]} <span class="quiet">${isProper ? "answers as it should" : "misbehaves"}</span></summary>
<div class="grid">
${choice(named("answer"), "Answers", ANSWER_LABELS, current.answer)}
${numberField({ name: named("times"), label: "For how many requests (empty for all)", value: current.times, min: 0, max: 1_000_000 })}
${numberField({ name: named("delay"), label: "Delay in milliseconds", value: current.delay, min: 0, max: 600_000 })}
${numberField({ name: named("failureRate"), label: "Random failures, percent", value: current.failureRate * 100, min: 0, max: 100, step: "any" })}
${textField(named("errorCode"), "Error code", current.errorCode)}
${textField(named("errorDescription"), "Error description", current.errorDescription)}
${numberField({ name: named("errorStatus"), label: "Status of the error", value: current.errorStatus, min: 400, max: 599 })}
</div>
<fieldset class="plain"><legend>Random failures are drawn from</legend><div class="ticks">
${FAILING_ANSWERS.map((failure) => tickBox(named("failures"), failure, ANSWER_LABELS[failure], current.failures.includes(failure)))}
</div></fieldset>
</details>`;
}

/** What the form says, as an update of the behaviour; not yet checked. */
export function behaviourFromForm(form: URLSearchParams): Record<string, unknown> {
  const text = (name: string) => form.get(name) ?? undefined;
  const number = (name: string) => Number(form.get(name) ?? Number.NaN);
  const people = [...new Set([...form.keys()].filter((name) => name.startsWith("userFaults.")))];
  return {
    seed: number("seed"),
    partnerTokenLifetime: number("partnerTokenLifetime"),
    discoveryIssuer: text("discoveryIssuer"),
    advertiseIss: form.has("advertiseIss"),
    junkKeys: form.has("junkKeys"),
    idTokenClaims: text("idTokenClaims"),
    idTokenFault: text("idTokenFault"),
    tokenResponse: text("tokenResponse"),
    userinfo: text("userinfo"),
    scopeOutsidePlan: text("scopeOutsidePlan"),
    returnError: text("returnError"),
    returnErrorDescription: text("returnErrorDescription"),
    returnState: text("returnState"),
    returnIss: text("returnIss"),
    returnBrowser: text("returnBrowser"),
    userFaults: Object.fromEntries(
      people.map((name) => [name.slice("userFaults.".length), form.getAll(name)]),
    ),
    endpoints: Object.fromEntries(ENDPOINTS.map((endpoint) => [endpoint, endpointFromForm(form, endpoint)])),
  };
}

function endpointFromForm(form: URLSearchParams, endpoint: Endpoint): Record<string, unknown> {
  const value = (member: string) => form.get(`endpoints.${endpoint}.${member}`) ?? undefined;
  const times = value("times");
  return {
    answer: value("answer"),
    times: times === undefined || times === "" ? null : Number(times),
    delay: Number(value("delay")),
    failureRate: Number(value("failureRate")) / 100,
    failures: form.getAll(`endpoints.${endpoint}.failures`),
    errorCode: value("errorCode"),
    errorDescription: value("errorDescription"),
    errorStatus: Number(value("errorStatus")),
  };
}
