import { readPath } from "../../src/http/request-path.ts";
import { needsSession, patternOf } from "../../src/rules/path-rules.ts";
import type { Settings } from "../../src/settings/types.ts";
import type { FaultClass } from "../../src/storage-fault.ts";
import { error, type Found, type Look, ok, type SlowLook, skipped, warning } from "../findings/finding.ts";
import { type Answer, ask, jsonObject, type Network } from "./bounded-request.ts";

/** A deployed site and what is known of it. */
export interface Site {
  readonly network: Network;
  /** Where it is asked: an origin. */
  readonly target: string;
  readonly settings: Settings;
  /** What is to be said of its address. */
  readonly address: Found;
  /** Whether the worker answers there, so that it can be asked further. */
  readonly answers: boolean;
}

/** Asks whether the address is the site's own and the worker answers there. */
export async function findSite(
  network: Network,
  target: string | undefined,
  settings: Settings,
): Promise<Site | Found> {
  if (target === undefined) return skipped("--url says which deployed site to look at.");
  const { site } = settings;
  const url = `${target}${site.authPath}/session`;
  const outcome = await ask(network, url, { headers: { accept: "application/json" } });
  const found = (address: Found, answers = false): Site => ({ network, target, settings, address, answers });
  const stop = (what: string, todo: string) => found(error(what, todo));
  if ("failed" in outcome)
    return stop(`${target} ${outcome.failed}.`, "Check the address, its DNS record and its route.");
  const { answer } = outcome;
  const location = URL.parse(answer.headers.get("location") ?? "", url);
  if (location !== null && answer.status >= 300 && answer.status < 400)
    return stop(
      `${target} sends visitors on to ${location.origin}.`,
      `Ask that address (--url ${location.origin}), and make it SITE_URL.`,
    );
  const body = jsonObject(answer);
  if (body?.code === "settings_invalid") {
    const faults = Array.isArray(body.errors) ? body.errors.filter((one) => typeof one === "string") : [];
    return stop(
      `The deployed worker's settings are wrong: ${faults.join("; ")}.`,
      "Set them right and deploy again.",
    );
  }
  if (answer.status !== 200 || typeof body?.authenticated !== "boolean")
    return stop(
      `${url} answers ${answer.status}, and not as this worker would.`,
      "Is the worker deployed, its route set, and AUTH_PATH the same in both places?",
    );
  return found(
    target === site.origin
      ? ok(`${target} is SITE_URL, and the worker answers.`)
      : error(
          `The worker answers at ${target}, but SITE_URL is ${site.origin}.`,
          "Logins end at SITE_URL, where the cookie of this address does not exist. Set SITE_URL to the address people use.",
        ),
    true,
  );
}

const DEPENDENCIES: Readonly<Record<string, string>> = {
  kv: "the KV namespace VIPPS_METADATA",
  login_attempts: "the Durable Objects LOGIN_ATTEMPTS",
  user_sessions: "the Durable Objects USER_SESSIONS",
  accounts_db: "the database ACCOUNTS_DB",
  vipps_metadata: "Vipps' discovery document",
};

const LOOK = "Look at Cloudflare's status page, and at the log: npx wrangler tail";

/** What to do about a failing store, by the class of its failure; docs/operations.md tells more of each. */
const REMEDIES: Readonly<Record<FaultClass, string>> = {
  missing_table:
    "A migration is not applied, or an older database was put back: npx wrangler d1 migrations apply ACCOUNTS_DB --remote",
  quota:
    "An allowance of your plan at Cloudflare is used up: see Usage in the dashboard; a larger plan ends it at once.",
  overloaded:
    "More is asked of it than it can do: look for what asks so much; a raised LOGIN_SHARDS spreads logins.",
  cannot_open:
    "Too many files are open. At Cloudflare: tell its support; on a server of your own: raise ulimit -n.",
  full: "The database or the disk is full: shorten LOGIN_EVENTS_DAYS, or make room.",
  exceeded: "One call took more memory or time than it may: report it with the log line, npx wrangler tail",
  damaged: "Its file is damaged: put a backup back (docs/operations.md, Restore).",
  timed_out: LOOK,
  connection_lost: LOOK,
  reset: LOOK,
  code_updated: "A deployment is under way: ask again in a minute.",
  unknown: LOOK,
};

interface State {
  readonly ok?: unknown;
  readonly class?: unknown;
  readonly cause?: unknown;
  readonly reason?: unknown;
}

/** A dependency that is down, with what the worker says of it. */
function described(name: string, { class: kind, cause, reason }: State): string {
  const why = [kind, cause, reason].filter((one) => typeof one === "string").join(": ");
  return `${DEPENDENCIES[name] ?? name}${why === "" ? "" : ` (${why})`}`;
}

function isFaultClass(text: unknown): text is FaultClass {
  return typeof text === "string" && Object.hasOwn(REMEDIES, text);
}

export async function checkHealth({ network, target, settings }: Site): Promise<Found> {
  const outcome = await ask(network, `${target}${settings.site.authPath}/health`);
  if ("failed" in outcome)
    return error(`The health route ${outcome.failed}.`, "Look at the log: npx wrangler tail");
  const body = jsonObject(outcome.answer);
  const states = Object.entries((body?.dependencies ?? {}) as Record<string, State>);
  if (states.length === 0)
    return error(`The health route answers ${outcome.answer.status}.`, "Look at the log: npx wrangler tail");
  const down = states.filter(([, state]) => state?.ok !== true);
  if (down.length === 0) return ok(`${states.length} dependencies answer.`);
  const classes = down.map(([, state]) => state?.class).filter(isFaultClass);
  const remedies = new Set(classes.length === 0 ? [LOOK] : classes.map((kind) => REMEDIES[kind]));
  const names = down.map(([name, state]) => described(name, state ?? {}));
  return error(`Does not answer: ${names.join(", ")}.`, [...remedies].join(" "));
}

/** The published keys against SESSION_KEYS. @param signing the public signing key; undefined if it is not to be seen */
export async function checkPublishedKeys(
  { network, target, settings }: Site,
  signing: { readonly kid: string; readonly x: string } | undefined,
): Promise<Found> {
  const url = `${target}${settings.site.authPath}/.well-known/jwks.json`;
  const outcome = await ask(network, url, { headers: { accept: "application/json" } });
  if ("failed" in outcome) return error(`${url} ${outcome.failed}.`, "npx wrangler tail");
  const keys = (jsonObject(outcome.answer)?.keys ?? []) as readonly Readonly<Record<string, unknown>>[];
  if (!Array.isArray(keys) || keys.length === 0)
    return error(`${url} publishes no key.`, "Is SESSION_KEYS set? npm run keys -- make --env NAME");
  if (keys.some((key) => "d" in key))
    return error(`${url} publishes a private key!`, "npm run keys -- rotate --compromised, at once.");
  if (signing === undefined) return ok(`${keys.length} published; SESSION_KEYS is not here to compare.`);
  const [first] = keys;
  if (first?.kid === signing.kid && first.x === signing.x)
    return ok("The site signs with the key that is here.");
  return error(
    "The site does not sign with the first key of SESSION_KEYS here.",
    "Deploy these (npx wrangler secret put SESSION_KEYS), or examine the right environment; a key just deployed needs a minute.",
  );
}

/** A path that a pattern protects. */
function exampleOf(pattern: string): string {
  return pattern.replaceAll("*", "doctor").replace(/\/doctor$/, "/");
}

/** Whether strangers are really kept out of what PROTECTED_PATHS names, however they spell it. */
export async function* checkGuard({ network, target, settings }: Site): SlowLook {
  const { protectedPaths, authPath, origin } = settings.site;
  const patterns = protectedPaths.filter((rule) => !rule.startsWith("!")).map(patternOf);
  if (patterns.length === 0) return skipped("PROTECTED_PATHS is not set: everything is public.");
  const isProtected = (path: string) => {
    const read = readPath(path);
    return read !== undefined && needsSession(settings.site, read);
  };
  // The same path in another spelling: what stands in between may tell the two apart.
  const spelledOtherwise = (path: string) =>
    path.replace(/[a-z]/i, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
  const paths = patterns.map(exampleOf).filter(isProtected);
  for (const path of new Set(paths.flatMap((one) => [one, spelledOtherwise(one)]))) {
    const outcome = await ask(network, target + path, { headers: { accept: "text/html" } });
    if ("failed" in outcome) {
      yield error(`${path} ${outcome.failed}.`, "Check the route.");
      continue;
    }
    const { status, headers } = outcome.answer;
    const location = URL.parse(headers.get("location") ?? "", target);
    const leadsToLogin =
      location?.pathname === `${authPath}/login` && [target, origin].includes(location.origin);
    if (status !== 401 && !(status >= 300 && status < 400 && leadsToLogin))
      yield error(
        `${path} answers ${status} to a stranger instead of asking for the login.`,
        "Let every path of the site go through the worker: the route, and run_worker_first under [assets].",
      );
  }
  return `${patterns.join(" ")} asks strangers to log in.`;
}

/** Headers of our own pages, by what each must hold. */
const PAGE_HEADERS: readonly (readonly [string, RegExp])[] = [
  ["content-security-policy", /frame-ancestors 'none'/],
  ["x-content-type-options", /^nosniff$/i],
  ["referrer-policy", /^(strict-origin|no-referrer|same-origin)/],
  ["x-frame-options", /^deny$/i],
];

export async function* checkPageHeaders({ network, target, settings }: Site): SlowLook {
  // A page of the worker's own that changes nothing and asks nobody.
  const url = `${target}${settings.site.authPath}/no-such-page`;
  const outcome = await ask(network, url, { headers: { accept: "text/html" } });
  if ("failed" in outcome) return error(`${url} ${outcome.failed}.`, "npx wrangler tail");
  const { headers } = outcome.answer;
  for (const [name, holds] of PAGE_HEADERS) {
    if (!holds.test(headers.get(name) ?? ""))
      yield error(
        `Pages of the worker arrive without a proper ${name}.`,
        "Something in between changes the header: exempt the login routes from it.",
      );
  }
  if (target.startsWith("https:") && !headers.has("strict-transport-security"))
    yield warning(
      "The site does not say Strict-Transport-Security, so a first visit may go over plain http.",
      "Switch on HSTS for the zone at Cloudflare (SSL/TLS, Edge Certificates).",
    );
  return "Framing, sniffing and referrers are held back.";
}

/** A login that the site has begun, or why there is none to look at. */
export type LoginStart =
  | { readonly site: Site; readonly answer: Answer; readonly location: URL }
  | { readonly fault: Found };

/** What the first click is answered with. */
export async function startLoginAt(site: Site | Found): Promise<LoginStart> {
  if ("severity" in site) return { fault: site };
  const { network, target, settings } = site;
  const { authPath } = settings.site;
  const headers = { accept: "application/json" };
  const outcome = await ask(network, `${target}${authPath}/login?return_to=/`, { headers });
  if ("failed" in outcome)
    return { fault: error(`${authPath}/login ${outcome.failed}.`, "npx wrangler tail") };
  const { answer } = outcome;
  if (answer.status === 429) return { fault: skipped("The rate limiter answers; try again in a minute.") };
  const location = URL.parse(answer.headers.get("location") ?? "", target);
  if (answer.status === 302 && location !== null) return { site, answer, location };
  const { code, reference } = jsonObject(answer) ?? {};
  const named = typeof code === "string" ? `: ${code}, reference ${String(reference)}` : "";
  return {
    fault: error(
      `The login is answered with ${answer.status}${named}.`,
      "Look the code up in docs/operations.md, and the reference in the log.",
    ),
  };
}

const NO_LOGIN = skipped("No login was begun to look at.");

/** Never prints the address itself: it carries the state. */
export function* checkLogin(login: LoginStart, authorizeEndpoint: string | undefined): Look {
  if ("fault" in login) return login.fault;
  const { location } = login;
  const { relyingParty } = login.site.settings;
  const asked = location.searchParams;
  const address = location.origin + location.pathname;
  const expected =
    authorizeEndpoint?.split("?")[0] ?? `${new URL(relyingParty.issuer).origin}${location.pathname}`;
  const deploy =
    "The deployed settings differ from those here: deploy again, or examine the right environment (--env).";
  if (address !== expected) yield error(`Logins go to ${address}, not to ${expected}.`, deploy);
  const wanted: readonly (readonly [string, string])[] = [
    relyingParty.keys.kind === "own"
      ? ["client_id", relyingParty.keys.clientId]
      : ["msn", relyingParty.merchantSerialNumber],
    ["redirect_uri", relyingParty.redirectUri],
    ["scope", relyingParty.scope.join(" ")],
    ["response_type", "code"],
    ["code_challenge_method", "S256"],
  ];
  for (const [name, value] of wanted) {
    if (asked.get(name) !== value)
      yield error(`Logins carry the ${name} ${asked.get(name) ?? "(none)"} instead of ${value}.`, deploy);
  }
  for (const name of ["state", "nonce", "code_challenge"]) {
    if ((asked.get(name) ?? "").length < 8)
      yield error(`Logins carry no proper ${name}.`, "Something in between changes redirects: take it out.");
  }
  return `Leads to ${location.host} with the right client, redirect URI and scopes.`;
}

const BROWSER_COOKIE = "__Host-vipps-browser";

/** The cookie as it really arrives, after everything that stands in between (rfc6265bis section 4.1.3.2). */
export function* checkCookies(login: LoginStart): Look {
  if ("fault" in login) return NO_LOGIN;
  const ours = login.answer.headers.getSetCookie().filter((cookie) => /vipps-browser\s*=/i.test(cookie));
  const [cookie, ...more] = ours;
  const exempt = "exempt the login routes from it.";
  if (cookie === undefined)
    return error(
      `The login sets no cookie ${BROWSER_COOKIE}.`,
      `Something in between removes Set-Cookie: ${exempt}`,
    );
  const [pair = "", ...attributes] = cookie.split(";").map((part) => part.trim());
  const has = (pattern: RegExp) => attributes.some((attribute) => pattern.test(attribute));
  const faults: readonly (readonly [boolean, string])[] = [
    [more.length > 0, "is set more than once"],
    [!pair.startsWith(`${BROWSER_COOKIE}=`), "has lost its prefix __Host-"],
    [!has(/^secure$/i), "is not Secure"],
    [!has(/^httponly$/i), "is not HttpOnly"],
    [!has(/^samesite=lax$/i), "is not SameSite=Lax"],
    [!has(/^path=\/$/i), "is not for Path=/"],
    [has(/^domain=/i), "has a Domain"],
  ];
  for (const [isSo, fault] of faults) {
    if (isSo)
      yield error(
        `The cookie ${BROWSER_COOKIE} ${fault}.`,
        `Something between the worker and the browser changes Set-Cookie: ${exempt}`,
      );
  }
  return "__Host-, Secure, HttpOnly, SameSite=Lax, no Domain.";
}

/** Answers that belong to one visitor must not be kept for another. */
export async function* checkCaching(login: LoginStart): SlowLook {
  if ("fault" in login) return NO_LOGIN;
  const { network, target, settings } = login.site;
  const { authPath } = settings.site;
  const session = await ask(network, `${target}${authPath}/session`);
  const todo = `Exempt ${authPath}/* from caching rules at Cloudflare and in whatever stands in between.`;
  const answers = { "/login": login.answer, "/session": "answer" in session ? session.answer : undefined };
  for (const [path, answer] of Object.entries(answers)) {
    if (answer === undefined) continue;
    const { headers } = answer;
    if (!/\bno-store\b/i.test(headers.get("cache-control") ?? ""))
      yield error(`${path} arrives without Cache-Control: no-store.`, todo);
    else if (/^hit$/i.test(headers.get("cf-cache-status") ?? "") || Number(headers.get("age")) > 0)
      yield error(`${path} comes out of a cache.`, todo);
  }
  return "Logins and sessions are not cached.";
}
