import type { Rows } from "../rows.ts";
import type { SiteValues } from "../settings.ts";
import { answeredWith, asked, field, jsonOf, parameter, pathOf } from "../traffic.ts";
import type { Seen } from "../walk.ts";

export const CONSIDERATION_ROWS = {
  flow: {
    title: "Use correct flow",
    asked: "Native apps use the app-to-app flow. Merchant-initiated login is never used for the web.",
    how: ({ own }) => {
      const apps =
        own.values.APP_REDIRECT_URIS === undefined
          ? "No native app can log in: APP_REDIRECT_URIS is not set."
          : "Native apps use app-to-app (requested_flow=app_to_app_v2) by routes of their own.";
      return `The website uses the browser flow. ${apps} Merchant-initiated login does not exist here.`;
    },
    scenes: ["login", "nativeApp"],
    judge(seen) {
      const { login, nativeApp: app, own } = seen;
      const value = (name: string) => parameter(app?.authorizeUrl, name);
      const notSet =
        app === undefined
          ? "Native apps: APP_REDIRECT_URIS is not set, so no app can log in here."
          : "APP_REDIRECT_URIS is not set, so no app can log in at the site itself: the flow of apps is shown with an app of nobody's.";
      const isSet = own.values.APP_REDIRECT_URIS !== undefined;
      return {
        "Merchant-initiated login (CIBA) was never asked for": asked(seen, "ciba").length === 0,
        "The website's login does not ask for the flow of apps":
          login && parameter(login.authorize?.url, "requested_flow") !== "app_to_app_v2",
        ...(app && {
          "A native app's login begins by routes of its own": answeredWith(200, app.status),
          "It asks for the app-to-app flow": value("requested_flow") === "app_to_app_v2",
          "It returns to an address of APP_REDIRECT_URIS": app.redirectUris.includes(value("redirect_uri")),
          "It uses PKCE with S256": value("code_challenge_method") === "S256",
          "Another app cannot finish it": app.strangerRefused,
          "It ends with a session of the app, or is told that terms are to be accepted first":
            app.tokenAccepted,
        }),
        [isSet ? "The switch between app and app needs a phone: show it in the video." : notSet]: "unseen",
      };
    },
  },
  "no-iframe": {
    title: "Do not use embedded iframes",
    asked: "The integration is redirect-based.",
    how: "The login is a redirect of the whole window. Pages of the worker refuse to be framed (Content-Security-Policy: frame-ancestors 'none').",
    scenes: ["button", "login"],
    judge({ exchanges, site, own, login, button }) {
      const pages = exchanges.filter(
        ({ from, url, responseHeaders }) =>
          from === "browser" &&
          url.startsWith(`${site}${own.authPath}/`) &&
          responseHeaders["content-type"]?.startsWith("text/html"),
      );
      const closed = pages.filter(({ responseHeaders }) =>
        responseHeaders["content-security-policy"]?.includes("frame-ancestors 'none'"),
      );
      const frames = button?.loginFrames ?? [];
      const told = pages.length === 0 ? "no page was seen" : `${closed.length} of ${pages.length} pages`;
      return {
        "The browser went to Vipps in the top-level window": login?.topLevel === true,
        "The page with the button frames no login": [frames.length === 0, frames.join(", ") || undefined],
        "The worker's own pages cannot be framed": [pages.length > 0 && closed.length === pages.length, told],
      };
    },
  },
  company: {
    title: "Set company name and logo",
    asked: "The sales unit's name corresponds to the company's name on the site, and its logo is set.",
    how: "The sales unit's name stands on Vipps' page, name and logo in the app under 'Companies with access'. Both are set in the portal, where no program can look.",
    asks: {
      company_name: "The company's name as its customers know it, the same as on the site",
      sales_unit_name:
        "The sales unit's name in the portal, which customers see on Vipps' page. The same as above?",
      logo: "Is the logo set in the portal? It is shown in the app under 'Companies with access'",
    },
  },
  "redirect-uris": {
    title: "Whitelist redirect URIs",
    asked:
      "All redirect URIs are registered in the portal, use HTTPS or an app's own scheme, and match what is sent exactly.",
    how: "The redirect URI is SITE_URL + AUTH_PATH + /callback, from the settings alone: no header, parameter or return address changes it.",
    asks: {
      redirect_uris_registered:
        "Which redirect URIs are registered in the portal, for test and for production?",
    },
    scenes: ["starts", "login"],
    judge({ login, starts, redirectUri, environment }) {
      const sent = [login?.authorize?.url, ...(starts?.urls ?? [])].filter((url) => url !== undefined);
      const uri = [...new Set(sent.map((url) => parameter(url, "redirect_uri")))].join(", ");
      return {
        "One redirect URI was sent, the one of the settings": [uri === redirectUri, uri],
        "It uses HTTPS, or is on localhost, which Vipps allows in test":
          /^(https:\/\/|http:\/\/(localhost|127\.0\.0\.1)[:/])/.test(uri),
        "It has no query, no # and no slash at its end": !/[?#]|\/$/.test(uri),
        "A stranger's redirect_uri in the login link is not passed on":
          parameter(starts?.tampered, "redirect_uri") === redirectUri,
        "Vipps' test environment accepted it": environment === "test" ? login?.authenticatedAfter : undefined,
        "The simulator registers the redirect URI by itself; whether it stands in the portal only Vipps can tell. The command npm run doctor asks.":
          environment === "simulator" ? "unseen" : undefined,
      };
    },
  },
  scopes: {
    title: "Request only the scopes needed",
    asked:
      "No scope is requested because it would be nice to have; national identity numbers only with permission.",
    how: ({ own }) => `Scopes are the setting VIPPS_SCOPE and nothing else: ${own.scopes.join(", ")}.`,
    asks: {
      scope_reasons: "What is each requested scope needed for?",
      nin_permission: "When and by whom was the scope nin or gender granted?",
    },
    scenes: ["starts", "login"],
    judge({ login, starts, own }) {
      const scope = parameter(login?.authorize?.url ?? starts?.urls[0], "scope");
      const requested = scope.split(" ").filter(Boolean);
      const special = requested.filter((one) => one === "nin" || one === "gender");
      const isSame = requested.toSorted().join() === own.scopes.toSorted().join();
      return {
        "What was requested is what the settings say": [isSame, scope],
        "A stranger's scope in the login link is not passed on":
          !parameter(starts?.tampered, "scope").includes("nin") || special.includes("nin"),
        ...(special.length > 0
          ? { [`Scopes by application: ${special.join(", ")}`]: [true, "see the field nin_permission"] }
          : { "No scope that is given by application only": true }),
      };
    },
  },
  terms: {
    title: "Present terms and collect consents",
    asked: "Terms and conditions are presented to the user, and necessary consents are collected.",
    how: ({ own }) => termsWords(own),
    asks: {
      terms_presented:
        "Where does the site present its terms and ask for consents, since TERMS_URL is not set?",
    },
    sees: "login",
    judge({ login, own, environment }) {
      const unset =
        "The site's settings name no terms, so the worker asks for none. Set TERMS_URL and TERMS_VERSION, or say in the field terms_presented where the site does it.";
      if (own.values.TERMS_URL === undefined) return { [unset]: "unseen" };
      const { terms, authenticatedAfter: isIn } = login ?? {};
      const isShown = terms !== undefined || (environment === "test" && isIn === true);
      const why = isIn ? "this person had accepted them before" : "no login got so far";
      return {
        "A new person was shown the terms before there was a session": [isShown, terms ? undefined : why],
        "No box was ticked beforehand": (terms?.ticked ?? 0) === 0,
      };
    },
  },
  state: {
    title: "Use a unique state",
    asked: "A unique state is made for each request to the authorize endpoint.",
    how: "The state is sealed (AES-256-GCM) over a random id of this login alone; it works once, for ten minutes, and cannot be invented. Nonce and code challenge are fresh too.",
    sees: "starts",
    judge({ starts: { urls } = { urls: [] } }) {
      const judged = (urls.length === 0 ? [] : ["state", "nonce", "code_challenge"]).map((name) => {
        const values = urls.map((url) => parameter(url, name));
        const shortest = Math.min(...values.map(({ length }) => length));
        const different = new Set(values).size;
        const told = `${values.length} logins, ${different} different values, the shortest of ${shortest} characters`;
        const what = `${name} differs in every login and has at least 8 characters`;
        return [what, [different === values.length && shortest >= 8, told]] as const;
      });
      return Object.fromEntries(judged);
    },
  },
  "client-secret": {
    title: "Keep the client secret secret",
    asked: "The client_secret is never shared with browsers or native apps.",
    how: ({ own }) =>
      own.isPartner
        ? "The partner's keys are Worker secrets. They go to Vipps' endpoint for a partner's access token and nowhere else; browsers and apps get neither them nor the code verifier nor Vipps' tokens."
        : "The client secret is a Worker secret. It goes to Vipps' token endpoint and nowhere else; browsers and apps get neither it nor the code verifier nor Vipps' tokens.",
    scenes: ["button", "login", "errors", "otherBrowser"],
    judge(seen) {
      const { length: amount } = seen.exchanges.filter(({ from }) => from === "browser");
      const found = leaks(seen);
      const lookedFor = `${Object.keys(seen.secrets).join(", ")}: looked for in ${amount} requests and answers`;
      return {
        "Nothing that must stay on the server was in anything a browser sent or got": [
          amount > 0 && found.length === 0,
          found.join("; ") || lookedFor,
        ],
        "The deployed worker's secret is not known here, so only what looks like a token was looked for.":
          seen.environment === "deployed" ? "unseen" : undefined,
      };
    },
  },
  "on-behalf": {
    title: "Acting on behalf of others",
    asked: "A merchant who shares data from Vipps with other merchants complies with the terms for that.",
    how: ({ own }) =>
      `By the settings the worker passes data from Vipps to ${receiversOf(own)}, and to nobody else. Whether the merchant hands it on is a matter of contracts.`,
    asks: {
      on_behalf_of_others:
        "Is data from Vipps passed on to other merchants? If so: how are the terms for acting on behalf of others kept?",
    },
  },
  webhook: {
    title: "Consent webhook",
    asked: "Not a row of Vipps' list: optional, shown where it is used.",
    how: "Vipps' notice is unsigned, so its address carries a secret. It can end sessions and be noted on the account, nothing else.",
    sees: "webhook",
    unseen: "Only the simulator can be made to withdraw a consent during a run.",
    notApplicable: ({ own }) =>
      own.values.CONSENT_WEBHOOK_SECRET === undefined &&
      "Optional. CONSENT_WEBHOOK_SECRET is not set, so there is no address for the consent webhook.",
    judge: ({ webhook }) =>
      webhook && {
        "The notice is accepted": answeredWith(204, webhook.status),
        "The person's sessions end": webhook.sessionEnded,
        "With another secret there is no such address": webhook.wrongSecretStatus === 404,
      },
  },
} as const satisfies Rows;

/** Who is asked for what, by the settings: what they leave out is done by nobody here. */
function termsWords({ values, scopes }: SiteValues): string {
  const hasTerms = values.TERMS_URL !== undefined;
  const hasConsents = values.CONSENTS !== undefined;
  const flows = scopes.filter((scope) => scope === "customFlow" || scope === "delegatedConsents");
  const sentences = [
    hasTerms
      ? "New people accept the terms before there is a session, and again when their version changes."
      : "The worker asks nobody to accept terms: TERMS_URL is not set.",
    hasConsents &&
      `Voluntary consents are asked for ${hasTerms ? "beside them" : "before there is a session"}, never ticked beforehand.`,
    flows.length > 0 && `Vipps collects consents on its own page (${flows.join(", ")}).`,
    (hasTerms || hasConsents) && "Every answer given here is kept with its words, language and time.",
  ];
  return sentences.filter(Boolean).join(" ");
}

/** To whom the worker passes data from Vipps, by the settings; items have commas of their own. */
function receiversOf({ values }: SiteValues): string {
  const { ACCOUNTS, RETURN_TO_ORIGINS, APP_REDIRECT_URIS, EVENTS_URL, AGENCY_STAFF } = values;
  const receivers = [
    "the site behind it",
    ACCOUNTS === "remote" && "the registry at REGISTRY_URL",
    ACCOUNTS === "own" && "the registry of the project's own code (ACCOUNTS=own)",
    RETURN_TO_ORIGINS && "scripts of RETURN_TO_ORIGINS, which may read the session",
    APP_REDIRECT_URIS && "the native apps of APP_REDIRECT_URIS, which have a session of their own",
    EVENTS_URL &&
      "the receiver at EVENTS_URL, which is told ids, answers to consents and names of fields, but no name, number or address",
    AGENCY_STAFF && "the people of AGENCY_STAFF, who may open the console",
  ];
  return new Intl.ListFormat("en-US").format(receivers.filter((words) => typeof words === "string"));
}

/** Where something stood in a browser's traffic that the server alone may know. Names it, never quotes it. */
function leaks(seen: Seen): readonly string[] {
  const ofLogins = asked(seen, "token").flatMap((exchange): [string, unknown][] => {
    const { access_token, id_token } = jsonOf(exchange);
    const verifier = field(exchange, "code_verifier");
    return Object.entries({ "code verifier": verifier, "access token": access_token, "ID token": id_token });
  });
  const known = [...Object.entries(seen.secrets), ...ofLogins]
    .map(([name, value]) => [name, String(value ?? "")] as const)
    .filter(([, value]) => value.length >= 8);
  const sent = seen.exchanges.filter(({ from }) => from === "browser");
  const found = sent.flatMap((exchange) => {
    const { method, url, requestHeaders, requestBody, responseHeaders, responseBody } = exchange;
    const headers = [...Object.values(requestHeaders), ...Object.values(responseHeaders)];
    const text = [url, requestBody, responseBody, ...headers].join("\n");
    return known
      .filter(([, value]) => text.includes(value) || text.includes(encodeURIComponent(value)))
      .map(([name]) => `${name} in ${method} ${pathOf(exchange)}`);
  });
  return [...new Set(found)];
}
