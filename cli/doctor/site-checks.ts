import { readPath } from "../../src/http/request-path.ts";
import { needsSession, patternOf } from "../../src/rules/path-rules.ts";
import type { FaultClass } from "../../src/storage-fault.ts";
import { error, ok, skipped, warning } from "../findings/finding.ts";
import { ask, jsonObject, locationOf } from "./bounded-request.ts";
import { asked, begun, type Check, known } from "./facts.ts";
import { endpointIn } from "./provider.ts";
import { signingKeyIn } from "./secret-checks.ts";

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

type State = Readonly<Partial<Record<"ok" | "class" | "cause" | "reason", unknown>>>;

/** A dependency that is down, with what the worker says of it. */
function described(name: string, { class: kind, cause, reason }: State): string {
  const why = [kind, cause, reason].filter((one) => typeof one === "string").join(": ");
  return `${DEPENDENCIES[name] ?? name}${why === "" ? "" : ` (${why})`}`;
}

const isFaultClass = (text: unknown): text is FaultClass =>
  typeof text === "string" && Object.hasOwn(REMEDIES, text);

/** Headers of our own pages, by what each must hold. */
const PAGE_HEADERS: readonly (readonly [string, RegExp])[] = [
  ["content-security-policy", /frame-ancestors 'none'/],
  ["x-content-type-options", /^nosniff$/i],
  ["referrer-policy", /^(strict-origin|no-referrer|same-origin)/],
  ["x-frame-options", /^deny$/i],
];

const BROWSER_COOKIE = "__Host-vipps-browser";

export const SITE_CHECKS = {
  "site-address": {
    why: "The redirect URI and the session belong to SITE_URL and to no other address.",
    look: known(async ({ site }) => {
      const found = await site();
      return "severity" in found ? found : found.address;
    }),
  },
  "site-health": {
    why: "A dependency that does not answer makes logins fail.",
    look: asked(async ({ at: { network, target, settings } }) => {
      const answer = await ask(network, `${target}${settings.site.authPath}/health`);
      if ("failed" in answer)
        return error(`The health route ${answer.failed}.`, "Look at the log: npx wrangler tail");
      const body = jsonObject(answer.text);
      const states = Object.entries((body?.dependencies ?? {}) as Record<string, State>);
      if (states.length === 0)
        return error(`The health route answers ${answer.status}.`, "Look at the log: npx wrangler tail");
      const down = states.filter(([, state]) => state?.ok !== true);
      if (down.length === 0) return ok(`${states.length} dependencies answer.`);
      const classes = down.map(([, state]) => state?.class).filter(isFaultClass);
      const remedies = new Set(classes.length === 0 ? [LOOK] : classes.map((kind) => REMEDIES[kind]));
      const names = down.map(([name, state]) => described(name, state ?? {}));
      return error(`Does not answer: ${names.join(", ")}.`, [...remedies].join(" "));
    }),
  },
  /** Never prints the address itself: it carries the state. */
  "site-login": {
    why: "This is what a customer's first click is answered with.",
    look: asked(async function* ({ login, discovered, settings: { relyingParty } }) {
      const started = await login();
      if ("severity" in started) return started;
      const { location } = started;
      const endpoint = endpointIn(await discovered(), "authorization_endpoint");
      const sent = location.searchParams;
      const address = location.origin + location.pathname;
      const expected = endpoint?.split("?")[0] ?? new URL(relyingParty.issuer).origin + location.pathname;
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
        if (sent.get(name) !== value)
          yield error(`Logins carry the ${name} ${sent.get(name) ?? "(none)"} instead of ${value}.`, deploy);
      }
      for (const name of ["state", "nonce", "code_challenge"]) {
        if ((sent.get(name) ?? "").length < 8)
          yield error(
            `Logins carry no proper ${name}.`,
            "Something in between changes redirects: take it out.",
          );
      }
      return `Leads to ${location.host} with the right client, redirect URI and scopes.`;
    }),
  },
  /** The cookie as it really arrives, after everything that stands in between (rfc6265bis section 4.1.3.2). */
  "site-cookies": {
    why: "The cookie ties a login to the browser that began it; weakened by something in between, logins can be stolen or get lost.",
    look: begun(function* ({ answer }) {
      const ours = answer.headers.getSetCookie().filter((cookie) => /vipps-browser\s*=/i.test(cookie));
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
    }),
  },
  /** The published keys against SESSION_KEYS. */
  "site-keys": {
    why: "Origins verify sessions with the published keys.",
    look: asked(async ({ at: { network, target, settings }, isHidden, source }) => {
      const signing = isHidden("SESSION_KEYS") ? undefined : signingKeyIn(source);
      const url = `${target}${settings.site.authPath}/.well-known/jwks.json`;
      const answer = await ask(network, url, { headers: { accept: "application/json" } });
      if ("failed" in answer) return error(`${url} ${answer.failed}.`, "npx wrangler tail");
      const keys = (jsonObject(answer.text)?.keys ?? []) as readonly Readonly<Record<string, unknown>>[];
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
    }),
  },
  /** Whether strangers are really kept out of what PROTECTED_PATHS names, however they spell it. */
  "site-guard": {
    why: "A protected page that opens without a session is public.",
    look: asked(async function* ({ at: { network, target, settings } }) {
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
      const examples = patterns.map((pattern) => pattern.replaceAll("*", "doctor").replace(/\/doctor$/, "/"));
      const paths = examples.filter(isProtected);
      for (const path of new Set(paths.flatMap((one) => [one, spelledOtherwise(one)]))) {
        const answer = await ask(network, target + path, { headers: { accept: "text/html" } });
        if ("failed" in answer) {
          yield error(`${path} ${answer.failed}.`, "Check the route.");
          continue;
        }
        const { status } = answer;
        const location = locationOf(answer, target);
        const leadsToLogin =
          location?.pathname === `${authPath}/login` && [target, origin].includes(location.origin);
        if (status !== 401 && !(status >= 300 && status < 400 && leadsToLogin))
          yield error(
            `${path} answers ${status} to a stranger instead of asking for the login.`,
            "Let every path of the site go through the worker: the route, and run_worker_first under [assets].",
          );
      }
      return `${patterns.join(" ")} asks strangers to log in.`;
    }),
  },
  "site-headers": {
    why: "They keep other sites from framing the pages or reading more than they should.",
    look: asked(async function* ({ at: { network, target, settings } }) {
      // A page of the worker's own that changes nothing and asks nobody.
      const url = `${target}${settings.site.authPath}/no-such-page`;
      const answer = await ask(network, url, { headers: { accept: "text/html" } });
      if ("failed" in answer) return error(`${url} ${answer.failed}.`, "npx wrangler tail");
      const { headers } = answer;
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
    }),
  },
  /** Answers that belong to one visitor must not be kept for another. */
  "site-cache": {
    why: "A cached answer would hand one visitor's login or session to the next.",
    look: begun(async function* ({ site: { network, target, settings }, answer: login }) {
      const { authPath } = settings.site;
      const session = await ask(network, `${target}${authPath}/session`);
      const todo = `Exempt ${authPath}/* from caching rules at Cloudflare and in whatever stands in between.`;
      const answers = { "/login": login, ...(!("failed" in session) && { "/session": session }) };
      for (const [path, { headers }] of Object.entries(answers)) {
        if (!/\bno-store\b/i.test(headers.get("cache-control") ?? ""))
          yield error(`${path} arrives without Cache-Control: no-store.`, todo);
        else if (/^hit$/i.test(headers.get("cf-cache-status") ?? "") || Number(headers.get("age")) > 0)
          yield error(`${path} comes out of a cache.`, todo);
      }
      return "Logins and sessions are not cached.";
    }),
  },
} as const satisfies Record<string, Check>;
