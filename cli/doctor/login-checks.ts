import type { Settings } from "../../src/settings/types.ts";
import { type Answer, ask, jsonObject } from "./bounded-request.ts";
import { about, aboutAll, error, type Finding, type Found, orOk, skipped } from "./finding.ts";
import type { Site } from "./site-checks.ts";

/** What the first click is answered with: where it leads, its cookie and its caching. */
export async function checkLogin(
  site: Site,
  authorizeEndpoint: string | undefined,
): Promise<readonly Finding[]> {
  const { network, target, settings } = site;
  const url = `${target}${settings.site.authPath}/login?return_to=/`;
  const outcome = await ask(network, url, { headers: { accept: "application/json" } });
  const only = (found: Found) => [
    ...about("site-login", found),
    ...aboutAll(["site-cookies", "site-cache"], skipped("No login was begun to look at.")),
  ];
  if ("failed" in outcome)
    return only(error(`${settings.site.authPath}/login ${outcome.failed}.`, "npx wrangler tail"));
  const { answer } = outcome;
  if (answer.status === 429) return only(skipped("The rate limiter answers; try again in a minute."));
  const location = URL.parse(answer.headers.get("location") ?? "", target);
  if (answer.status !== 302 || location === null) {
    const { code, reference } = jsonObject(answer) ?? {};
    const named = typeof code === "string" ? `: ${code}, reference ${String(reference)}` : "";
    return only(
      error(
        `The login is answered with ${answer.status}${named}.`,
        "Look the code up in docs/operations.md, and the reference in the log.",
      ),
    );
  }
  return [
    ...about("site-login", checkDestination(settings, location, authorizeEndpoint)),
    ...about("site-cookies", checkCookies(answer)),
    ...about("site-cache", await checkCaching(site, answer)),
  ];
}

/** Never prints the address itself: it carries the state. */
function checkDestination(
  { relyingParty }: Settings,
  location: URL,
  authorizeEndpoint: string | undefined,
): readonly Found[] {
  const asked = location.searchParams;
  const address = location.origin + location.pathname;
  const expected =
    authorizeEndpoint?.split("?")[0] ?? `${new URL(relyingParty.issuer).origin}${location.pathname}`;
  const deploy =
    "The deployed settings differ from those here: deploy again, or examine the right environment (--env).";
  const problems: Found[] = [];
  if (address !== expected) problems.push(error(`Logins go to ${address}, not to ${expected}.`, deploy));
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
      problems.push(
        error(`Logins carry the ${name} ${asked.get(name) ?? "(none)"} instead of ${value}.`, deploy),
      );
  }
  for (const name of ["state", "nonce", "code_challenge"]) {
    if ((asked.get(name) ?? "").length < 8)
      problems.push(
        error(`Logins carry no proper ${name}.`, "Something in between changes redirects: take it out."),
      );
  }
  return orOk(problems, `Leads to ${location.host} with the right client, redirect URI and scopes.`);
}

const BROWSER_COOKIE = "__Host-vipps-browser";

/** The cookie as it really arrives, after everything that stands in between (rfc6265bis section 4.1.3.2). */
function checkCookies({ headers }: Answer): readonly Found[] {
  const ours = headers.getSetCookie().filter((cookie) => /vipps-browser\s*=/i.test(cookie));
  const [cookie, ...more] = ours;
  const todo =
    "Something between the worker and the browser changes Set-Cookie: exempt the login routes from it.";
  if (cookie === undefined)
    return [
      error(
        `The login sets no cookie ${BROWSER_COOKIE}.`,
        "Something in between removes Set-Cookie: exempt the login routes from it.",
      ),
    ];
  const [pair = "", ...attributes] = cookie.split(";").map((part) => part.trim());
  const has = (pattern: RegExp) => attributes.some((attribute) => pattern.test(attribute));
  const faults = [
    more.length > 0 && "is set more than once",
    !pair.startsWith(`${BROWSER_COOKIE}=`) && "has lost its prefix __Host-",
    !has(/^secure$/i) && "is not Secure",
    !has(/^httponly$/i) && "is not HttpOnly",
    !has(/^samesite=lax$/i) && "is not SameSite=Lax",
    !has(/^path=\/$/i) && "is not for Path=/",
    has(/^domain=/i) && "has a Domain",
  ].filter((fault) => fault !== false);
  const problems = faults.map((fault) => error(`The cookie ${BROWSER_COOKIE} ${fault}.`, todo));
  return orOk(problems, "__Host-, Secure, HttpOnly, SameSite=Lax, no Domain.");
}

/** Answers that belong to one visitor must not be kept for another. */
async function checkCaching({ network, target, settings }: Site, login: Answer): Promise<readonly Found[]> {
  const session = await ask(network, `${target}${settings.site.authPath}/session`);
  const answers = [
    ["/login", login] as const,
    ...("answer" in session ? [["/session", session.answer] as const] : []),
  ];
  const problems = answers.flatMap(([path, { headers }]) => {
    const todo = `Exempt ${settings.site.authPath}/* from caching rules at Cloudflare and in whatever stands in between.`;
    if (!/\bno-store\b/i.test(headers.get("cache-control") ?? ""))
      return [error(`${path} arrives without Cache-Control: no-store.`, todo)];
    if (/^hit$/i.test(headers.get("cf-cache-status") ?? "") || Number(headers.get("age")) > 0)
      return [error(`${path} comes out of a cache.`, todo)];
    return [];
  });
  return orOk(problems, "Logins and sessions are not cached.");
}
