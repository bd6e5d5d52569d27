import { Hono } from "hono";
import { createBehaviourStore, type Endpoint } from "./behaviour.ts";
import { createControl, type SimulatorControl } from "./control.ts";
import { addControlRoutes } from "./control-routes.ts";
import { ACCESS_PATH, discoveryResponse, jwksResponse, PATHS } from "./discovery.ts";
import { createEndpointFaults, REDIRECT_TARGET_PATH } from "./endpoint-faults.ts";
import { createJournal, type JournalEndpoint } from "./journal.ts";
import { createSigningKeys, type SigningKeys } from "./keys.ts";
import { addLoginRoutes } from "./login-routes.ts";
import { isForUs, isFromElsewhere, refuseForeign } from "./own-names.ts";
import { addAssetRoutes } from "./pages/assets.ts";
import { errorPage } from "./pages/error.ts";
import { partnerTokenResponse } from "./partner.ts";
import type { Provider } from "./provider.ts";
import { cryptoRandom, type Random } from "./random.ts";
import { assertSalesUnits, type SalesUnit } from "./sales-unit.ts";
import { revocationResponse, tokenResponse } from "./token.ts";
import { userinfoResponse } from "./userinfo.ts";
import { TEST_USERS, type TestUser } from "./users.ts";

export type { SimulatorControl } from "./control.ts";
export type { CustomConsent, SalesUnit } from "./sales-unit.ts";

export interface SimulatorOptions {
  /** Where the simulator answers, for example `http://127.0.0.1:8788`. */
  readonly origin: string;
  readonly salesUnits: readonly SalesUnit[];
  /** Milliseconds since the epoch; the system's clock where absent. */
  readonly now?: () => number;
  /** Random bytes; the platform's cryptographic source where absent. */
  readonly random?: Random;
  /** `origin` + `/access-management-1.0/access/` where absent. */
  readonly issuer?: string;
  /** Who can log in; {@link TEST_USERS} where absent. */
  readonly users?: readonly TestUser[];
  /** Keys shared by several simulators, because making RSA keys takes time; its own where absent. */
  readonly keys?: SigningKeys;
}

/** A stand-in for Vipps MobilePay Login. */
export interface Simulator {
  /**
   * Answers a request to any of its endpoints and pages.
   * @throws the signal's reason when the request is given up while an answer is held back on purpose
   */
  fetch(request: Request): Promise<Response>;
  /** Looks inside and makes it misbehave. */
  readonly control: SimulatorControl;
  readonly issuer: string;
}

/**
 * Makes a simulator that keeps everything in memory. It uses web APIs only and so runs in Node and in workerd.
 * @throws Error when a sales unit could not be set up like that in the business portal
 */
export function createSimulator(options: SimulatorOptions): Simulator {
  assertSalesUnits(options.salesUnits);
  const provider = createProvider(options);
  const faults = createEndpointFaults(provider.behaviour, provider.origin);
  const control = createControl(provider);
  const app = createApp(provider, control);
  const respond = async (request: Request) => app.fetch(request);
  return {
    issuer: provider.issuer,
    control,
    async fetch(incoming) {
      if (!isForUs(incoming, provider.origin)) return refuseForeign(421);
      if (isFromElsewhere(incoming, provider.origin)) return refuseForeign(403);
      const endpoint = endpointOf(incoming);
      if (endpoint === undefined) return respond(incoming);
      // Not text(): workerd warns when that is called on a form.
      const body =
        incoming.body === null ? undefined : new TextDecoder().decode(await incoming.arrayBuffer());
      const answered = provider.journal.note(journalEntry(incoming, endpoint, body, provider.now()));
      const request = body === undefined ? incoming : withBody(incoming, body);
      const response = isSpoilable(endpoint)
        ? await faults.answer(endpoint, incoming.signal, () => respond(request))
        : await respond(request);
      answered(response.status);
      return response;
    },
  };
}

function createProvider(options: SimulatorOptions): Provider {
  const origin = options.origin.replace(/\/$/, "");
  const random = options.random ?? cryptoRandom;
  return {
    origin,
    issuer: options.issuer ?? `${origin}${ACCESS_PATH}/`,
    salesUnits: options.salesUnits,
    users: options.users ?? TEST_USERS,
    now: options.now ?? Date.now,
    random,
    keys: options.keys ?? createSigningKeys(random),
    behaviour: createBehaviourStore(),
    journal: createJournal(),
    logins: new Map(),
    codes: new Map(),
    accessTokens: new Map(),
    partnerTokens: new Map(),
    consents: new Map(),
    rememberedBrowsers: new Map(),
  };
}

function createApp(provider: Provider, control: SimulatorControl): Hono {
  const app = new Hono();
  app.get(PATHS.discovery, () => discoveryResponse(provider));
  app.get(PATHS.jwks, () => jwksResponse(provider));
  app.post(PATHS.token, (c) => tokenResponse(provider, c.req.raw));
  app.post(PATHS.revocation, (c) => revocationResponse(provider, c.req.raw));
  // Vipps' own guide writes the address with a slash, discovery without; both methods are the standard's.
  for (const path of [PATHS.userinfo, USERINFO_WITH_SLASH])
    app.on(["GET", "POST"], path, (c) => userinfoResponse(provider, c.req.raw));
  app.post(PATHS.backchannel, () => Response.json(NO_BACKCHANNEL, { status: 400 }));
  app.post(PATHS.accesstoken, (c) => partnerTokenResponse(provider, c.req.raw));
  addLoginRoutes(app, provider);
  addControlRoutes(app, provider, control);
  addAssetRoutes(app);
  app.all(REDIRECT_TARGET_PATH, () => Response.json({ error: "a redirect was followed" }));
  const POSTED = [PATHS.token, PATHS.revocation, PATHS.accesstoken, PATHS.backchannel];
  for (const path of [...Object.values(PATHS), USERINFO_WITH_SLASH]) {
    const isUserinfo = path.startsWith(PATHS.userinfo);
    const method = isUserinfo ? "GET, POST" : POSTED.some((each) => each === path) ? "POST" : "GET";
    app.all(path, () => new Response(null, { status: 405, headers: { Allow: method } }));
  }
  app.notFound(() => errorPage(404, "not_found", "There is nothing at this address."));
  return app;
}

/** Merchant-initiated login is by agreement and not for the web (CIBA Core section 13). */
const NO_BACKCHANNEL = {
  error: "unauthorized_client",
  error_description: "This sales unit may not begin logins by itself; the simulator knows none that may.",
};

const USERINFO_WITH_SLASH = `${PATHS.userinfo}/`;

const JOURNAL_PATHS: Readonly<Record<string, JournalEndpoint>> = {
  [USERINFO_WITH_SLASH]: "userinfo",
  ...Object.fromEntries(Object.entries(PATHS).map(([endpoint, path]) => [path, endpoint as JournalEndpoint])),
  [REDIRECT_TARGET_PATH]: "redirectTarget",
};

function endpointOf(request: Request): JournalEndpoint | undefined {
  return JOURNAL_PATHS[new URL(request.url).pathname];
}

function isSpoilable(endpoint: JournalEndpoint): endpoint is Endpoint {
  return endpoint !== "revocation" && endpoint !== "backchannel" && endpoint !== "redirectTarget";
}

function journalEntry(request: Request, endpoint: JournalEndpoint, body: string | undefined, at: number) {
  const url = new URL(request.url);
  return {
    endpoint,
    at,
    method: request.method,
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: Object.fromEntries(request.headers),
    form: Object.fromEntries(new URLSearchParams(body)),
  };
}

function withBody(request: Request, body: string): Request {
  return new Request(request.url, { method: request.method, headers: request.headers, body });
}
