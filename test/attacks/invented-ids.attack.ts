import { logInAsPerson } from "../../simulator/person.ts";
import { type Attack, outcomeOf, type Target } from "./attack.ts";

type Ask = (path: string, init?: RequestInit & { headers?: Record<string, string> }) => Promise<Response>;

/** A member of staff, as far as HTTP can tell. */
async function staffOf({ site, authPath }: Target): Promise<Ask> {
  const cookies = new Map<string, string>();
  const ask: Ask = async (path, init = {}) => {
    const cookie = Array.from(cookies, ([name, value]) => `${name}=${value}`).join("; ");
    const headers = { accept: "text/html", "accept-language": "en", ...init.headers, cookie };
    const response = await fetch(new URL(path, site), { ...init, redirect: "manual", headers });
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    return response;
  };
  const begun = await ask(`${authPath}/login`);
  const location = begun.headers.get("location") ?? "";
  const callback = await logInAsPerson((request) => fetch(request), location, { user: "kari" });
  await ask(callback.pathname + callback.search);
  return ask;
}

/** What a browser says of a page that a link elsewhere leads to, and of one that the site itself leads to. */
const fetchedFrom = (site: "cross-site" | "same-origin") => ({
  "sec-fetch-site": site,
  "sec-fetch-dest": "document",
});

const attack: Attack = {
  does: "has staff open addresses of the console with words in place of an id, which the audit log would keep",
  settings: { SUPPORT_STAFF: "+4799999901" },
  run: async (target) => {
    const ask = await staffOf(target);
    const desk = `${target.authPath}/support`;
    const words = encodeURIComponent(`I have looked up my neighbour. ${"Kari ".repeat(600)}`);
    const paths = [
      `/accounts/${words}`,
      `/accounts/${words}/erase`,
      `/requests/${words}`,
      "/accounts/acc_nobody",
    ];
    const seen: (readonly [boolean, string])[] = [];
    for (const from of ["cross-site", "same-origin"] as const) {
      for (const path of paths) {
        const { status } = await ask(desk + path, { headers: fetchedFrom(from) });
        seen.push([status < 500, `${path.slice(0, 40)}… (${path.length} characters), ${from}: ${status}`]);
      }
    }
    for (const deed of ["sessions", "unlink", "correct", "link", "erase"]) {
      const { status } = await ask(`${desk}/accounts/${words}/${deed}`, {
        method: "POST",
        body: new URLSearchParams({ session: "all", msn: "1", sub: "x", reference: "x", confirm: "yes" }),
        headers: { origin: target.site.origin, "sec-fetch-site": "same-origin" },
      });
      seen.push([status < 500, `${deed} of an account that is not there: ${status}`]);
    }
    const log = await ask(`${desk}/log`, { headers: fetchedFrom("same-origin") });
    const page = await log.text();
    const lines = page.match(/<p class="meta">/g)?.length ?? 0;
    // The log notes that it is looked at.
    seen.push([log.status === 200 && lines === 1, `lines in the audit log: ${lines}, the look at itself`]);
    seen.push([!/neighbour|acc_nobody/.test(page), "none of them holds the attacker's words"]);
    return outcomeOf(seen);
  },
};

export default attack;
