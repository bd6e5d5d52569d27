import { logInAsPerson, type PersonChoices } from "../../simulator/person.ts";
import { SITE, type TestSite } from "./site.ts";

/** A browser with its own cookies, as far as this worker can tell. Follows no redirect by itself. */
export interface Browser {
  /** Cookies by name; change it to tamper with them. */
  readonly cookies: Map<string, string>;
  /** Cookies at the provider. */
  readonly providerCookies: Map<string, string>;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  post(
    path: string,
    form?: Record<string, string> | URLSearchParams,
    headers?: Record<string, string>,
  ): Promise<Response>;
  request(path: string, init: RequestInit & { headers?: Record<string, string> }): Promise<Response>;
  /** Clicks 'log in' and gives the provider's address. */
  startLogin(returnTo?: string): Promise<URL>;
  /** Does what the person does at the provider and gives the callback address. */
  atProvider(authorizeUrl: URL, choices?: PersonChoices): Promise<URL>;
  /** A whole login; the answer to the callback. */
  logIn(choices?: PersonChoices & { returnTo?: string }): Promise<Response>;
  session(): Promise<SessionAnswer>;
}

export interface SessionAnswer {
  readonly authenticated: boolean;
  readonly user?: { readonly sub: string; readonly name?: string; readonly [claim: string]: unknown };
  readonly session?: { readonly id: string; readonly expires_at: number };
}

export const SESSION_COOKIE = "__Host-vipps-session";
export const BROWSER_COOKIE = "__Host-vipps-browser";

/**
 * @param defaults headers of every request.
 * @param origin the site that the browser is at.
 */
export function openBrowser(
  site: TestSite,
  defaults: Record<string, string> = {},
  origin: string = SITE,
): Browser {
  const cookies = new Map<string, string>();
  const browser: Browser = {
    cookies,
    providerCookies: new Map(),
    async request(path, init) {
      const headers = new Headers({ accept: "text/html", ...defaults, ...init.headers });
      if (cookies.size > 0 && !headers.has("cookie")) {
        headers.set("cookie", Array.from(cookies, ([name, value]) => `${name}=${value}`).join("; "));
      }
      const response = await site.fetch(
        new Request(new URL(path, origin), { ...init, headers, redirect: "manual" }),
      );
      for (const line of response.headers.getSetCookie()) storeCookie(cookies, line);
      return response;
    },
    get: (path, headers = {}) => browser.request(path, { headers }),
    post: (path, form = {}, headers = {}) =>
      browser.request(path, {
        method: "POST",
        body: new URLSearchParams(form),
        headers: { origin, "sec-fetch-site": "same-origin", ...headers },
      }),
    async startLogin(returnTo) {
      const query = returnTo === undefined ? "" : `?return_to=${encodeURIComponent(returnTo)}`;
      const response = await browser.get(`/auth/login${query}`);
      const location = response.headers.get("location");
      if (response.status !== 302 || location === null) throw new Error(`login answered ${response.status}`);
      return new URL(location);
    },
    atProvider: (authorizeUrl, choices = {}) =>
      logInAsPerson(site.simulator.fetch, authorizeUrl, { jar: browser.providerCookies, ...choices }),
    async logIn({ returnTo, ...choices } = {}) {
      const callback = await browser.atProvider(await browser.startLogin(returnTo), choices);
      return browser.get(callback.href);
    },
    async session() {
      const response = await browser.get("/auth/session", { accept: "application/json" });
      return response.json();
    },
  };
  return browser;
}

function storeCookie(cookies: Map<string, string>, line: string): void {
  const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
  if (name === undefined || value === undefined) return;
  if (/max-age=0(;|$)/i.test(line)) cookies.delete(name);
  else cookies.set(name, value);
}
