/** A browser without pages: keeps the cookies of one site and follows nothing by itself. */
export interface Visitor {
  /** Requests a path of the site; never follows a redirect. */
  readonly request: (path: string, init?: RequestInit) => Promise<Response>;
  /** What `GET /auth/session` answers. */
  readonly session: () => Promise<Session>;
  /** Its cookies as a Cookie header. */
  readonly cookies: () => string;
}

export type Session =
  | { readonly authenticated: false }
  | { readonly authenticated: true; readonly user: { readonly sub: string; readonly name?: string } };

const JSON_ONLY = { headers: { accept: "application/json" } };

/** @param site origin of the site */
export function createVisitor(site: string): Visitor {
  const jar = new Map<string, string>();
  const cookies = () => Array.from(jar, ([name, value]) => `${name}=${value}`).join("; ");
  const request = async (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    headers.set("cookie", cookies());
    // As a browser does for a page: Node's own headers are those of a script.
    if (init.method === undefined && !headers.has("accept")) headers.set("accept", "text/html,*/*;q=0.8");
    const response = await fetch(new URL(path, site), { ...init, headers, redirect: "manual" });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (/;\s*(max-age=0\b|expires=[^;]* 1970 )/i.test(cookie)) jar.delete(name);
      else jar.set(name, value);
    }
    return response;
  };
  const session = async () => (await (await request("/auth/session", JSON_ONLY)).json()) as Session;
  return { request, session, cookies };
}

/** Where a redirect leads. @throws {Error} if the response is none */
export function redirectOf(response: Response): URL {
  const location = response.headers.get("location");
  if (location === null) throw new Error(`${response.status} without a Location from ${response.url}`);
  return new URL(location, response.url);
}
