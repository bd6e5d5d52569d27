import type { Context, Hono } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { checkAuthorizeRequest } from "./authorize.ts";
import { withUserFaults } from "./claims.ts";
import { PATHS } from "./discovery.ts";
import { beginLogin, confirmInApp, endLogin, giveConsent, openConsents, proceedToApp } from "./login.ts";
import { appPage } from "./pages/app.ts";
import { consentPage } from "./pages/consent.ts";
import { errorPage } from "./pages/error.ts";
import { landingPage } from "./pages/landing.ts";
import { returnLinkPage } from "./pages/return-link.ts";
import { LOGIN_LIFETIME, type Login, type Provider } from "./provider.ts";
import { randomHandle } from "./random.ts";
import { returnWithError } from "./return-url.ts";
import type { CustomConsent } from "./sales-unit.ts";
import { findUserByPhone } from "./users.ts";

/** Tells browsers apart: a login goes on only where it began. */
const BROWSER_COOKIE = "vipps-simulator-browser";
/** The same, for the pages of one login alone: of tabs opened at once in a new browser only one sets the other. */
const LOGIN_COOKIE = "vipps-simulator-login";

/** The authorize endpoint and the pages a person walks through. */
export function addLoginRoutes(app: Hono, provider: Provider): void {
  app.get(PATHS.authorize, (c) => authorize(c, provider));

  app.get("/simulator/login/:id", (c) => withLogin(c, provider, (login) => showStep(provider, login)));

  app.post("/simulator/login/:id/landing", (c) =>
    withLogin(c, provider, async (login) => {
      const form = await readForm(c);
      if (login.step.name !== "landing") return toStep(provider, login);
      if (form.get("action") === "cancel") return cancel(provider, login);
      const phone = form.get("phone") ?? "";
      const user =
        provider.users.find(({ id }) => id === form.get("user")) ??
        findUserByPhone(provider.users, phone, login.request.market);
      if (user === undefined) return landingPage({ login, users: provider.users, unknownNumber: phone });
      proceedToApp(provider, login, user, form.get("remember") === "yes");
      return toStep(provider, login);
    }),
  );

  app.post("/simulator/login/:id/app", (c) =>
    withLogin(c, provider, async (login) => {
      const form = await readForm(c);
      if (form.get("action") === "cancel" && login.step.name === "app") return cancel(provider, login);
      const number = form.get("number");
      confirmInApp(provider, login, number === null ? undefined : Number(number));
      return toStep(provider, login);
    }),
  );

  app.post("/simulator/login/:id/consent", (c) =>
    withLogin(c, provider, async (login) => {
      const form = await readForm(c);
      if (form.get("action") === "cancel" && login.step.name === "consent") return cancel(provider, login);
      const missing = giveConsent(provider, login, form.getAll("consent"));
      return missing.length > 0 ? showStep(provider, login, missing) : toStep(provider, login);
    }),
  );
}

async function authorize(c: Context, provider: Provider): Promise<Response> {
  const outcome = checkAuthorizeRequest(provider, new URL(c.req.url));
  switch (outcome.kind) {
    case "errorPage":
      return errorPage(outcome.status, outcome.error.code, outcome.error.description);
    case "redirect":
      return c.redirect(outcome.location, 302);
    case "returnError":
      return c.redirect(returnWithError(provider, outcome.redirectUri, outcome.state, outcome.error), 302);
    case "valid": {
      const browser = getCookie(c, BROWSER_COOKIE) ?? randomHandle(provider.random);
      const secure = provider.origin.startsWith("https:");
      const attributes = { httpOnly: true, sameSite: "Lax", secure, maxAge: 30 * 24 * 60 * 60 } as const;
      setCookie(c, BROWSER_COOKIE, browser, { ...attributes, path: "/" });
      const onPhone = isPhone(c) || outcome.request.requestedFlow?.startsWith("app_to_app") === true;
      const login = beginLogin(provider, outcome.request, browser, onPhone);
      const location = locationOf(provider, login);
      const { origin, pathname } = new URL(location, provider.origin);
      if (origin === provider.origin) setCookie(c, LOGIN_COOKIE, browser, { ...attributes, path: pathname });
      return c.redirect(location, 302);
    }
  }
}

function isPhone(c: Context): boolean {
  const hint = c.req.header("Sec-CH-UA-Mobile");
  if (hint !== undefined) return hint === "?1";
  return /Mobi|Android|iPhone/.test(c.req.header("User-Agent") ?? "");
}

async function readForm(c: Context): Promise<URLSearchParams> {
  return new URLSearchParams(new TextDecoder().decode(await c.req.arrayBuffer()));
}

/** Runs the step if the login exists, is not too old and began in this browser. */
async function withLogin(
  c: Context,
  provider: Provider,
  step: (login: Login) => Promise<Response> | Response,
): Promise<Response> {
  const login = provider.logins.get(c.req.param("id") ?? "");
  if (login === undefined) return errorPage(404, "unknown_login", "There is no such login. Start again.");
  if (![getCookie(c, BROWSER_COOKIE), getCookie(c, LOGIN_COOKIE)].includes(login.browser)) {
    return errorPage(403, "other_browser", "This login began in another browser. Start again.");
  }
  if (login.requestedAt + LOGIN_LIFETIME < provider.now()) {
    return errorPage(410, "expired_login", "This login took too long. Start again.");
  }
  return step(login);
}

function cancel(provider: Provider, login: Login): Response {
  endLogin(provider, login, { code: "access_denied", description: "user cancelled the login" });
  return toStep(provider, login);
}

/** Where the browser goes next: the relying party once the login is done, else the page of the step. */
function locationOf(provider: Provider, login: Login): string {
  const { step } = login;
  const leaves = step.name === "done" && provider.behaviour.current.returnBrowser === "same";
  return leaves ? step.returnUrl : `/simulator/login/${login.id}`;
}

/** The answer to a form: see other, so that a reload repeats nothing and a second click ends in the same place. */
function toStep(provider: Provider, login: Login): Response {
  return new Response(null, { status: 303, headers: { Location: locationOf(provider, login) } });
}

function showStep(
  provider: Provider,
  login: Login,
  missing: readonly CustomConsent[] = [],
): Promise<Response> | Response {
  const { step } = login;
  switch (step.name) {
    case "landing":
      return landingPage({ login, users: provider.users });
    case "app":
      return appPage({ login, user: step.user, challenge: step.challenge });
    case "consent": {
      const user = withUserFaults(step.authentication.user, provider.behaviour.current);
      return consentPage({
        login,
        user,
        ...openConsents(provider, login, step.authentication.user),
        missing,
      });
    }
    case "done":
      return provider.behaviour.current.returnBrowser === "same"
        ? toStep(provider, login)
        : returnLinkPage(login, step.returnUrl);
  }
}
