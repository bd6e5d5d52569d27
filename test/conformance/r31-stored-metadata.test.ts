import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { beginIsolate } from "../../src/isolate-state.ts";
import type { MetadataStore } from "../../src/settings/types.ts";
import { readSettings } from "../../src/settings.ts";
import { writeCopy } from "../../src/vipps/metadata-store.ts";
import type { ProviderAccess } from "../../src/vipps/provider.ts";
import { openBrowser } from "../worker/browser.ts";
import { metadataStore, namesInKv } from "../worker/metadata-copies.ts";
import { SITE, type TestSite } from "../worker/site.ts";
import { createSigner, ISSUER, logInAt } from "./hostile-provider.ts";
import { openHostileSite, signer } from "./hostile-site.ts";
import { expectRefusal } from "./refusal.ts";

const HOUR = 3600_000;
const DAY = 24 * HOUR;
const thief = await createSigner(signer.kid);

/** The names and values of all that stands in KV. */
async function allInKv(): Promise<readonly (readonly [string, string])[]> {
  const names = await namesInKv(env.VIPPS_METADATA);
  return Promise.all(names.map(async (name) => [name, (await env.VIPPS_METADATA.get(name)) ?? ""] as const));
}

/** The attacker's document: the right issuer, a token endpoint of theirs, and a key of theirs under the same kid. */
const theirs = () => ({
  discovery: {
    issuer: ISSUER,
    authorization_endpoint: `${ISSUER}oauth2/auth`,
    token_endpoint: "https://attacker.example/token",
    userinfo_endpoint: "https://attacker.example/userinfo",
    jwks_uri: "https://attacker.example/keys",
  },
  keys: [{ kty: "RSA", n: thief.jwk.n, e: thief.jwk.e, kid: thief.kid }],
  fetchedAt: Date.now(),
  keysFetchedAt: Date.now(),
});

/** Every way to put something into KV for somebody who does not have the secret. */
const FORGERIES: Readonly<Record<string, (ours: string) => string | Promise<string>>> = {
  "the attacker's document in the open": () => JSON.stringify(theirs()),
  "the attacker's document without a MAC": () => JSON.stringify({ data: JSON.stringify(theirs()) }),
  "the attacker's document with our MAC": (ours) =>
    JSON.stringify({ ...JSON.parse(ours), data: JSON.stringify(theirs()) }),
  "the attacker's document with an empty MAC": () =>
    JSON.stringify({ data: JSON.stringify(theirs()), mac: "" }),
  "our document with another endpoint": (ours) => ours.replaceAll("oauth2/token", "oauth2/tokem"),
  "our document with a later time": (ours) => ours.replace(/(fetchedAt\\":\d)/, "$19"),
  "our document with a shorter MAC": (ours) => {
    const { data, mac } = JSON.parse(ours);
    return JSON.stringify({ data, mac: mac.slice(0, -4) });
  },
  "our copy of another issuer": async () => {
    const { namespace, secret } = storeOf(openedSite);
    const aside = new Map<string, string>();
    const kept: MetadataStore = {
      namespace: {
        ...namespace,
        put: async (name: string, value: string) => aside.set(name, value),
      } as unknown as KVNamespace,
      site: SITE,
      secret,
    };
    await writeCopy(kept, "https https://other.example/", theirs(), 3600);
    return [...aside.values()].join();
  },
  "a copy under another secret": async () => {
    const aside: string[] = [];
    const namespace = {
      put: async (_name: string, value: string) => aside.push(value),
    } as unknown as KVNamespace;
    await writeCopy({ namespace, site: SITE, secret: "a guess" }, `https ${ISSUER}`, theirs(), 3600);
    return aside.join();
  },
  "no JSON": () => "{",
  nothing: () => "",
  null: () => "null",
};

let openedSite: TestSite;
const storeOf = (site: TestSite) => metadataStore(site);

/** A site with an honest copy in KV and nothing in memory. */
async function coldSite() {
  const hostile = openHostileSite();
  openedSite = hostile.site;
  await hostile.browser.startLogin();
  beginIsolate();
  hostile.provider.requests.length = 0;
  hostile.site.resetCounts();
  hostile.site.log.length = 0;
  return hostile;
}

describe("R31 a stored copy of the provider's metadata that somebody else wrote", () => {
  it("sends no secret anywhere and logs nobody in, whatever it says", async () => {
    let [forgeries, sentElsewhere, strangersIn, honestIn, lines] = [0, 0, 0, 0, 0];
    for (const [what, forge] of Object.entries(FORGERIES)) {
      for (const attackerAnswers of [true, false]) {
        const { provider, site, browser } = await coldSite();
        for (const [name, ours] of await allInKv()) await env.VIPPS_METADATA.put(name, await forge(ours));
        forgeries += 1;
        // A token signed with the attacker's key, as their token endpoint would give it.
        if (attackerAnswers) provider.signer = thief;
        const response = await logInAt(provider, browser);
        const there = vi
          .mocked(fetch)
          .mock.calls.map(([input]) => new Request(input as RequestInfo).url)
          .filter((url) => !url.startsWith(new URL(ISSUER).origin));
        sentElsewhere += there.length;
        if (attackerAnswers) {
          await expectRefusal(response, { site, browser, code: "id_token_invalid" });
          strangersIn += response.status === 303 ? 1 : 0;
        } else honestIn += response.status === 303 ? 1 : 0;
        const told = site.log.filter(({ event }) => event === "metadata_copy_refused");
        expect({ what, told: told.length }).toEqual({ what, told: 1 });
        lines += told.length;
        expect(provider.count("discovery")).toBe(1);
      }
    }
    console.log(
      `${forgeries} logins with KV in other hands: ${sentElsewhere} requests to anybody but the issuer, ` +
        `${strangersIn} strangers and ${honestIn} of ${forgeries / 2} honest people logged in, ${lines} log lines`,
    );
    expect({ sentElsewhere, strangersIn, honestIn }).toEqual({
      sentElsewhere: 0,
      strangersIn: 0,
      honestIn: forgeries / 2,
    });
  });

  it("is named once in ten minutes, however often it is written", async () => {
    const { browser, site } = await coldSite();
    for (let round = 0; round < 5; round += 1) {
      for (const [name] of await allInKv()) await env.VIPPS_METADATA.put(name, "{}");
      await browser.startLogin();
      vi.useFakeTimers({ toFake: ["Date"] });
      vi.setSystemTime(Date.now() + 90_000);
    }
    expect(site.log.filter(({ event }) => event === "metadata_copy_refused").length).toBe(1);
  });

  it("by an isolate that is under way is not gone back to when an old copy is put back", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { provider, browser, site } = openHostileSite();
    await browser.startLogin();
    const old = await allInKv();
    vi.setSystemTime(Date.now() + 2 * HOUR);
    provider.document = { ...provider.document, authorization_endpoint: `${ISSUER}oauth2/new` };
    await browser.startLogin();
    for (const [name, value] of old) await env.VIPPS_METADATA.put(name, value);
    vi.setSystemTime(Date.now() + 2 * HOUR);
    provider.answers.discovery = () => new Response("down", { status: 503 });
    for (let login = 0; login < 3; login += 1) {
      expect((await openBrowser(site).startLogin()).pathname).toMatch(/new$/);
    }
  });

  it("and put back after a day verifies nobody with a key that the provider has withdrawn since", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { provider, browser, site } = openHostileSite();
    await browser.startLogin();
    const old = await allInKv();
    const stolen = provider.signer;
    provider.signer = await createSigner("public:two");
    provider.keys = [provider.signer.jwk];
    vi.setSystemTime(Date.now() + DAY + HOUR);
    for (const [name, value] of old) await env.VIPPS_METADATA.put(name, value);
    beginIsolate();
    provider.signer = stolen;
    await expectRefusal(await logInAt(provider, browser), { site, browser, code: "id_token_invalid" });
  });

  it("is as old as it can be after a week: then it is none, TTL or not", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { provider, browser } = openHostileSite();
    await browser.startLogin();
    const old = await allInKv();
    vi.setSystemTime(Date.now() + 8 * DAY);
    for (const [name, value] of old) await env.VIPPS_METADATA.put(name, value);
    beginIsolate();
    provider.answers.discovery = () => new Response("down", { status: 503 });
    expect((await browser.get("/auth/login")).status).toBe(502);
  });
});

describe("R31 the secret that authenticates copies", () => {
  it("is told by nothing that stands in KV", async () => {
    const { browser, site } = openHostileSite();
    await browser.startLogin();
    const { secret } = metadataStore(site);
    expect(JSON.stringify(await allInKv())).not.toContain(secret);
  });

  it("may change: one fetch, no line, and whoever has the one before goes on with their copy", async () => {
    const { provider, browser, site } = await coldSite();
    const rotated = openHostileSite({ vars: { SESSION_KEYS: await otherSessionKeys() } });
    await rotated.browser.startLogin();
    expect([rotated.provider.count("discovery"), rotated.site.counts.kvWrites]).toEqual([1, 1]);
    expect(rotated.site.log).toEqual([]);
    beginIsolate();
    await openBrowser(rotated.site).startLogin();
    expect(rotated.provider.count("discovery")).toBe(1);

    beginIsolate();
    vi.mocked(fetch).mockImplementation((input, init) =>
      provider.fetch(new Request(input as RequestInfo, init as RequestInit)),
    );
    await browser.startLogin();
    expect(provider.count("discovery")).toBe(0);
    expect(site.log).toEqual([]);
    expect(await namesInKv(env.VIPPS_METADATA)).toHaveLength(2);
  });
});

/** Isolates, each with a memory of its own. */
async function newIsolates(site: TestSite, count: number) {
  const isolates: Awaited<ReturnType<typeof newIsolate>>[] = [];
  // One after the other: modules that are loaded at once are loaded once.
  while (isolates.length < count) isolates.push(await newIsolate(site));
  return isolates;
}

/** An isolate's own memory: the module, loaded anew. */
async function newIsolate(site: TestSite) {
  vi.resetModules();
  const { providerMetadata, refreshKeys } = await import("../../src/vipps/provider.ts");
  const read = readSettings(site.env, SITE);
  if ("faults" in read) throw new Error(read.faults.join());
  const { relyingParty, storage } = read.settings;
  async function request<Value>(work: (access: ProviderAccess) => Promise<Value>): Promise<Value> {
    const ctx = createExecutionContext();
    const value = await work({
      relyingParty,
      store: storage.metadata,
      answerBy: Date.now() + 7_000,
      stepTimes: {},
      background: (background) => ctx.waitUntil(background),
    });
    await waitOnExecutionContext(ctx);
    return value;
  }
  return {
    ask: () => request(providerMetadata),
    refetchKeys: () => request(async (access) => refreshKeys(access, await providerMetadata(access))),
  };
}

describe("the store and the provider, with several isolates", () => {
  it("are asked for one refresh an hour, whatever their number", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { provider, site } = openHostileSite();
    const isolates = await newIsolates(site, 8);
    const begun = Date.now();
    const totals = { discovery: 0, jwks: 0, kvReads: 0, kvWrites: 0 };
    const rows: string[] = [];
    for (let hour = 0; hour < 6; hour += 1) {
      provider.requests.length = 0;
      site.resetCounts();
      // Each isolate has a login a minute, one after the other.
      for (let minute = 0; minute < 60; minute += 1) {
        for (const [index, { ask }] of isolates.entries()) {
          vi.setSystemTime(begun + hour * HOUR + minute * 60_000 + index * 7_000);
          await ask();
        }
      }
      const { kvReads, kvWrites } = site.counts;
      const [discovery, jwks] = [provider.count("discovery"), provider.count("jwks")];
      rows.push(
        `hour ${hour}: discovery ${discovery}, keys ${jwks}, KV reads ${kvReads}, KV writes ${kvWrites}`,
      );
      expect(Math.max(discovery, jwks, kvWrites)).toBeLessThanOrEqual(1);
      totals.discovery += discovery;
      totals.jwks += jwks;
      totals.kvReads += kvReads;
      totals.kvWrites += kvWrites;
    }
    console.log(`8 isolates, a login a minute each\n${rows.join("\n")}`);
    expect(totals.kvWrites).toBeLessThanOrEqual(6);
    // Each isolate reads once when it begins and once for each refresh.
    expect(totals.kvReads).toBeLessThanOrEqual(8 * 6);
  });

  it("are read once in a cold isolate, however many logins begin at once", async () => {
    const { provider, site } = await coldSite();
    const [isolate] = await newIsolates(site, 1);
    await Promise.all(Array.from({ length: 50 }, () => isolate?.ask()));
    expect([site.counts.kvReads, site.counts.kvWrites, provider.count("discovery")]).toEqual([1, 0, 0]);
  });

  it("are not written to by questions for keys that find nothing", async () => {
    const { provider, site, browser } = await coldSite();
    provider.header = { kid: "nobody's" };
    for (let login = 0; login < 3; login += 1) await logInAt(provider, browser);
    expect(provider.count("jwks")).toBeGreaterThan(0);
    expect(site.counts.kvWrites).toBe(0);
  });

  it("share new keys by one write, though several isolates find out by themselves", async () => {
    const { provider, site } = await coldSite();
    const isolates = await newIsolates(site, 4);
    for (const { ask } of isolates) await ask();
    const second = await createSigner("public:two");
    provider.keys = [second.jwk];
    site.resetCounts();
    // Each of them gets a token of the new key.
    for (const { refetchKeys } of isolates)
      expect(await refetchKeys()).toMatchObject([{ kid: "public:two" }]);
    expect([provider.count("jwks"), site.counts.kvWrites]).toEqual([4, 1]);
    const [begun] = await newIsolates(site, 1);
    expect(await begun?.ask()).toMatchObject({ keys: [{ kid: "public:two" }] });
  });
});

async function otherSessionKeys(): Promise<string> {
  const { newSessionKeys } = await import("../worker/many-sites.ts");
  return newSessionKeys();
}
