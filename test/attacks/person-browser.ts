import { logInAsPerson } from "../../simulator/person.ts";
import type { Target } from "./attack.ts";

/** The fields of the form with a question, with the answer to it still missing. */
export type Question = Readonly<Record<string, string>>;

/** A browser as far as HTTP can tell: it keeps the site's cookies and follows nothing by itself. */
export interface PersonBrowser {
  readonly get: (path: string) => Promise<Response>;
  readonly post: (path: string, fields: Readonly<Record<string, string>>) => Promise<Response>;
  /** A whole login. @param user of the simulator's people */
  readonly logIn: (user: string) => Promise<Response>;
  readonly isLoggedIn: () => Promise<boolean>;
}

export function openPersonBrowser({ site, authPath }: Target): PersonBrowser {
  const cookies = new Map<string, string>();
  const ask = async (path: string, init: RequestInit = {}) => {
    const cookie = Array.from(cookies, ([name, value]) => `${name}=${value}`).join("; ");
    const headers = { accept: "text/html", "accept-language": "en", origin: site.origin, cookie };
    const response = await fetch(new URL(path, site), { ...init, redirect: "manual", headers });
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/max-age=0\b/i.test(line)) cookies.delete(name);
      else cookies.set(name, value);
    }
    return response;
  };
  return {
    get: (path) => ask(path),
    post: (path, fields) => ask(path, { method: "POST", body: new URLSearchParams(fields) }),
    logIn: async (user) => {
      const begun = await ask(`${authPath}/login?prompt=login`);
      const callback = await logInAsPerson((request) => fetch(request), begun.headers.get("location") ?? "", {
        user,
      });
      return ask(callback.pathname + callback.search);
    },
    isLoggedIn: async () => {
      const answer = (await (await ask(`${authPath}/session`)).json()) as { readonly authenticated: boolean };
      return answer.authenticated;
    },
  };
}

/** What the hidden fields of a page's form say. */
export function questionOn(page: string): Question {
  const hidden = page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g);
  return Object.fromEntries(Array.from(hidden, ([, name = "", value = ""]) => [name, value]));
}

/** What a person does on purpose. */
export const ON_PURPOSE = { confirm: "yes" } as const;
