import { describe, expect, it, vi } from "vitest";
import { beginIsolate } from "../../src/isolate-state.ts";
import { readCopy } from "../../src/vipps/metadata-store.ts";
import { openBrowser } from "../worker/browser.ts";
import { metadataStore } from "../worker/metadata-copies.ts";
import { inFakeTime, stopTime } from "./fake-time.ts";
import { createSigner, ISSUER, logInAt } from "./hostile-provider.ts";
import { type HostileSite, openHostileSite, signer } from "./hostile-site.ts";

const [second, third] = await Promise.all([createSigner("public:two"), createSigner("public:three")]);
const down = () => new Response("down", { status: 503 });

/** A site whose metadata is warm: the next fetch of the key set is one that a token asked for. */
async function openWarmSite(): Promise<HostileSite> {
  const hostile = openHostileSite();
  await hostile.browser.startLogin();
  hostile.provider.requests.length = 0;
  return hostile;
}

describe("R3 a token without kid", () => {
  it("is accepted when the set holds one key", async () => {
    const { provider, logIn } = openHostileSite();
    provider.header = { kid: undefined };
    expect((await logIn()).status).toBe(303);
  });

  it("is accepted when only one of many keys can be meant, and when that one has no kid either", async () => {
    for (const kid of [signer.kid, undefined]) {
      const { provider, logIn } = openHostileSite();
      provider.header = { kid: undefined };
      provider.keys = [
        { ...second.jwk, use: "enc" },
        { ...second.jwk, alg: "PS256" },
        { kty: "oct", k: "c2VjcmV0" },
        { ...signer.jwk, kid },
      ];
      expect((await logIn()).status).toBe(303);
    }
  });

  it("is refused when several keys could be meant", async () => {
    const { provider, expectRefused } = openHostileSite();
    provider.keys = [second.jwk, signer.jwk];
    provider.header = { kid: undefined };
    await expectRefused("id_token_invalid");
  });

  it("is refused when the one key did not sign it", async () => {
    const { provider, expectRefused } = openHostileSite();
    provider.signer = second;
    provider.header = { kid: undefined };
    await expectRefused("id_token_invalid");
  });

  it("is accepted after a rotation, by asking for the keys once more", async () => {
    const { provider, logIn } = await openWarmSite();
    provider.signer = second;
    provider.keys = [second.jwk];
    provider.header = { kid: undefined };
    expect((await logIn()).status).toBe(303);
    expect(provider.count("jwks")).toBe(1);
  });
});

describe("R3 a kid", () => {
  it.each([
    ["a number", 7],
    ["null", null],
    ["a list", [signer.kid]],
    ["very long", "k".repeat(1_000)],
  ])("that is %s is refused without a fetch", async (_what, kid) => {
    const { provider, expectRefused } = await openWarmSite();
    provider.header = { kid };
    await expectRefused("id_token_invalid");
    expect(provider.count("jwks")).toBe(0);
  });

  it.each([
    ["empty", ""],
    ["of a prototype", "__proto__"],
    ["in other case", signer.kid.toUpperCase()],
  ])("that is %s is nobody's", async (_what, kid) => {
    const { provider, expectRefused } = openHostileSite();
    provider.header = { kid };
    await expectRefused("id_token_invalid");
  });

  it("that several keys of the set share is tried with each", async () => {
    const { provider, logIn } = openHostileSite();
    provider.keys = [{ ...second.jwk, kid: signer.kid }, signer.jwk];
    expect((await logIn()).status).toBe(303);
  });
});

describe("R3 an unknown kid", () => {
  it("fetches the key set once more, and that alone, and is accepted", async () => {
    const { provider, logIn } = await openWarmSite();
    provider.signer = second;
    provider.keys = [signer.jwk, second.jwk];
    expect((await logIn()).status).toBe(303);
    expect(provider.requests.map(({ endpoint }) => endpoint)).toEqual(["token", "jwks"]);
  });

  it("is accepted while discovery is down", async () => {
    const { provider, logIn } = await openWarmSite();
    provider.answers.discovery = down;
    provider.signer = second;
    provider.keys = [second.jwk];
    expect((await logIn()).status).toBe(303);
  });

  it("is accepted rotation after rotation, however quickly they follow", async () => {
    const { provider, site } = await openWarmSite();
    for (const next of [second, third, signer, second, third, signer]) {
      provider.signer = next;
      provider.keys = [next.jwk];
      expect((await logInAt(provider, openBrowser(site))).status).toBe(303);
    }
    expect(provider.count("jwks")).toBe(6);
  });

  it("is accepted right after another that nobody knew, and when it is published late itself", async () => {
    const { provider, site, expectRefused } = await openWarmSite();
    provider.signer = second;
    await expectRefused("id_token_invalid");
    provider.keys = [second.jwk];
    expect((await logInAt(provider, openBrowser(site))).status).toBe(303);
    provider.signer = third;
    provider.keys = [third.jwk];
    expect((await logInAt(provider, openBrowser(site))).status).toBe(303);
  });

  it("costs a retired key its place: the old one is refused after a rotation", async () => {
    const { provider, site, logIn } = await openWarmSite();
    provider.signer = second;
    provider.keys = [second.jwk];
    expect((await logIn()).status).toBe(303);
    provider.signer = signer;
    const late = openBrowser(site);
    expect((await logInAt(provider, late)).status).toBe(502);
    expect((await late.session()).authenticated).toBe(false);
  });

  it("cannot be used to drive traffic: twenty invented ones cost three fetches, then one in ten seconds", async () => {
    const { provider, site } = await openWarmSite();
    vi.useFakeTimers({ toFake: ["Date"] });
    const browser = openBrowser(site);
    const inventKid = async () => {
      provider.header = { kid: crypto.randomUUID() };
      expect((await logInAt(provider, browser)).status).toBe(502);
    };
    for (let time = 0; time < 20; time += 1) await inventKid();
    expect(provider.count("jwks")).toBe(3);
    vi.setSystemTime(Date.now() + 10_000);
    await inventKid();
    await inventKid();
    expect(provider.count("jwks")).toBe(4);
    provider.header = {};
    expect((await logInAt(provider, browser)).status).toBe(303);
  });

  it("of one honest login is found while invented ones use up the allowance", async () => {
    const { provider, site } = await openWarmSite();
    vi.useFakeTimers({ toFake: ["Date"] });
    const attack = async () => {
      provider.header = { kid: crypto.randomUUID() };
      await logInAt(provider, openBrowser(site));
    };
    for (let time = 0; time < 4; time += 1) await attack();
    provider.keys = [second.jwk];
    vi.setSystemTime(Date.now() + 10_000);
    await attack();
    provider.header = {};
    provider.signer = second;
    expect((await logInAt(provider, openBrowser(site))).status).toBe(303);
  });

  it("is looked for once by all who wait for it", async () => {
    const { provider, site } = await openWarmSite();
    provider.signer = second;
    provider.keys = [second.jwk];
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    provider.answers.jwks = async () => {
      await held;
      return Response.json({ keys: provider.keys });
    };
    const logins = Array.from({ length: 8 }, () => logInAt(provider, openBrowser(site)));
    await vi.waitUntil(() => provider.count("token") === 8);
    release();
    const answers = await Promise.all(logins);
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(303));
    expect(provider.count("jwks")).toBe(1);
  });
});

describe("R3 the key set", () => {
  const junk = [
    null,
    7,
    "key",
    [],
    {},
    { kty: "RSA" },
    { kty: "RSA", kid: signer.kid, n: "AQAB", e: "AQAB" },
    { kty: "RSA", kid: signer.kid, n: 4711, e: "AQAB" },
    { kty: "EC", kid: signer.kid, crv: "P-256", x: "no", y: "no" },
    { kty: "oct", kid: signer.kid, k: "c2VjcmV0" },
    { kty: "of-the-future", kid: signer.kid },
    { ...second.jwk, kid: signer.kid, use: "enc" },
    { ...second.jwk, kid: signer.kid, key_ops: ["encrypt"] },
    { ...second.jwk, kid: signer.kid, alg: "RS512" },
    { kty: "RSA", kid: signer.kid, n: "A".repeat(342), e: "AQAB" },
  ];

  it("may hold junk around the key that counts, before it and behind it", async () => {
    const { provider, logIn } = openHostileSite();
    provider.keys = [...junk, signer.jwk, ...junk];
    expect((await logIn()).status).toBe(303);
  });

  it.each<[string, () => Response]>([
    ["of junk alone", () => Response.json({ keys: junk })],
    ["that is empty", () => Response.json({ keys: [] })],
    ["without keys", () => Response.json({})],
    ["that is a list", () => Response.json([signer.jwk])],
    ["that is null", () => Response.json(null)],
    ["whose keys are an object", () => Response.json({ keys: { 0: signer.jwk } })],
    ["of fifty-one keys", () => Response.json({ keys: Array(51).fill(signer.jwk) })],
    ["padded to 300 kB", () => Response.json({ keys: [signer.jwk], padding: "x".repeat(300 * 1024) })],
    ["cut short", () => new Response('{"keys":[{"kty":"RSA"')],
    ["that is a page", () => new Response("<h1>down</h1>", { headers: { "content-type": "text/html" } })],
    ["behind a redirect", () => Response.redirect("https://attacker.example/jwks.json", 302)],
    ["that is down", down],
    ["that is gone", () => Response.json({ keys: [signer.jwk] }, { status: 404 })],
  ])("%s is refused by a worker that has no other", async (_what, answer) => {
    const { provider, site, expectRefused } = openHostileSite();
    provider.answers.jwks = answer;
    await expectRefused("keys_unavailable");
    expect(site.counts.fetches.every((path) => !path.startsWith("/jwks.json"))).toBe(true);
    // Nobody has to wait once it is mended.
    delete provider.answers.jwks;
    expect((await logInAt(provider, openBrowser(site))).status).toBe(303);
  });

  it("with a modulus of 1024 bits is refused, though the signature is right", async () => {
    const weak = await crypto.subtle.generateKey(
      {
        name: "RSASSA-PKCS1-v1_5",
        modulusLength: 1024,
        publicExponent: new Uint8Array([1, 0, 1]),
        hash: "SHA-256",
      },
      true,
      ["sign", "verify"],
    );
    const { privateKey, publicKey } = weak as CryptoKeyPair;
    const { provider, expectRefused } = openHostileSite();
    provider.keys.push({ ...((await crypto.subtle.exportKey("jwk", publicKey)) as object), kid: "weak" });
    provider.signer = { kid: "weak", privateKey, jwk: {} as never };
    await expectRefused("id_token_invalid");
  });

  it.each<[string, () => Response]>([
    ["is down", down],
    ["is broken", () => Response.json({ keys: "none" })],
    ["is empty", () => Response.json({ keys: [] })],
    ["is huge", () => Response.json({ keys: Array(2_000).fill(signer.jwk) })],
  ])(
    "that %s leaves the cached one in its place: known keys serve, unknown ones are refused",
    async (_what, answer) => {
      const { provider, site, expectRefused } = await openWarmSite();
      provider.answers.jwks = answer;
      provider.signer = second;
      await expectRefused("id_token_invalid");
      provider.signer = signer;
      expect((await logInAt(provider, openBrowser(site))).status).toBe(303);
      // Nor in KV, from which the next isolate begins.
      beginIsolate();
      expect((await logInAt(provider, openBrowser(site))).status).toBe(303);
    },
  );

  it("survives a refresh of the metadata during which it is down", async () => {
    const { provider, site } = await openWarmSite();
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 2 * 3600_000);
    provider.answers.jwks = down;
    expect((await logInAt(provider, openBrowser(site))).status).toBe(303);
    expect((await logInAt(provider, openBrowser(site))).status).toBe(303);
    expect(provider.count("discovery")).toBe(1);
  });

  it("that never comes ends a login in time, with a page", async () => {
    stopTime();
    const { provider, site, browser } = openHostileSite();
    provider.answers.jwks = () => new Promise<Response>(() => undefined);
    const callback = provider.authorize((await inFakeTime(browser.startLogin())).value);
    const { value: response, elapsed } = await inFakeTime(browser.get(callback.href));
    expect(response.status).toBe(502);
    expect(elapsed).toBeLessThan(10_000);
    expect(site.log.at(-1)).toMatchObject({ code: "keys_unavailable", stage: "id_token" });
  });

  it.each<[string, () => Response, RegExp]>([
    ["down", down, /^answered with 503$/],
    ["not found", () => new Response(null, { status: 404 }), /^answered with 404$/],
    ["a page", () => new Response("<h1>hello</h1>"), /^not a set with a key that verifies RS256$/],
    ["elsewhere", () => Response.redirect("https://attacker.example/", 302), /^answered with a redirect$/],
  ])("that is %s is told in the log with the reason", async (_what, answer, reason) => {
    const { provider, site, browser } = openHostileSite();
    provider.answers.jwks = answer;
    await browser.startLogin();
    const lines = site.log.filter(({ event }) => event === "keys_refresh_failed");
    expect(lines.map((line) => line.reason)).toEqual([expect.stringMatching(reason)]);
  });

  it("is told to lack the key, to be empty, or to leave a choice, as it is", async () => {
    const reasonOf = async (prepare: (hostile: HostileSite) => void) => {
      const hostile = await openWarmSite();
      prepare(hostile);
      await logInAt(hostile.provider, hostile.browser);
      return hostile.site.log.at(-1)?.reason;
    };
    expect(
      await reasonOf(({ provider }) => {
        provider.header = { kid: "nobody's" };
      }),
    ).toBe("no key has the kid of the token");
    expect(
      await reasonOf(({ provider }) => {
        provider.header = { kid: undefined };
        provider.keys = [signer.jwk, second.jwk];
        provider.signer = third;
      }),
    ).toBe("no kid, and more than one key");
  });

  it("stored in KV is the usable part alone", async () => {
    const { provider, site, browser } = openHostileSite();
    provider.keys = [...junk, signer.jwk];
    await browser.startLogin();
    const { kty, n, e, kid } = signer.jwk;
    const stored = await readCopy(metadataStore(site), `https ${ISSUER}`, 30);
    expect(stored).toMatchObject({ copy: { keys: expect.arrayContaining([{ kty, n, e, kid }]) } });
    expect(JSON.stringify(stored)).not.toContain("oct");
  });
});
