import { type Found, holds, skipped } from "../../findings/finding.ts";
import { type Exchange, exchangesWith, jsonOf, parameter, pathOf } from "../exchange.ts";
import type { Seen } from "../walk.ts";

export function* judgeFlow({ exchanges, login, nativeApp, own }: Seen): Iterable<Found> {
  yield holds(
    "Merchant-initiated login (CIBA) was never asked for",
    exchangesWith(exchanges, "ciba").length === 0,
  );
  if (login !== undefined)
    yield holds(
      "The website's login does not ask for the flow of apps",
      parameter(login.authorize?.url, "requested_flow") !== "app_to_app_v2",
    );
  if (nativeApp !== undefined) yield* judgeApp(nativeApp);
  if (own.values.APP_REDIRECT_URIS !== undefined)
    yield skipped("The switch between app and app needs a phone: show it in the video.");
  else if (nativeApp === undefined)
    yield skipped("Native apps: APP_REDIRECT_URIS is not set, so no app can log in here.");
  else
    yield skipped(
      "APP_REDIRECT_URIS is not set, so no app can log in at the site itself: the flow of apps is shown with an app of nobody's.",
    );
}

function* judgeApp(app: NonNullable<Seen["nativeApp"]>): Iterable<Found> {
  const value = (name: string) => parameter(app.authorizeUrl, name);
  yield holds(
    "A native app's login begins by routes of its own",
    app.status === 200,
    `answered with ${app.status}`,
  );
  yield holds("It asks for the app-to-app flow", value("requested_flow") === "app_to_app_v2");
  yield holds(
    "It returns to an address of APP_REDIRECT_URIS",
    app.redirectUris.includes(value("redirect_uri")),
  );
  yield holds("It uses PKCE with S256", value("code_challenge_method") === "S256");
  if (app.strangerRefused !== undefined) yield holds("Another app cannot finish it", app.strangerRefused);
  if (app.tokenAccepted !== undefined)
    yield holds(
      "It ends with a session of the app, or is told that terms are to be accepted first",
      app.tokenAccepted,
    );
}

export function* judgeFrames({ exchanges, own, login, button }: Seen): Iterable<Found> {
  const pages = exchanges.filter(
    (exchange) =>
      exchange.from === "browser" &&
      exchange.to === "site" &&
      pathOf(exchange).startsWith(`${own.authPath}/`) &&
      exchange.responseHeaders["content-type"]?.startsWith("text/html"),
  );
  const closed = pages.filter(({ responseHeaders }) =>
    /frame-ancestors 'none'/.test(responseHeaders["content-security-policy"] ?? ""),
  );
  const frames = button?.loginFrames ?? [];
  yield holds("The browser went to Vipps in the top-level window", login?.topLevel === true);
  yield holds(
    "The page with the button frames no login",
    frames.length === 0,
    frames.join(", ") || undefined,
  );
  yield holds(
    "The worker's own pages cannot be framed",
    pages.length > 0 && closed.length === pages.length,
    pages.length === 0 ? "no page was seen" : `${closed.length} of ${pages.length} pages`,
  );
}

export function* judgeRedirectUris(seen: Seen): Iterable<Found> {
  const { login, starts, redirectUri, environment } = seen;
  const sent = [login?.authorize?.url, ...(starts?.urls ?? [])].filter((url) => url !== undefined);
  const uris = [...new Set(sent.map((url) => parameter(url, "redirect_uri")))];
  const [uri = ""] = uris;
  yield holds(
    "One redirect URI was sent, the one of the settings",
    uris.length === 1 && uri === redirectUri,
    uris.join(", "),
  );
  yield holds(
    "It uses HTTPS, or is on localhost, which Vipps allows in test",
    /^(https:\/\/|http:\/\/(localhost|127\.0\.0\.1)[:/])/.test(uri),
  );
  yield holds("It has no query, no # and no slash at its end", !/[?#]|\/$/.test(uri));
  yield holds(
    "A stranger's redirect_uri in the login link is not passed on",
    parameter(starts?.tampered, "redirect_uri") === redirectUri,
  );
  if (environment === "test" && login !== undefined)
    yield holds("Vipps' test environment accepted it", login.authenticatedAfter);
  if (environment === "simulator")
    yield skipped(
      "The simulator registers the redirect URI by itself; whether it stands in the portal only Vipps can tell. The command npm run doctor asks.",
    );
}

export function* judgeScopes({ login, starts, own }: Seen): Iterable<Found> {
  const scope = parameter(login?.authorize?.url ?? starts?.urls[0], "scope");
  const asked = scope.split(" ").filter(Boolean);
  const special = asked.filter((one) => one === "nin" || one === "gender");
  const isSame = asked.length === own.scopes.length && asked.every((one) => own.scopes.includes(one));
  yield holds("What was requested is what the settings say", isSame, scope);
  yield holds(
    "A stranger's scope in the login link is not passed on",
    !parameter(starts?.tampered, "scope").includes("nin") || special.includes("nin"),
  );
  yield special.length > 0
    ? holds(`Scopes by application: ${special.join(", ")}`, true, "see the field nin_permission")
    : holds("No scope that is given by application only", true);
}

export function* judgeStates({ starts }: Seen): Iterable<Found> {
  if (starts === undefined) return;
  for (const name of ["state", "nonce", "code_challenge"]) {
    const values = starts.urls.map((url) => parameter(url, name));
    const shortest = Math.min(...values.map(({ length }) => length));
    const different = new Set(values).size;
    yield holds(
      `${name} differs in every login and has at least 8 characters`,
      different === values.length && shortest >= 8,
      `${values.length} logins, ${different} different values, the shortest of ${shortest} characters`,
    );
  }
}

export function* judgeSecrets(seen: Seen): Iterable<Found> {
  const browser = seen.exchanges.filter(({ from }) => from === "browser");
  const found = leaks(seen, browser);
  yield holds(
    "Nothing that must stay on the server was in anything a browser sent or got",
    browser.length > 0 && found.length === 0,
    found.length === 0
      ? `${Object.keys(seen.secrets).join(", ")}: looked for in ${browser.length} requests and answers`
      : found.join("; "),
  );
  if (seen.environment === "deployed")
    yield skipped(
      "The deployed worker's secret is not known here, so only what looks like a token was looked for.",
    );
}

/** Where something stood that the server alone may know. Names it, never quotes it. */
function leaks(seen: Seen, browser: readonly Exchange[]): readonly string[] {
  const secrets = serverSecrets(seen);
  const found = browser.flatMap((exchange) => {
    const { url, requestHeaders, requestBody, responseHeaders, responseBody, method } = exchange;
    const headers = [...Object.values(requestHeaders), ...Object.values(responseHeaders)];
    const text = [url, requestBody, responseBody, ...headers].join("\n");
    return secrets
      .filter(([, value]) => text.includes(value) || text.includes(encodeURIComponent(value)))
      .map(([name]) => `${name} in ${method} ${pathOf(exchange)}`);
  });
  return [...new Set(found)];
}

/** What the server alone may know: the secrets of the settings, and those of every login of the run. */
function serverSecrets({ secrets, exchanges }: Seen): readonly (readonly [name: string, value: string])[] {
  const logins = exchangesWith(exchanges, "token").filter(({ from }) => from === "worker");
  const ofLogins = logins.flatMap((exchange): [string, unknown][] => {
    const { access_token, id_token } = jsonOf(exchange);
    const verifier = new URLSearchParams(exchange.requestBody).get("code_verifier");
    return Object.entries({ "code verifier": verifier, "access token": access_token, "ID token": id_token });
  });
  return [...Object.entries(secrets), ...ofLogins].flatMap(([name, value]) =>
    typeof value === "string" && value.length >= 8 ? [[name, value] as const] : [],
  );
}
