import type { Found } from "../findings/finding.ts";
import type { Exchange } from "./exchange.ts";
import type { LogLine } from "./log-lines.ts";
import * as agreements from "./rows/agreements.ts";
import * as endpoints from "./rows/endpoints.ts";
import * as request from "./rows/login-request.ts";
import * as quality from "./rows/quality.ts";
import type { SceneName, Seen } from "./walk.ts";

/** The parts of Vipps' checklist, in its order. */
export const SECTIONS = {
  endpoints: "Endpoints to integrate",
  quality: "Quality assurance",
  considerations: "Integration considerations",
  pitfalls: "Avoid integration pitfalls",
  sent: "Sent along with the checklist",
} as const;

export type Section = keyof typeof SECTIONS;

/** One row of the checklist: what is asked, and how a run tells whether it is met. */
export interface Row {
  readonly section: Section;
  readonly title: string;
  /** What Vipps asks, in our words. */
  readonly asked: string;
  /** How it is met, for whoever reviews the integration. */
  readonly how: string | ((seen: Seen) => string);
  /** Method and path, for the rows that are an endpoint. */
  readonly endpoint?: string;
  /** The scene that is the row's own: its pictures are shown. */
  readonly sees?: SceneName;
  /** What else has to be walked to judge it. */
  readonly scenes?: readonly SceneName[];
  /** Said where that scene was not played. */
  readonly unseen?: string;
  /** Whether it is about what goes between worker and Vipps, which nobody sees of a deployed site. */
  readonly isWire?: true;
  /** Why the row does not concern this site, by its settings. */
  readonly notApplicable?: (seen: Seen) => string | false;
  readonly judge?: (seen: Seen) => Iterable<Found>;
  /** Requests that a reviewer wants to see. */
  readonly examples?: (seen: Seen) => readonly (Exchange | undefined)[];
  readonly logLines?: (seen: Seen) => readonly (LogLine | undefined)[];
}

/** What has to be walked to judge a row. */
export const scenesOf = ({ sees, scenes = [] }: Row): readonly SceneName[] =>
  sees === undefined ? scenes : [sees, ...scenes];

const ACCESS = "/access-management-1.0/access";

const NO_CIBA =
  "Only required for merchant-initiated login. This worker has no such flow and no setting that would switch one on: every login is begun by the customer, in a browser or in the merchant's app.";

const ALL = {
  endpoints: {
    discovery: {
      title: "OpenID Connect discovery",
      endpoint: `GET ${ACCESS}/.well-known/openid-configuration`,
      asked: "The endpoints are taken from the well-known document.",
      how: "Every endpoint is taken from the discovery document; no path is written down in the code. The document is cached for an hour, as its Cache-Control says, in memory and in KV, and a stale copy serves while Vipps is unreachable. Its issuer must equal the configured one, character by character.",
      scenes: ["login"],
      isWire: true,
      judge: endpoints.judgeDiscovery,
      examples: (seen) => [endpoints.answered(seen, "discovery")],
    },
    jwks: {
      title: "JSON Web Keys discovery",
      endpoint: `GET ${ACCESS}/.well-known/jwks.json`,
      asked: "ID tokens are verified with the published keys.",
      how: "ID tokens are verified with the published RSA keys, RS256 alone. The keys are cached beside the discovery document; an unknown kid fetches them once more, throttled, so a rotation of keys is noticed at the first token.",
      scenes: ["login"],
      isWire: true,
      judge: endpoints.judgeKeys,
      examples: (seen) => [endpoints.answered(seen, "jwks")],
    },
    authorize: {
      title: "OAuth 2.0 authorize",
      endpoint: `GET ${ACCESS}/oauth2/auth`,
      asked: "Required for login from a website.",
      how: "The browser is sent to the authorization endpoint by a redirect, with PKCE (S256), a state and a nonce of this login alone.",
      scenes: ["login"],
      judge: endpoints.judgeAuthorize,
      examples: ({ login }) => [login?.authorize, login?.callback],
      logLines: ({ log = [] }) => [log.find(({ event }) => event === "login_finished")],
    },
    token: {
      title: "OAuth 2.0 token",
      endpoint: `POST ${ACCESS}/oauth2/token`,
      asked: "The code is exchanged for tokens on the server.",
      how: "The code is exchanged on the server, once, with the code verifier and the sales unit's keys. Redirects are not followed, answers are bounded in size and time. The ID token's signature, iss, aud, exp, iat, nonce and at_hash are checked.",
      scenes: ["login"],
      isWire: true,
      judge: endpoints.judgeToken,
      examples: (seen) => [endpoints.answered(seen, "token")],
    },
    userinfo: {
      title: "Userinfo",
      endpoint: "GET /vipps-userinfo-api/userinfo",
      asked: "Not a row of Vipps' list; shown because the worker may use it.",
      how: "Since May and September 2025 the ID token carries the consented claims, so userinfo is asked only for requested claims that the ID token did not bring.",
      scenes: ["login", "olderToken"],
      isWire: true,
      judge: endpoints.judgeUserinfo,
      examples: (seen) => [endpoints.answered(seen, "userinfo")],
    },
    ciba: {
      title: "CIBA authentication",
      endpoint: "POST /vipps-login-ciba/api/backchannel/authentication",
      asked: "Only required for merchant-initiated login.",
      how: "",
      notApplicable: () => NO_CIBA,
    },
    "user-exists": {
      title: "User exists",
      endpoint: "POST /vipps-login-ciba/api/v1/user-exists",
      asked: "Only required for merchant-initiated login.",
      how: "",
      notApplicable: () => NO_CIBA,
    },
  },
  quality: {
    "any-browser": {
      title: "Ensure functionality",
      asked:
        "The login works in all browsers, also when it begins in one that is not the phone's default, such as Chrome on iOS.",
      how: "A login may begin in one browser and come back in another: begun in Chrome on an iPhone, returned to Safari. The browser that comes back is asked, by name, whether it is them; only there is the session made. No cookie from the beginning is needed.",
      sees: "otherBrowser",
      judge: quality.judgeOtherBrowser,
    },
    accounts: {
      title: "Connect existing accounts",
      asked:
        "Users of Vipps or MobilePay are linked to the site's own user registry, by Vipps' recommendations.",
      how: ({ own }) =>
        own.values.ACCOUNTS === "none"
          ? "The site keeps no user registry: with ACCOUNTS=none the account is Vipps' own sub, so there is nothing to link."
          : "A stored sub decides first. Else the verified phone number and the verified email address look for an account: exactly one whose name fits is linked, several or another name must be proven by the person. An unverified address links nothing.",
      sees: "members",
      unseen:
        "Linking needs members that the site knew before and people who log in as them; only a run against the simulator has both.",
      judge: quality.judgeMembers,
    },
    errors: {
      title: "Handle errors",
      asked:
        "Errors are logged and handled, cancelled logins and errors on the way back among them; customers and staff see and understand them.",
      how: "Every failure has a stable code, a page in the customer's language that says what happened and what to do, a way to try again or to go back, and a reference. The same reference stands in exactly one log line, and customer service finds it in the console. A cancelled login is told calmly.",
      sees: "errors",
      judge: quality.judgeErrors,
      examples: quality.cancelledLogin,
      logLines: ({ errors = [] }) => errors.map(({ line }) => line),
    },
    headers: {
      title: "Include standard HTTP headers",
      asked: "The standard headers go with every API request. Mandatory for partners and platforms.",
      how: "All five headers are sent with every request to Vipps, discovery and keys included, each at most 30 characters.",
      scenes: ["login"],
      isWire: true,
      judge: quality.judgeHeaders,
      examples: ({ exchanges }) => [
        exchanges.find(({ from, to, method }) => from === "worker" && to === "provider" && method === "POST"),
      ],
    },
  },
  considerations: {
    flow: {
      title: "Use correct flow",
      asked: "Native apps use the app-to-app flow. Merchant-initiated login is never used for the web.",
      how: "The website uses the browser flow. Native apps use app-to-app (requested_flow=app_to_app_v2) by routes of their own. Merchant-initiated login does not exist here.",
      scenes: ["login", "nativeApp"],
      judge: request.judgeFlow,
    },
    "no-iframe": {
      title: "Do not use embedded iframes",
      asked: "The integration is redirect-based.",
      how: "The login is a redirect of the whole window. Pages of the worker refuse to be framed (Content-Security-Policy: frame-ancestors 'none').",
      scenes: ["button", "login"],
      judge: request.judgeFrames,
    },
    company: {
      title: "Set company name and logo",
      asked: "The sales unit's name corresponds to the company's name on the site, and its logo is set.",
      how: "The sales unit's name stands on Vipps' page, name and logo in the app under 'Companies with access'. Both are set in the portal, where no program can look.",
    },
    "redirect-uris": {
      title: "Whitelist redirect URIs",
      asked:
        "All redirect URIs are registered in the portal, use HTTPS or an app's own scheme, and match what is sent exactly.",
      how: "The redirect URI is SITE_URL + AUTH_PATH + /callback, from the settings alone: no header, parameter or return address changes it.",
      scenes: ["starts", "login"],
      judge: request.judgeRedirectUris,
    },
    scopes: {
      title: "Request only the scopes needed",
      asked:
        "No scope is requested because it would be nice to have; national identity numbers only with permission.",
      how: ({ own }) => `Scopes are the setting VIPPS_SCOPE and nothing else: ${own.scopes.join(", ")}.`,
      scenes: ["starts", "login"],
      judge: request.judgeScopes,
    },
    terms: {
      title: "Present terms and collect consents",
      asked: "Terms and conditions are presented to the user, and necessary consents are collected.",
      how: "New people accept the terms before there is a session, and again when their version changes. Voluntary consents are asked for beside them, never ticked beforehand. Every answer is kept with its words, language and time.",
      sees: "login",
      judge: agreements.judgeTerms,
    },
    state: {
      title: "Use a unique state",
      asked: "A unique state is made for each request to the authorize endpoint.",
      how: "The state is sealed (AES-256-GCM) over a random id of this login alone; it works once, for ten minutes, and cannot be invented. Nonce and code challenge are fresh too.",
      sees: "starts",
      judge: request.judgeStates,
    },
    "client-secret": {
      title: "Keep the client secret secret",
      asked: "The client_secret is never shared with browsers or native apps.",
      how: "The client secret is a Worker secret. It goes to Vipps' token endpoint and nowhere else; browsers and apps get neither it nor the code verifier nor Vipps' tokens.",
      scenes: ["button", "login", "errors", "otherBrowser"],
      judge: request.judgeSecrets,
    },
    "on-behalf": {
      title: "Acting on behalf of others",
      asked: "A merchant who shares data from Vipps with other merchants complies with the terms for that.",
      how: "Data from Vipps stays with this site: the worker passes it to nobody but the site behind it. Whether the merchant hands it on is a matter of contracts.",
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
      judge: agreements.judgeWebhook,
    },
  },
  pitfalls: {
    buttons: {
      title: "Follow design guidelines",
      asked: "Buttons and brand follow Vipps MobilePay's design guidelines.",
      how: "<vipps-login official> shows Vipps' own component, <vipps-mobilepay-button>, from Vipps' own address; it follows the current guidelines by itself. Where it cannot be loaded, a plain button without a logo leads to the login. No logo is copied.",
      sees: "button",
      judge: agreements.judgeButton,
    },
    "customer-service": {
      title: "Educate customer support",
      asked:
        "Customer service has all it needs in the merchant's own system and does not need Vipps' portal for normal work.",
      how: "The console at /auth/support finds people by phone, email, name or number, and a failed login by the reference the customer reads out. It shows what happened and what to say, ends sessions, links and corrects accounts, and writes everything down in an audit log. Nobody needs Vipps' portal for daily work.",
      sees: "console",
      judge: agreements.judgeConsole,
    },
    partner: {
      title: "Partners and platforms",
      asked: "Partners send the checklist of each product and the production sign-up form.",
      how: "The partner's keys act for the sales unit: the token request carries the partner's access token and the sales unit's Merchant-Serial-Number, and the ID token's msn is checked in place of aud.",
      notApplicable: ({ own }) =>
        !own.isPartner && "VIPPS_KEYS is not partner: the sales unit's own keys are used.",
      judge: agreements.judgePartner,
    },
  },
  sent: {
    recent: {
      title: "Request examples, not more than a month old",
      asked:
        "The examples of requests come from the test environment and are at most one month old when they are sent.",
      how: ({ environment }) => agreements.EXAMPLES[environment],
    },
    description: {
      title: "Description of the solution",
      asked: "A short description of the implemented solution.",
      how: "A Cloudflare Worker in front of the site does the OpenID Connect login at the edge and hands the site a signed session.",
    },
    pilot: {
      title: "Pilot customer",
      asked: "Information about the pilot customer.",
      how: "Only the merchant or partner knows.",
    },
    video: {
      title: "Video of the login",
      asked:
        "A video that shows a login that succeeds and one that the user rejects, or test access for Vipps to try.",
      how: "Recorded on a phone, with the app: a screen recording of both, one after the other.",
    },
  },
} as const satisfies Record<Section, Record<string, Omit<Row, "section">>>;

export type RowId = { [Name in Section]: keyof (typeof ALL)[Name] }[Section];

/** Every row of the checklist, in the order of the report. */
export const ROWS = Object.fromEntries(
  (Object.keys(SECTIONS) as Section[]).flatMap((section) =>
    Object.entries<Omit<Row, "section">>(ALL[section]).map(([id, row]) => [id, { ...row, section }]),
  ),
) as Readonly<Record<RowId, Row>>;

export const ROW_IDS = Object.keys(ROWS) as readonly RowId[];
