import { describe, expect, it } from "vitest";
import type { Evidence } from "../../cli/checklist/evidence.ts";
import { createRedactor } from "../../cli/checklist/redaction.ts";
import { judgeRows, ROW_IDS, type RowId } from "../../cli/checklist/rows.ts";
import { siteValuesFrom } from "../../cli/checklist/settings.ts";
import type { Exchange } from "../../cli/checklist/traffic.ts";
import { type Seen, scenesFor } from "../../cli/checklist/walk.ts";
import { isProblem } from "../../cli/findings/finding.ts";
import { APP, exchange, OFFICIAL, seenInOrder } from "./checklist-seen.ts";

/** The rows in which something does not hold, with what does not. */
function failures(seen: Seen): Record<string, string[]> {
  const judged = judgeRows(seen, ROW_IDS, createRedactor());
  return Object.fromEntries(
    judged
      .map(({ row, evidence }) => [row, evidence.findings.filter(isProblem).map(({ what }) => what)] as const)
      .filter(([, texts]) => texts.length > 0),
  );
}

function judged(seen: Seen, row: RowId) {
  const [only] = judgeRows(seen, [row], createRedactor());
  if (only === undefined) throw new Error(`there is no row ${row}`);
  return only.evidence;
}

const skippedIn = ({ findings }: Evidence): string =>
  findings
    .filter(({ severity }) => severity === "skipped")
    .map(({ what }) => what)
    .join(" ");

/** The run with its exchanges at one endpoint changed. */
function withExchange(end: string, change: (exchange: Exchange) => Partial<Exchange>): Seen {
  const seen = seenInOrder();
  return {
    ...seen,
    exchanges: seen.exchanges.map((each) =>
      new URL(each.url).pathname.endsWith(end) ? { ...each, ...change(each) } : each,
    ),
  };
}

const withSettings = (values: Record<string, string>): Seen => {
  const seen = seenInOrder();
  return { ...seen, own: siteValuesFrom({ ...seen.own.values, ...values }) };
};

describe("the rows", () => {
  it("find nothing wrong where nothing is", () => {
    expect(failures(seenInOrder())).toEqual({});
  });

  it("need only the scenes of the rows that are looked at", () => {
    expect(scenesFor(["state"])).toEqual(["starts"]);
    expect(scenesFor(["company", "ciba"])).toEqual([]);
    expect(scenesFor(ROW_IDS)).toContain("otherBrowser");
  });

  const [login, starts] = [seenInOrder().login, seenInOrder().starts];
  if (login === undefined || starts === undefined) throw new Error("the run has no login");
  const [firstUrl = ""] = starts.urls;
  const { button } = seenInOrder();
  if (button === undefined) throw new Error("the page with the button was seen");

  const faults: readonly (readonly [what: string, row: RowId, seen: Seen])[] = [
    [
      "the issuer differs by its slash",
      "discovery",
      { ...seenInOrder(), issuer: "https://apitest.vipps.no/access-management-1.0/access" },
    ],
    [
      "discovery is fetched for every login",
      "discovery",
      { ...seenInOrder(), exchanges: [...seenInOrder().exchanges, ...seenInOrder().exchanges] },
    ],
    ["the key set is empty", "jwks", withExchange("/jwks.json", () => ({ responseBody: '{"keys":[]}' }))],
    [
      "the login ended without a session",
      "authorize",
      { ...seenInOrder(), login: { ...login, authenticatedAfter: false } },
    ],
    [
      "PKCE is plain",
      "authorize",
      {
        ...seenInOrder(),
        login: { ...login, authorize: exchange({ url: firstUrl.replace("S256", "plain"), from: "browser" }) },
      },
    ],
    ["the client does not authenticate", "token", withExchange("/token", () => ({ requestHeaders: {} }))],
    ["the token endpoint refuses", "token", withExchange("/token", () => ({ status: 401 }))],
    [
      "a subscription key goes to userinfo",
      "userinfo",
      {
        ...seenInOrder(),
        exchanges: [
          exchange({
            url: "https://apitest.vipps.no/vipps-userinfo-api/userinfo",
            requestHeaders: { authorization: "Bearer token", "ocp-apim-subscription-key": "key" },
          }),
        ],
      },
    ],
    ["no login got so far that userinfo could be asked", "userinfo", { ...seenInOrder(), exchanges: [] }],
    [
      "CROSS_BROWSER=deny",
      "any-browser",
      {
        ...seenInOrder(),
        otherBrowser: {
          status: 400,
          heading: "The login came back in another browser",
          asked: false,
          authenticatedThere: false,
          authenticatedWhereItBegan: false,
        },
      },
    ],
    [
      "a member got another account",
      "accounts",
      { ...seenInOrder(), members: { linked: false, sameAccount: true, strangerAsked: true } },
    ],
    [
      "an error has no log line",
      "errors",
      {
        ...seenInOrder(),
        errors: (seenInOrder().errors ?? []).map((error) => ({ ...error, line: undefined })),
      },
    ],
    [
      "an error page has no way on",
      "errors",
      {
        ...seenInOrder(),
        errors: (seenInOrder().errors ?? []).map((error) => ({
          ...error,
          offers: { retry: false, back: false },
        })),
      },
    ],
    [
      "a standard header is missing at one endpoint",
      "headers",
      withExchange("/jwks.json", ({ requestHeaders: { "vipps-system-name": _, ...rest } }) => ({
        requestHeaders: rest,
      })),
    ],
    [
      "a standard header is too long",
      "headers",
      withExchange("/token", ({ requestHeaders }) => ({
        requestHeaders: { ...requestHeaders, "vipps-system-name": "x".repeat(31) },
      })),
    ],
    [
      "merchant-initiated login was asked for",
      "flow",
      {
        ...seenInOrder(),
        exchanges: [
          exchange({ url: "https://apitest.vipps.no/vipps-login-ciba/api/backchannel/authentication" }),
        ],
      },
    ],
    [
      "an app's login is no app-to-app flow",
      "flow",
      {
        ...withSettings({ APP_REDIRECT_URIS: "app://x/y" }),
        nativeApp: { ...APP, authorizeUrl: firstUrl },
      },
    ],
    [
      "an app's login comes back elsewhere",
      "flow",
      { ...seenInOrder(), nativeApp: { ...APP, redirectUris: ["app://other/y"] } },
    ],
    [
      "another app can finish an app's login",
      "flow",
      { ...seenInOrder(), nativeApp: { ...APP, strangerRefused: false } },
    ],
    [
      "an app's login ends without a session",
      "flow",
      { ...seenInOrder(), nativeApp: { ...APP, tokenAccepted: false } },
    ],
    [
      "the official button is asked for a language it does not have",
      "buttons",
      {
        ...seenInOrder(),
        button: { ...button, attributes: { ...button.attributes, fi: { ...OFFICIAL, language: "se" } } },
      },
    ],
    [
      "the official button is asked for a verb that is not documented",
      "buttons",
      {
        ...seenInOrder(),
        button: { ...button, attributes: { en: { ...OFFICIAL, language: "en", verb: "sign-in" } } },
      },
    ],
    ["the login is in a frame", "no-iframe", { ...seenInOrder(), login: { ...login, topLevel: false } }],
    [
      "a page of the worker can be framed",
      "no-iframe",
      withExchange("/callback", () => ({ responseHeaders: { "content-type": "text/html" } })),
    ],
    [
      "the redirect URI follows a header",
      "redirect-uris",
      { ...seenInOrder(), redirectUri: "https://other.example/auth/callback" },
    ],
    [
      "a stranger's redirect URI is passed on",
      "redirect-uris",
      {
        ...seenInOrder(),
        starts: { ...starts, tampered: "https://apitest.vipps.no/?redirect_uri=https://attacker.example/" },
      },
    ],
    ["another scope is requested than the settings say", "scopes", withSettings({ VIPPS_SCOPE: "openid" })],
    ["a box is ticked beforehand", "terms", { ...seenInOrder(), login: { ...login, terms: { ticked: 1 } } }],
    [
      "two logins share a state",
      "state",
      { ...seenInOrder(), starts: { ...starts, urls: [firstUrl, firstUrl] } },
    ],
    [
      "a state is too short",
      "state",
      { ...seenInOrder(), starts: { ...starts, urls: [firstUrl.replace("state-number-1", "short")] } },
    ],
    [
      "the client secret reaches a browser",
      "client-secret",
      withExchange("/callback", () => ({ responseBody: "<!-- the-client-secret -->" })),
    ],
    [
      "the ID token reaches a browser",
      "client-secret",
      withExchange("/callback", () => ({ responseHeaders: { "x-token": "id-token-of-this-login" } })),
    ],
    [
      "the withdrawn consent ends no session",
      "webhook",
      {
        ...withSettings({ CONSENT_WEBHOOK_SECRET: "0123456789abcdef" }),
        webhook: { status: 204, sessionEnded: false, wrongSecretStatus: 404 },
      },
    ],
    [
      "the page has no button",
      "buttons",
      {
        ...seenInOrder(),
        button: {
          path: "/",
          official: "not asked for",
          words: undefined,
          loginFrames: [],
          attributes: {},
        },
      },
    ],
    [
      "customers see the console",
      "customer-service",
      { ...seenInOrder(), console: { foundByReference: true, customerStatus: 200 } },
    ],
  ];

  it.each(faults)("notice that %s (%s)", (_what, row, seen) => {
    expect(Object.keys(failures(seen))).toContain(row);
  });

  it("show a scene that came to no end as failed, in every row that needs it", () => {
    const failed = failures({ ...seenInOrder(), failed: { otherBrowser: "Timeout" } });
    expect(Object.keys(failed)).toEqual(["any-browser", "client-secret"]);
  });

  it("are not applicable for a reason of the settings alone", () => {
    const seen = seenInOrder();
    expect(judged(seen, "webhook").notApplicable).toContain("CONSENT_WEBHOOK_SECRET is not set");
    expect(judged(seen, "partner").notApplicable).toContain("VIPPS_KEYS is not partner");
    expect(skippedIn(judged(seen, "flow"))).toContain("APP_REDIRECT_URIS is not set");
    const used = withSettings({ CONSENT_WEBHOOK_SECRET: "0123456789abcdef", VIPPS_KEYS: "partner" });
    expect(judged(used, "webhook").notApplicable).toBeUndefined();
    expect(judged(used, "partner").notApplicable).toBeUndefined();
  });

  describe("say only what is so by the site's settings", () => {
    const BARE = { VIPPS_SCOPE: "openid name", VIPPS_MSN: "123456" };
    const how = (row: RowId, values: Record<string, string> = {}) =>
      judged({ ...seenInOrder(), own: siteValuesFrom({ ...BARE, ...values }) }, row).how;

    it.each<[row: RowId, values: Record<string, string>, says: string, silent: string]>([
      ["terms", {}, "asks nobody to accept terms: TERMS_URL is not set", "before there is a session"],
      ["terms", {}, "asks nobody", "consents"],
      ["terms", { TERMS_URL: "/t" }, "New people accept the terms before there is a session", "oluntary"],
      ["terms", { CONSENTS: "[]" }, "consents are asked for before there is a session", "accept the terms"],
      ["terms", { TERMS_URL: "/t", CONSENTS: "[]" }, "beside them, never ticked", "not set"],
      ["terms", { VIPPS_SCOPE: "openid customFlow" }, "on its own page (customFlow)", "given here"],
      ["flow", {}, "No native app can log in: APP_REDIRECT_URIS is not set.", "app-to-app"],
      ["flow", { APP_REDIRECT_URIS: "app://x/y" }, "Native apps use app-to-app", "not set"],
      ["on-behalf", {}, "to the site behind it, and to nobody else", "EVENTS_URL"],
      [
        "on-behalf",
        { EVENTS_URL: "https://crm.example/" },
        "the site behind it and the receiver at EVENTS_",
        "REG",
      ],
      ["on-behalf", { ACCOUNTS: "remote" }, "the registry at REGISTRY_URL", "EVENTS_URL"],
      ["on-behalf", { ACCOUNTS: "own" }, "(ACCOUNTS=own)", "REGISTRY_URL"],
      ["on-behalf", { ACCOUNTS: "d1" }, "to the site behind it, and to nobody else", "registry"],
      ["on-behalf", { RETURN_TO_ORIGINS: "https://a.example" }, "RETURN_TO_ORIGINS", "EVENTS_URL"],
      ["on-behalf", { APP_REDIRECT_URIS: "app://x/y" }, "native apps", "EVENTS_URL"],
      ["on-behalf", { AGENCY_STAFF: "+4799999902" }, "AGENCY_STAFF", "+47"],
      ["client-secret", {}, "The client secret is a Worker secret", "partner"],
      ["client-secret", { VIPPS_KEYS: "partner" }, "partner's access token", "client secret"],
      ["token", { VIPPS_KEYS: "partner" }, "iss, msn, exp", "aud"],
      ["any-browser", { CROSS_BROWSER: "deny" }, "is refused", "may begin in one browser"],
      ["any-browser", { CROSS_BROWSER: "allow" }, "CROSS_BROWSER=allow", "by name"],
      ["errors", {}, "exactly one log line", "console"],
      ["errors", { SUPPORT_STAFF: "+4799999901" }, "customer service finds it in the console", "not set"],
      ["customer-service", {}, "SUPPORT_STAFF is not set", "finds people"],
      ["customer-service", { SUPPORT_STAFF: "x", AUTH_PATH: "/login" }, "console at /login/support", "/auth"],
    ])("%s, with %o", (row, values, says, silent) => {
      const words = how(row, values);
      expect(words).toContain(says);
      expect(words).not.toContain(silent);
    });

    it("buttons, where the page has one of its own", () => {
      const own = { ...seenInOrder(), button: { ...button, official: "not asked for" as const } };
      expect(judged(seenInOrder(), "buttons").how).toContain("<vipps-login official>");
      expect(judged(own, "buttons").how).not.toContain("<vipps-login official>");
    });
  });

  it("say what Vipps answered to a login that came to nothing, and of its person nothing else", () => {
    const failed = {
      ...{ ...login, terms: undefined, authenticatedAfter: false },
      callback: exchange({
        url: "https://www.example.com/auth/callback?error=invalid_scope",
        from: "browser",
      }),
    };
    const seen: Seen = { ...withSettings({ TERMS_URL: "/terms", TERMS_VERSION: "1" }), login: failed };
    const told = (row: RowId) => JSON.stringify(judged(seen, row).findings);
    expect(told("authorize")).toContain("invalid_scope");
    expect(told("terms")).toContain("no login got so far");
    expect(judged({ ...seen, environment: "test" }, "terms").findings.some(isProblem)).toBe(true);
  });

  it("let userinfo be asked for consents that Vipps collects, once in a login", () => {
    const userinfo = exchange({
      url: "https://apitest.vipps.no/vipps-userinfo-api/userinfo",
      requestHeaders: { authorization: "Bearer token" },
    });
    const asked = (scope: string, times: number): Seen => {
      const seen = withSettings({ VIPPS_SCOPE: scope });
      const [token] = seen.exchanges.filter(({ url }) => url.endsWith("/token"));
      if (token === undefined) throw new Error("the run has no token request");
      return {
        ...seen,
        exchanges: [...seen.exchanges, token, ...Array.from({ length: times }, () => userinfo)],
        olderToken: { authenticatedAfter: true },
      };
    };
    const stands = (scope: string, times: number) =>
      judged(asked(scope, times), "userinfo").findings.filter(isProblem).length === 0;
    expect(stands("openid name", 1)).toBe(true);
    expect(stands("openid name", 2)).toBe(false);
    for (const scope of ["customFlow", "delegatedConsents"]) {
      expect(stands(`openid name ${scope}`, 2)).toBe(true);
      expect(stands(`openid name ${scope}`, 3)).toBe(false);
      expect(judged(asked(`openid name ${scope}`, 1), "userinfo").how).toContain("in userinfo alone");
    }
  });

  it("say of a deployed site what cannot be captured from outside", () => {
    const seen: Seen = { ...seenInOrder(), environment: "deployed", log: undefined };
    for (const row of ["discovery", "jwks", "token", "headers"] as const)
      expect(skippedIn(judged(seen, row))).toContain("cannot be seen from here");
    expect(skippedIn(judged(seen, "errors"))).toContain("--log");
  });
});
