// Everything that reads what others have written, under one name each: what test/node/growth.test.ts measures.

import { normalReference } from "../../src/accounts/login-events.ts";
import { proofDigest } from "../../src/accounts/proof-digest.ts";
import { isSameName, normalEmail, normalPhone, searchName } from "../../src/accounts/vipps-person.ts";
import { handleRequest } from "../../src/app.ts";
import { providerErrorCode } from "../../src/failure.ts";
import { clientNetwork } from "../../src/http/around.ts";
import { cookieValues, isOwnCookie, recogniseBrowser, withoutOwnCookies } from "../../src/http/cookie.ts";
import { deviceOf, isForm, isLookAhead, isScriptRequest, queryParameter } from "../../src/http/request.ts";
import { isPathTooLong, plainPathname, readPath } from "../../src/http/request-path.ts";
import { fittedReturnUrl, safeReturnUrl } from "../../src/http/return-url.ts";
import { briefly } from "../../src/pages/brief-person.ts";
import { filled, pageLanguage } from "../../src/pages/language.ts";
import { needsSession } from "../../src/rules/path-rules.ts";
import { looksLikeToken } from "../../src/session/session.ts";
import { readSettings, type Settings } from "../../src/settings.ts";
import { headerKey, headerText, isIdentityHeader } from "../../src/site/identity-headers.ts";
import { isAppRedirectUri } from "../../src/vipps/app-redirect-uri.ts";
import { readAuthorizationResponse } from "../../src/vipps/authorization-code.ts";
import { knownClaims } from "../../src/vipps/claims.ts";
import { usableKeys } from "../../src/vipps/usable-keys.ts";

/** Reads a hostile text. */
export type Reader = (text: string) => unknown;

/** The settings of a site, all of whose storage fails: what is read of a request is read before it is asked. */
export function siteEnvironment(sessionKeys: string): Cloudflare.Env {
  const fails = () => Promise.reject(new Error("no storage here"));
  const object = {
    get: () => new Proxy({}, { get: () => fails }),
    getByName: () => new Proxy({}, { get: () => fails }),
  };
  const statement = { bind: () => statement, all: fails, first: fails, run: fails };
  return {
    SITE_URL: "https://site.example",
    VIPPS_CLIENT_ID: "test-client-id",
    VIPPS_CLIENT_SECRET: "test-client-secret",
    VIPPS_MSN: "123456",
    SESSION_KEYS: sessionKeys,
    PROTECTED_PATHS: "/members/* /*/private/*.pdf /*a*b*c !/members/open/*",
    ORIGIN_URL: "https://origin.example",
    RETURN_TO_ORIGINS: "https://shop.example",
    APP_REDIRECT_URIS: "https://app.example/back",
    CONSENT_WEBHOOK_SECRET: "a-secret-of-the-webhook",
    SUPPORT_STAFF: "4799999901",
    VIPPS_METADATA: { get: fails, put: fails, delete: fails },
    LOGIN_ATTEMPTS: { ...object, newUniqueId: () => "id", idFromString: () => "id" },
    USER_SESSIONS: object,
    ACCOUNTS_DB: { prepare: () => statement, batch: fails },
  } as unknown as Cloudflare.Env;
}

function settingsOf(env: Cloudflare.Env): Settings {
  const result = readSettings(env, "https://site.example/");
  if ("faults" in result) throw new Error(result.faults.join("; "));
  return result.settings;
}

/** The functions that read, each by itself, so that what is slow is found where it is. */
export function singleReaders(env: Cloudflare.Env): Readonly<Record<string, Reader>> {
  const settings = settingsOf(env);
  const name = "__Host-vipps-session";
  const headers = (entries: Readonly<Record<string, string>>) =>
    ({ get: (key: string) => entries[key] ?? null }) as Headers;
  const path = (text: string) => {
    const url = URL.parse(`https://site.example/${text}`);
    const read = url === null ? undefined : readPath(url.pathname);
    return read && needsSession(settings.site, read);
  };
  return {
    "a path": path,
    "a path below a protected one": (text) => path(`members/${text}`),
    "a path with a dot at its end": (text) => path(`a${text}x./`),
    "a path that is not parsed": (text) => plainPathname(`https://site.example/${text}`),
    "the length of a path": (text) => isPathTooLong(`https://site.example/${text}`),
    "a cookie": (text) => cookieValues(`${name}=${text}`, name),
    "blanks around a cookie's name": (text) => cookieValues(`a=b;${text}${name}${text}=a`, name),
    "cookies of other software": (text) => cookieValues(`${text};${name}=a`, name),
    "cookies for the origin": (text) => withoutOwnCookies(`a${text}; ${name}=${text}; ${text}`),
    "a cookie of the origin": isOwnCookie,
    "a browser's cookie": (text) => recogniseBrowser(headers({ cookie: `__Host-vipps-browser=${text}` })),
    "a token": looksLikeToken,
    "a token's parts": (text) => looksLikeToken(`a.${text}.${text}`),
    "a query": (text) => queryParameter({ url: `https://site.example/?${text}` }, "return_to"),
    "a return URL": (text) => safeReturnUrl(settings, `/${text}`),
    "a return URL with a host": (text) => safeReturnUrl(settings, `https://shop.example/${text}`),
    "an address to come back to": (text) =>
      fittedReturnUrl({ origin: "https://site.example" }, `/${text}?${text}`),
    Accept: (text) => isScriptRequest({ method: "GET", headers: headers({ accept: text }) }),
    "the type of a body": (text) =>
      isScriptRequest({ method: "POST", headers: headers({ "content-type": text }) }),
    "a name of a program": (text) => isLookAhead({ method: "GET", headers: headers({ "user-agent": text }) }),
    "a word of looking ahead": (text) =>
      isLookAhead({ method: "GET", headers: headers({ "sec-purpose": text }) }),
    "Accept-Language": (text) => pageLanguage(text, settings),
    "Content-Type": (text) => isForm(headers({ "content-type": `application/x-www-form-urlencoded${text}` })),
    "User-Agent": deviceOf,
    "a User-Agent of Safari": (text) => deviceOf(`Version/1${text}Version/2 `),
    "an address of a visitor": (text) => clientNetwork(headers({ "cf-connecting-ip": `2001:${text}` })),
    "the name of a header": (text) => [headerKey(text), isIdentityHeader(`x-remote-${text}`)],
    "a text for a header": headerText,
    "a name": searchName,
    // The longer ones are cut.
    "a name that is not cut": (text) => searchName(text.slice(0, text.length / 2)),
    "two names": (text) => isSameName(`Kari ${text}`, `${text} Nordmann`),
    "a person's name on a page": (text) => briefly({ name: text, phone_number: text }),
    "a phone number": normalPhone,
    "an email address": (text) => normalEmail(`${text}@${text}`),
    "a reference": normalReference,
    "a member number": (text) => proofDigest("site", "salt", text),
    claims: (text) => knownClaims({ name: text, email: text, address: { formatted: text }, gender: text }),
    keys: (text) => usableKeys({ keys: [{ kty: "RSA", n: text, e: text }] }),
    "the callback's parameters": (text) =>
      readAuthorizationResponse(new URLSearchParams(`${text}&state=a&code=${text}`)),
    "an error of the provider": (text) =>
      readAuthorizationResponse(
        new URLSearchParams({ error: "access_denied", error_description: `${text}?state=${text}` }),
      ),
    "an error code": providerErrorCode,
    "a redirect URI of an app": (text) => isAppRedirectUri(`com.example.app:/${text}`),
    "the places in a text": (text) => filled(text, { site: "x" }),
  };
}

/** Whole requests: the router, the middleware and every route, whatever they read a text with. */
export function requestReaders(env: Cloudflare.Env, token: string): Readonly<Record<string, Reader>> {
  const ctx = {
    waitUntil: (work: Promise<unknown>) => void work.catch(() => undefined),
    passThroughOnException() {},
  };
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await handleRequest(new Request(`https://site.example${path}`, init), env, ctx as never);
    await response.text();
  };
  /** What the platform would not let through as a header is no header. */
  const safe = (text: string) => text.replace(/[^\x20-\x7e\t]/g, "?").trim();
  /** A request in which every header that anything here reads is hostile, and the query too. */
  const everywhere = (path: string) => (text: string) => {
    const value = safe(text);
    const names =
      "accept accept-language authorization cf-connecting-ip origin purpose sec-purpose upgrade user-agent x-forwarded-host x-forwarded-proto x-forwarded-uri x-requested-with";
    const headers = names.split(" ").map((name): [string, string] => [name, value]);
    const cookie = `${value}; __Host-vipps-session=${value}; __Host-vipps-browser=${value}`;
    return ask(`${path}?%=${text}&return_to=/${encodeURIComponent(text)}`, {
      headers: [...headers, ["cookie", cookie], ["session-assertion", value], ["remote-user", value]],
    });
  };
  const json = { accept: "application/json" };
  const form = (path: string, field: string) => (text: string) =>
    ask(path, {
      method: "POST",
      headers: {
        ...json,
        "content-type": "application/x-www-form-urlencoded",
        origin: "https://site.example",
        cookie: `__Host-vipps-session=${token}`,
      },
      body: `${field}${text}`,
    });
  const body = (path: string, of: (text: string) => string) => (text: string) =>
    ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: of(text) });
  return {
    "GET a path of the site": (text) => ask(`/${text}`, { headers: json }),
    "GET a path of the login": (text) => ask(`/auth/${text}`, { headers: json }),
    "GET a path of the console": (text) => ask(`/auth/support/accounts/${text}`, { headers: json }),
    "DELETE a session by its id": (text) =>
      ask(`/auth/sessions/${text}`, { method: "DELETE", headers: json }),
    "POST a webhook": (text) =>
      ask(`/auth/webhooks/consent/${text}`, { method: "POST", headers: json, body: text }),
    "GET a page of the site": everywhere("/"),
    "GET a guarded page": everywhere("/members/"),
    "GET /auth/login": everywhere("/auth/login"),
    "GET /auth/callback": everywhere("/auth/callback"),
    "GET /auth/session": everywhere("/auth/session"),
    "GET /auth/verify": everywhere("/auth/verify"),
    "GET /auth/proof": everywhere("/auth/proof"),
    "POST /auth/logout": form("/auth/logout", "return_to="),
    "POST /auth/continue": form("/auth/continue", ""),
    "POST /auth/me/consents": form("/auth/me/consents", "consent="),
    "POST /auth/sessions/end": form("/auth/sessions/end", "session="),
    "POST /auth/app/start": body("/auth/app/start", (text) => JSON.stringify({ redirect_uri: text })),
    "POST /auth/app/finish": body(
      "/auth/app/finish",
      (text) => `{"app_secret":"a","state":"b","x":[${text}]}`,
    ),
  };
}
