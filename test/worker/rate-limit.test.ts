import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { clientNetwork } from "../../src/http/around.ts";
import { openBrowser } from "./browser.ts";
import { hostedSite, openSites } from "./many-sites.ts";
import { LOGIN_OBJECTS, openSite, SITE, type TestSite } from "./site.ts";

/** Far below the limit in wrangler.toml, so that a test need not send hundreds of requests to reach it. */
const LIMIT = 5;

/** More than two minutes' worth: wherever a minute ends in between, the limit of one is passed. */
const TOO_MANY = 2 * LIMIT + 1;

/** The real limiters, with a limit of their own: the local one takes it beside the key. */
function openLimitedSite(): TestSite {
  const strict = (limiter: RateLimit | undefined): RateLimit => ({
    limit: ({ key }) => {
      const options = { key, limit: LIMIT };
      return limiter?.limit(options) ?? Promise.reject(new Error("wrangler.toml binds no limiter"));
    },
  });
  const { LOGIN_LIMITER, LOGIN_FINISH_LIMITER } = env;
  return openSite({
    vars: { LOGIN_LIMITER: strict(LOGIN_LIMITER), LOGIN_FINISH_LIMITER: strict(LOGIN_FINISH_LIMITER) },
  });
}

/** Asks for a path so often that the limit is reached, from addresses in turn. */
async function exhaust(site: TestSite, path: string, addresses: readonly string[]): Promise<number[]> {
  const statuses: number[] = [];
  const browser = openBrowser(site);
  for (let sent = 0; sent < TOO_MANY; sent += 1) {
    const address = addresses[sent % addresses.length] ?? "";
    const headers = address === "" ? {} : { "cf-connecting-ip": address };
    statuses.push((await browser.request(path, { method: "HEAD", headers })).status);
  }
  return statuses;
}

const refused = (statuses: readonly number[]) => statuses.filter((status) => status === 429).length;

describe("rate limits", () => {
  it("stop one address from starting logins without end, with a page that says when to go on", async () => {
    const site = openLimitedSite();
    const statuses = await exhaust(site, "/auth/login", ["203.0.113.7"]);
    expect(refused(statuses)).toBeGreaterThan(0);
    expect(TOO_MANY - refused(statuses)).toBeGreaterThanOrEqual(LIMIT);

    const from = { "cf-connecting-ip": "203.0.113.7" };
    site.resetCounts();
    const page = await openBrowser(site).get("/auth/login", from);
    expect(page.status).toBe(429);
    expect(page.headers.get("retry-after")).toBe("60");
    expect(page.headers.get("cache-control")).toBe("no-store");
    expect(page.headers.getSetCookie()).toEqual([]);
    expect(await page.text()).toContain("<h1>Too many attempts</h1>");
    expect(site.counts.durableObjectCalls).toEqual([]);
    const line = site.log.at(-1);
    expect(line).toMatchObject({ level: "warn", code: "rate_limited", stage: "start" });
    expect(JSON.stringify(line)).not.toContain("203.0.113.7");

    const script = await openBrowser(site).get("/auth/login", { ...from, accept: "application/json" });
    expect(script.headers.get("content-type")).toBe("application/problem+json");
    expect(script.headers.get("retry-after")).toBe("60");
    expect(await script.json()).toMatchObject({ status: 429, code: "rate_limited" });

    // A neighbour is not concerned, and neither is a login that this address has already begun.
    expect((await openBrowser(site).get("/auth/login", { "cf-connecting-ip": "203.0.113.8" })).status).toBe(
      302,
    );
    expect((await openBrowser(site).get("/auth/callback", from)).status).toBe(400);
  });

  it("count finishing apart from starting, answers to questions included", async () => {
    const site = openLimitedSite();
    expect(refused(await exhaust(site, "/auth/callback", ["198.51.100.1"]))).toBeGreaterThan(0);
    const browser = openBrowser(site, { "cf-connecting-ip": "198.51.100.1" });
    expect((await browser.get("/auth/callback?state=x&code=y")).status).toBe(429);
    expect(site.log.at(-1)).toMatchObject({ code: "rate_limited", stage: "callback" });
    expect((await browser.post("/auth/continue", { answer: "yes" })).status).toBe(429);
    expect((await browser.get("/auth/login")).status).toBe(302);
  });

  it("take a whole IPv6 /64 for one network", async () => {
    const site = openLimitedSite();
    const addresses = Array.from({ length: 3 }, (_, index) => `2001:db8:1:2::${index.toString(16)}`);
    expect(refused(await exhaust(site, "/auth/login", addresses))).toBeGreaterThan(0);
    const start = async (address: string) =>
      (await openBrowser(site).get("/auth/login", { "cf-connecting-ip": address })).status;
    expect(await start("2001:0DB8:0001:0002:ffff:ffff:ffff:ffff")).toBe(429);
    expect(await start("2001:db8:1:3::1")).toBe(302);
  });

  it("leave visitors alone whose address nobody knows, or who are on this machine", async () => {
    const site = openLimitedSite();
    const statuses = await exhaust(site, "/auth/login", ["", "127.0.0.1", "::1"]);
    expect(statuses).toEqual(statuses.map(() => 503));
  });

  it("are none without the binding, or while the limiter does not answer", async () => {
    const unbound = openSite({ vars: { LOGIN_LIMITER: undefined } as unknown as Partial<Cloudflare.Env> });
    const statuses = await exhaust(unbound, "/auth/login", ["203.0.113.9"]);
    expect(statuses).toEqual(statuses.map(() => 503));
    const broken = openSite({
      vars: { LOGIN_LIMITER: { limit: () => Promise.reject(new Error("no limiter")) } },
    });
    const response = await openBrowser(broken).get("/auth/login", { "cf-connecting-ip": "203.0.113.9" });
    expect(response.status).toBe(302);
    expect(broken.log).toContainEqual({ level: "warn", event: "rate_limiter_failed", site: SITE });
  });
});

describe("the limit of one of many sites", () => {
  const keys: string[] = [];
  const limit: RateLimit["limit"] = async ({ key }) => {
    keys.push(key);
    return { success: !key.startsWith("https://flom.example") };
  };

  it("counts what it finishes from whatever networks, and only what began there", async () => {
    const [flooded, other] = [await hostedSite("flom.example", 1), await hostedSite("annen.example", 2)];
    const site = await openSites([flooded, other], { vars: { LOGIN_SITE_LIMITER: { limit } } });
    expect((await openBrowser(site, {}, other.origin).logIn()).status).toBe(303);
    // Anybody can send a state that nobody made; it is refused before it counts.
    keys.length = 0;
    const stranger = openBrowser(site, {}, flooded.origin);
    expect((await stranger.get("/auth/callback?state=x&code=y")).status).toBe(400);
    expect(keys).toEqual([]);
    site.resetCounts();
    const refused = await openBrowser(site, {}, flooded.origin).logIn();
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "60"]);
    expect(site.log.at(-1)).toMatchObject({ code: "rate_limited", site: flooded.origin });
    expect(site.counts.durableObjectCalls).toEqual([]);
    expect(keys).toEqual(["https://flom.example all networks"]);
  });

  it("keeps places in the objects that finish logins for the others, however slow the answers to one are", async () => {
    const sites = [await hostedSite("flom.example", 1), await hostedSite("annen.example", 2)] as const;
    const [flooded, other] = sites;
    const gate = Promise.withResolvers<void>();
    const waiting: string[] = [];
    /** What the object made of each login: `consumed` where it left the rest to its caller. */
    const outcomes: string[] = [];
    const objects = new Proxy(LOGIN_OBJECTS, {
      get(target, name) {
        if (name !== "getByName") return Reflect.get(target, name);
        return (...named: Parameters<typeof target.getByName>) => {
          const stub = target.getByName(...named);
          const finish = async (call: Parameters<typeof stub.finish>[0]) => {
            const answer = await stub.finish(call);
            outcomes.push(answer.outcome);
            return answer;
          };
          return new Proxy(stub, {
            get: (inner, method) => (method === "finish" ? finish : Reflect.get(inner, method)),
          });
        };
      },
    });
    const site: TestSite = await openSites(sites, {
      vars: { LOGIN_SHARDS: "1", LOGIN_ATTEMPTS: objects },
      provider: async (request) => {
        const { pathname } = new URL(request.url);
        const isFlooded = request.headers.get("authorization") === `Basic ${btoa("client-1:secret-of-1")}`;
        if (pathname.endsWith("/token") && isFlooded) {
          waiting.push(pathname);
          await gate.promise;
        }
        return site.simulator.fetch(request);
      },
    });
    const outcomeOf = async () => {
      const browser = openBrowser(site, {}, other.origin);
      const callback = await browser.atProvider(await browser.startLogin());
      expect((await browser.get(String(callback))).status).toBe(303);
      return outcomes.at(-1);
    };
    expect(await outcomeOf()).toBe("finished");
    const floods = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const browser = openBrowser(site, {}, flooded.origin);
        return { browser, callback: await browser.atProvider(await browser.startLogin()) };
      }),
    );
    const finished = floods.map(({ browser, callback }) => browser.get(String(callback)));
    await vi.waitFor(() => expect(waiting).toHaveLength(6), { timeout: 5_000, interval: 10 });
    // Two of them are under way in the object, the others where they came from.
    expect(outcomes.slice(1)).toEqual(Array(4).fill("consumed"));
    expect(await outcomeOf()).toBe("finished");
    gate.resolve();
    expect((await Promise.all(finished)).map(({ status }) => status)).toEqual(Array(6).fill(303));
  });

  it("is none for a site that is the only one", async () => {
    keys.length = 0;
    const site = openSite({ vars: { LOGIN_SITE_LIMITER: { limit } } });
    expect((await openBrowser(site).logIn()).status).toBe(303);
    expect(keys).toEqual([]);
  });
});

describe("the network of a client", () => {
  const network = (address: string) => clientNetwork(new Headers({ "cf-connecting-ip": address }));

  it("is the IPv4 address, or the /64 of an IPv6 address", () => {
    expect(network("192.0.2.1")).toBe("192.0.2.1");
    expect(network("2001:db8::1")).toBe("2001:db8:0:0::/64");
    expect(network("2001:db8:0:0:1::")).toBe("2001:db8:0:0::/64");
    expect(network("2001:db8:a:b:c:d:e:f")).toBe("2001:db8:a:b::/64");
    expect(network("fe80::")).toBe("fe80:0:0:0::/64");
    expect(network("::ffff:192.0.2.1")).toBe("::ffff:c000:201");
    expect(network("not:an:address")).toBe("unreadable");
  });

  it("is none for this machine, or without an address", () => {
    for (const address of ["127.0.0.1", "127.8.8.8", "::1"]) expect(network(address)).toBeUndefined();
    expect(clientNetwork(new Headers())).toBeUndefined();
  });
});
