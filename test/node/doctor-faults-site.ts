import { newKeySet } from "../../cli/session-key-set.ts";
import { type Alteration, withBody, withHeaders } from "./altered-server.ts";
import { type Fault, withValues } from "./doctor-fault.ts";

/** Changes the answer at one path of the site, below /auth unless it begins with a slash. */
const at =
  (place: string, change: (answer: Response) => Response | Promise<Response>): Alteration =>
  (answer, path) =>
    path === (place.startsWith("/") ? place : `/auth/${place}`) ? change(answer) : answer;

const setCookies = (answer: Response, change: (cookie: string) => string) =>
  withHeaders(answer, (headers) => {
    const cookies = headers.getSetCookie().map(change);
    headers.delete("set-cookie");
    for (const cookie of cookies) headers.append("set-cookie", cookie);
  });

/** Faults of the deployed site, or of what stands before it. */
export const FAULTS_OF_THE_SITE: readonly Fault[] = [
  {
    fault: "something else at the site's address",
    found: ["site-address"],
    says: /answers 404, and not as this worker would/,
    site: () => new Response("Not found", { status: 404 }),
  },
  {
    fault: "a site that has moved",
    found: ["site-address"],
    says: /sends visitors on to https:\/\/www\.example\.com/,
    site: () => Response.redirect("https://www.example.com/", 301),
  },
  {
    fault: "a deployed worker with wrong settings",
    found: ["site-address"],
    says: /The deployed worker's settings are wrong: SITE_URL is missing/,
    site: () => Response.json({ code: "settings_invalid", errors: ["SITE_URL is missing"] }, { status: 500 }),
  },
  {
    fault: "a database without tables",
    found: ["site-health"],
    says: /the database ACCOUNTS_DB \(missing_table\)\.\nA migration is not applied/,
    site: at("health", (answer) =>
      withBody(
        answer,
        ({ dependencies }) => ({
          ok: false,
          dependencies: { ...Object(dependencies), accounts_db: { ok: false, class: "missing_table" } },
        }),
        503,
      ),
    ),
  },
  {
    fault: "a login for another client",
    found: ["site-login"],
    says: /client_id somebody-else instead of/,
    site: at("login", (answer) =>
      withHeaders(answer, (headers) => {
        const location = new URL(headers.get("location") ?? "");
        location.searchParams.set("client_id", "somebody-else");
        headers.set("location", location.href);
      }),
    ),
  },
  {
    fault: "a login at another provider",
    found: ["site-login"],
    says: /Logins go to https:\/\/elsewhere\.example\//,
    site: at("login", (answer) =>
      withHeaders(answer, (headers) => {
        const { search } = new URL(headers.get("location") ?? "");
        headers.set("location", `https://elsewhere.example/${search}`);
      }),
    ),
  },
  {
    fault: "a login that fails",
    found: ["site-login"],
    says: /answered with 502: metadata_unavailable, reference AB12/,
    site: at("login", () =>
      Response.json({ code: "metadata_unavailable", reference: "AB12" }, { status: 502 }),
    ),
  },
  {
    fault: "a cookie that is not Secure",
    found: ["site-cookies"],
    says: /is not Secure/,
    site: at("login", (answer) => setCookies(answer, (cookie) => cookie.replace(/; Secure/i, ""))),
  },
  {
    fault: "a cookie with a Domain and another name",
    found: ["site-cookies"],
    says: /lost its prefix[\s\S]*has a Domain/,
    site: at("login", (answer) =>
      setCookies(answer, (cookie) => `${cookie.replace("__Host-", "")}; Domain=example.com`),
    ),
  },
  {
    fault: "no cookie",
    found: ["site-cookies"],
    says: /sets no cookie/,
    site: at("login", (answer) => withHeaders(answer, (headers) => headers.delete("set-cookie"))),
  },
  {
    fault: "other session keys than those deployed",
    found: ["site-keys"],
    says: /does not sign with the first key/,
    source: withValues({ SESSION_KEYS: JSON.stringify(newKeySet()) }),
  },
  {
    fault: "a private key published",
    found: ["site-keys"],
    says: /publishes a private key/,
    site: at(".well-known/jwks.json", (answer) =>
      withBody(answer, ({ keys }) => ({ keys: (keys as object[]).map((key) => ({ ...key, d: "x" })) })),
    ),
  },
  {
    fault: "a protected page that is public",
    found: ["site-guard"],
    says: /\/members\/ answers 200 to a stranger/,
    site: at("/members/", () => new Response("the members' page")),
  },
  {
    fault: "a protected page that is public in another spelling",
    found: ["site-guard"],
    says: /\/%6Dembers\/ answers 200 to a stranger/,
    site: at("/%6Dembers/", () => new Response("the members' page")),
  },
  {
    fault: "pages that others may frame",
    found: ["site-headers"],
    says: /content-security-policy/,
    site: (answer) => withHeaders(answer, (headers) => headers.delete("content-security-policy")),
  },
  {
    fault: "logins kept in a cache",
    found: ["site-cache"],
    says: /\/login arrives without Cache-Control: no-store/,
    site: at("login", (answer) =>
      withHeaders(answer, (headers) => headers.set("cache-control", "public, max-age=60")),
    ),
  },
];
