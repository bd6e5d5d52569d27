import { exchangesWith } from "../exchange.ts";
import type { Seen, Starts } from "../seen.ts";
import { leaks } from "./leaks.ts";
import { check, finding, parameter, type RawFinding, type Row } from "./row-definition.ts";

function flow(seen: Seen): RawFinding {
  const { nativeApp } = seen;
  const hasApp = seen.own.values.APP_REDIRECT_URIS !== undefined;
  const address = nativeApp?.authorizeUrl;
  const app =
    nativeApp === undefined
      ? []
      : [
          check(
            "A native app's login begins by routes of its own",
            nativeApp.status === 200,
            `answered with ${nativeApp.status}`,
          ),
          check("It asks for the app-to-app flow", parameter(address, "requested_flow") === "app_to_app_v2"),
          check(
            "It returns to an address of APP_REDIRECT_URIS",
            nativeApp.redirectUris.includes(parameter(address, "redirect_uri")),
          ),
          check("It uses PKCE with S256", parameter(address, "code_challenge_method") === "S256"),
          ...(nativeApp.strangerRefused === undefined
            ? []
            : [check("Another app cannot finish it", nativeApp.strangerRefused)]),
          ...(nativeApp.tokenAccepted === undefined
            ? []
            : [
                check(
                  "It ends with a session of the app, or is told that terms are to be accepted first",
                  nativeApp.tokenAccepted,
                ),
              ]),
        ];
  return finding({
    how: "The website uses the browser flow. Native apps use app-to-app (requested_flow=app_to_app_v2) by routes of their own. Merchant-initiated login does not exist here.",
    checks: [
      check(
        "Merchant-initiated login (CIBA) was never asked for",
        exchangesWith(seen.exchanges, "ciba").length === 0,
      ),
      ...(seen.login === undefined
        ? []
        : [
            check(
              "The website's login does not ask for the flow of apps",
              parameter(seen.login.authorize?.url, "requested_flow") !== "app_to_app_v2",
            ),
          ]),
      ...app,
    ],
    missing: [
      ...(hasApp
        ? ["The switch between app and app needs a phone: show it in the video."]
        : [
            nativeApp === undefined
              ? "Native apps: APP_REDIRECT_URIS is not set, so no app can log in here."
              : "APP_REDIRECT_URIS is not set, so no app can log in at the site itself: the flow of apps is shown with an app of nobody's.",
          ]),
    ],
  });
}

function noIframe(seen: Seen): RawFinding {
  const pages = seen.exchanges.filter(
    ({ from, to, url, responseHeaders }) =>
      from === "browser" &&
      to === "site" &&
      new URL(url).pathname.startsWith(`${seen.own.authPath}/`) &&
      (responseHeaders["content-type"] ?? "").startsWith("text/html"),
  );
  const framable = pages.filter(
    ({ responseHeaders }) => !/frame-ancestors 'none'/.test(responseHeaders["content-security-policy"] ?? ""),
  );
  return finding({
    how: "The login is a redirect of the whole window. Pages of the worker refuse to be framed (Content-Security-Policy: frame-ancestors 'none').",
    checks: [
      check("The browser went to Vipps in the top-level window", seen.login?.topLevel === true),
      check(
        "The page with the button frames no login",
        (seen.button?.loginFrames ?? []).length === 0,
        seen.button?.loginFrames.join(", ") || undefined,
      ),
      check(
        "The worker's own pages cannot be framed",
        pages.length > 0 && framable.length === 0,
        pages.length === 0
          ? "no page was seen"
          : `${pages.length - framable.length} of ${pages.length} pages`,
      ),
    ],
  });
}

function redirectUris(seen: Seen): RawFinding {
  const sent = [seen.login?.authorize?.url, ...(seen.starts?.urls ?? [])].filter((url) => url !== undefined);
  const uris = [...new Set(sent.map((url) => parameter(url, "redirect_uri")))];
  const [uri = ""] = uris;
  const local = /^http:\/\/(localhost|127\.0\.0\.1)(:|\/)/.test(uri);
  return finding({
    how: "The redirect URI is SITE_URL + AUTH_PATH + /callback, from the settings alone: no header, parameter or return address changes it.",
    checks: [
      check(
        "One redirect URI was sent, the one of the settings",
        uris.length === 1 && uri === seen.redirectUri,
        uris.join(", "),
      ),
      check(
        "It uses HTTPS, or is on localhost, which Vipps allows in test",
        uri.startsWith("https://") || local,
      ),
      check("It has no query, no # and no slash at its end", !/[?#]|\/$/.test(uri)),
      check(
        "A stranger's redirect_uri in the login link is not passed on",
        parameter(seen.starts?.tampered, "redirect_uri") === seen.redirectUri,
      ),
      ...(seen.environment === "test" && seen.login !== undefined
        ? [check("Vipps' test environment accepted it", seen.login.authenticatedAfter)]
        : []),
    ],
    missing:
      seen.environment === "simulator"
        ? [
            "The simulator registers the redirect URI by itself; whether it stands in the portal only Vipps can tell. The command npm run doctor asks.",
          ]
        : [],
  });
}

function scopes(seen: Seen): RawFinding {
  const asked = parameter(seen.login?.authorize?.url ?? seen.starts?.urls[0], "scope")
    .split(" ")
    .filter(Boolean);
  const special = asked.filter((scope) => scope === "nin" || scope === "gender");
  return finding({
    how: `Scopes are the setting VIPPS_SCOPE and nothing else: ${seen.own.scopes.join(", ")}.`,
    checks: [
      check("What was requested is what the settings say", sameSet(asked, seen.own.scopes), asked.join(" ")),
      check(
        "A stranger's scope in the login link is not passed on",
        !parameter(seen.starts?.tampered, "scope").includes("nin") || special.includes("nin"),
      ),
      ...(special.length > 0
        ? [check(`Scopes by application: ${special.join(", ")}`, true, "see the field nin_permission")]
        : [check("No scope that is given by application only", true)]),
    ],
  });
}

const sameSet = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((each) => other.includes(each));

function state(seen: Seen): RawFinding {
  const { starts } = seen;
  return finding({
    how: "The state is the id of a Durable Object made for this login alone; it works once, for ten minutes, and cannot be invented. Nonce and code challenge are fresh too.",
    checks:
      starts === undefined ? [] : ["state", "nonce", "code_challenge"].map((name) => distinct(starts, name)),
    missing: starts === undefined ? ["No logins were begun in this run."] : [],
  });
}

function distinct({ urls }: Starts, name: string): ReturnType<typeof check> {
  const values = urls.map((url) => parameter(url, name));
  const shortest = Math.min(...values.map(({ length }) => length));
  return check(
    `${name} differs in every login and has at least 8 characters`,
    new Set(values).size === values.length && shortest >= 8,
    `${values.length} logins, ${new Set(values).size} different values, the shortest of ${shortest} characters`,
  );
}

function clientSecret(seen: Seen): RawFinding {
  const found = leaks(seen);
  const browser = seen.exchanges.filter(({ from }) => from === "browser");
  return finding({
    how: "The client secret is a Worker secret. It goes to Vipps' token endpoint and nowhere else; browsers and apps get neither it nor the code verifier nor Vipps' tokens.",
    checks: [
      check(
        "Nothing that must stay on the server was in anything a browser sent or got",
        browser.length > 0 && found.length === 0,
        found.length === 0
          ? `${Object.keys(seen.secrets).join(", ")}: looked for in ${browser.length} requests and answers`
          : found.join("; "),
      ),
    ],
    missing:
      seen.environment === "deployed"
        ? ["The deployed worker's secret is not known here, so only what looks like a token was looked for."]
        : [],
  });
}

/** The considerations about how a login is asked for. */
export const LOGIN_REQUEST_ROWS: readonly Row[] = [
  {
    id: "flow",
    section: "considerations",
    title: "Use correct flow",
    asked: "Native apps use the app-to-app flow. Merchant-initiated login is never used for the web.",
    document: "docs/native-apps.md",
    scenes: ["login", "nativeApp"],
    judge: flow,
  },
  {
    id: "no-iframe",
    section: "considerations",
    title: "Do not use embedded iframes",
    asked: "The integration is redirect-based.",
    document: "docs/security.md",
    scenes: ["button", "login"],
    judge: noIframe,
  },
  {
    id: "redirect-uris",
    section: "considerations",
    title: "Whitelist redirect URIs",
    asked:
      "All redirect URIs are registered in the portal, use HTTPS or an app's own scheme, and match what is sent exactly.",
    document: "docs/configuration.md",
    scenes: ["starts", "login"],
    judge: redirectUris,
  },
  {
    id: "scopes",
    section: "considerations",
    title: "Request only the scopes needed",
    asked:
      "No scope is requested because it would be nice to have; national identity numbers only with permission.",
    document: "docs/configuration.md",
    scenes: ["starts", "login"],
    judge: scopes,
  },
  {
    id: "state",
    section: "considerations",
    title: "Use a unique state",
    asked: "A unique state is made for each request to the authorize endpoint.",
    document: "docs/security.md",
    scenes: ["starts"],
    judge: state,
  },
  {
    id: "client-secret",
    section: "considerations",
    title: "Keep the client secret secret",
    asked: "The client_secret is never shared with browsers or native apps.",
    document: "docs/security.md",
    scenes: ["button", "login", "errors", "otherBrowser"],
    judge: clientSecret,
  },
];
