/** "What the site knows": asks for the session and explains every field of the answer in plain words. */

const loginScript = /** @type {HTMLScriptElement | null} */ (
  document.querySelector("script[src$='/vipps-login.js']")
);
const auth = new URL(".", loginScript?.src ?? new URL("/auth/", location.href));

/** What each field means, by its place in the answer. @type {Record<string, [label: string, meaning: string]>} */
const FIELDS = {
  authenticated: ["Logged in", "Whether you have a valid session at this moment."],
  "user.sub": [
    "Account",
    "What the site knows you by. The same at each login, and of no use to other sites.",
  ],
  "user.name": ["Name", "As Vipps has it."],
  "user.given_name": ["Given name", "As Vipps has it."],
  "user.family_name": ["Family name", "As Vipps has it."],
  "user.email": ["Email", "The address you have given Vipps."],
  "user.email_verified": ["Email verified", "Whether Vipps has checked that the address is yours."],
  "user.phone_number": ["Phone", "The number you use Vipps with, country code first."],
  "user.phone_number_verified": ["Phone verified", "Whether Vipps has checked that the number is yours."],
  "user.birthdate": ["Date of birth", "As Vipps has it."],
  "user.groups": ["Groups", "What the site has put you into. Pages for a group open to its members alone."],
  "session.id": ["Session", "This login, in this browser. The next login gets a new one."],
  "session.expires_at": ["Ends", "Unless you use the site again before that, which moves it, or log out."],
};

/** A field that is not in the list above. */
const OTHER = "A further claim that the site’s owner listed in SESSION_CLAIMS.";

/** @param {string} selector @returns {HTMLElement} */
function part(selector) {
  const found = document.querySelector(selector);
  if (!(found instanceof HTMLElement)) throw new Error(`session.html lacks ${selector}`);
  return found;
}

/** @param {"loading" | "failed" | "logged-out" | "logged-in"} state */
function show(state) {
  for (const element of document.querySelectorAll("[data-state]")) {
    element.toggleAttribute("hidden", element.getAttribute("data-state") !== state);
  }
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {boolean} whether the field is a time: Unix seconds in a field named like one
 */
function isTime(name, value) {
  return typeof value === "number" && /(_at|_time|\.exp|\.iat)$/.test(name);
}

const units = /** @type {const} */ ([
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
]);

/** @param {number} seconds Unix time @returns {string} the date, the time of day and how far away that is */
function inWords(seconds) {
  const date = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "short" }).format(
    seconds * 1000,
  );
  const away = seconds - Date.now() / 1000;
  const [unit, size] = units.find(([, length]) => Math.abs(away) >= length) ?? ["minute", 60];
  const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(
    Math.round(away / size),
    unit,
  );
  return `${date} (${relative})`;
}

/** @param {string} name @param {unknown} value @returns {string} */
function valueInWords(name, value) {
  if (isTime(name, value)) return inWords(Number(value));
  if (value === true) return "Yes";
  if (value === false) return "No";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/**
 * @param {Record<string, unknown>} object
 * @param {string} [path]
 * @returns {[name: string, value: unknown][]} every field, `user` and `session` opened up
 */
function fieldsOf(object, path = "") {
  return Object.entries(object).flatMap(([key, value]) =>
    path === "" && value !== null && typeof value === "object"
      ? fieldsOf(/** @type {Record<string, unknown>} */ (value), `${key}.`)
      : [/** @type {[string, unknown]} */ ([path + key, value])],
  );
}

/** @param {string} name @param {unknown} value */
function row(name, value) {
  const [label, meaning] = FIELDS[name] ?? [name, OTHER];
  const group = document.createElement("div");
  const term = document.createElement("dt");
  term.textContent = label;
  const said = document.createElement("dd");
  said.className = "value";
  said.textContent = valueInWords(name, value);
  const explained = document.createElement("dd");
  explained.className = "meaning";
  explained.textContent = meaning;
  const field = document.createElement("code");
  field.textContent = name;
  explained.append(" ", field);
  group.append(term, said, explained);
  return group;
}

async function tell() {
  try {
    const response = await fetch(new URL("session", auth), {
      headers: { accept: "application/json" },
      signal: AbortSignal.timeout(10_000),
    });
    if (!response.ok) throw new Error(`the session answered ${response.status}`);
    const session = await response.json();
    part("[data-fields]").replaceChildren(...fieldsOf(session).map(([name, value]) => row(name, value)));
    part("[data-json]").textContent = JSON.stringify(session, null, 2);
    show(session.authenticated ? "logged-in" : "logged-out");
  } catch {
    show("failed");
  }
}

/** Says which keys sign sessions today: they are public, so that anybody can check a signature. */
async function tellKeys() {
  const response = await fetch(new URL(".well-known/jwks.json", auth)).catch(() => undefined);
  if (!response?.ok) return;
  const { keys } = /** @type {{ keys: { kid: string, alg: string }[] }} */ (await response.json());
  const names = keys.map(({ kid, alg }) => `${kid} (${alg})`).join(", ");
  part("[data-keys]").textContent =
    `At this moment that address lists: ${names}. The token’s kid says which of them signed it.`;
  part("[data-keys]").hidden = false;
}

const issuer = auth.href.replace(/\/$/, "");
part("[data-session-url]").textContent = new URL("session", auth).href;
part("[data-jwks]").setAttribute("href", `${issuer}/.well-known/jwks.json`);
part("[data-jwks]").textContent = part("[data-jwks-text]").textContent = `${issuer}/.well-known/jwks.json`;
part("[data-issuer]").textContent = issuer;
part("[data-audience]").textContent = auth.origin;
part("[data-again]").addEventListener("click", tell);
document.addEventListener("login-change", tell);
tell();
tellKeys();
