import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { forgedHeaders } from "./forged-identity.ts";

interface Router {
  readonly rule: string;
  readonly middlewares?: readonly string[];
  readonly service: string;
}
interface Middleware {
  readonly chain?: { readonly middlewares: readonly string[] };
  readonly headers?: { readonly customRequestHeaders: Readonly<Record<string, string>> };
  readonly forwardAuth?: Readonly<Record<string, unknown>> & { readonly authResponseHeadersRegex: string };
}

const { http } = parse(readFileSync("examples/traefik/dynamic.yml", "utf8")) as {
  readonly http: {
    readonly routers: Readonly<Record<string, Router>>;
    readonly middlewares: Readonly<Record<string, Middleware>>;
    readonly services: Readonly<Record<string, unknown>>;
  };
};

/**
 * A header's name as Go's net/http knows it (textproto.CanonicalMIMEHeaderKey): capitals at the start and behind
 * hyphens alone. Undefined for what net/http refuses.
 */
function canonical(name: string): string | undefined {
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) return undefined;
  return name.toLowerCase().replace(/(^|-)([a-z])/g, (_all, before, letter) => before + letter.toUpperCase());
}

/** What is between the name's words, by which an application may not be able to tell it from ours. */
const TAKEN_FOR_OURS = /^(?:remote[-_.](?:user|name|email|groups)|session[-_.]assertion)$/i;

describe("the example for Traefik, as far as it can be read", () => {
  test("names only what it defines, and guards or cleans every way to the application", () => {
    for (const { middlewares = [], service } of Object.values(http.routers)) {
      expect(Object.keys(http.services)).toContain(service);
      for (const name of middlewares) expect(Object.keys(http.middlewares)).toContain(name);
      if (service === "site") expect(middlewares).toHaveLength(1);
    }
    expect(http.middlewares["vipps-login-required"]?.chain?.middlewares).toEqual([
      "no-visitor-identity",
      "vipps-login-verify",
    ]);
    // https://doc.traefik.io/traefik/middlewares/http/forwardauth/
    expect(Object.keys(http.middlewares["vipps-login-verify"]?.forwardAuth ?? {})).toEqual([
      "address",
      "authResponseHeadersRegex",
      "addAuthCookiesToResponse",
    ]);
  });

  test("removes forged headers in every spelling that an application takes for ours", () => {
    const removed = new Set(
      Object.entries(http.middlewares["no-visitor-identity"]?.headers?.customRequestHeaders ?? {}).map(
        ([name, value]) => {
          // An empty value is how Traefik removes a header.
          expect(value).toBe("");
          return canonical(name);
        },
      ),
    );
    const [, source = ""] =
      /^\(\?i\)(.+)$/.exec(
        http.middlewares["vipps-login-verify"]?.forwardAuth?.authResponseHeadersRegex ?? "",
      ) ?? [];
    const copied = new RegExp(source, "i");
    const names = forgedHeaders().flatMap((lines) =>
      lines.flatMap((line) => canonical(line.split(":", 1)[0] ?? "") ?? []),
    );
    const dangerous = names.filter((name) => TAKEN_FOR_OURS.test(name));
    expect(new Set(dangerous).size).toBe(15);
    expect(dangerous.filter((name) => !removed.has(name))).toEqual([]);
    expect(dangerous.filter((name) => !copied.test(name))).toEqual([]);
    for (const name of ["Remote-User", "Remote-Name", "Remote-Email", "Remote-Groups", "Session-Assertion"])
      expect(copied.test(name)).toBe(true);
    for (const name of ["Cookie", "Remote", "X-Remote-User-Agent", "Session", "Authorization"])
      expect(copied.test(name)).toBe(false);
  });
});
