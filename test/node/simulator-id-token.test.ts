import { createHash } from "node:crypto";
import {
  compactVerify,
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  exportSPKI,
  importJWK,
  type JSONWebKeySet,
  jwtVerify,
} from "jose";
import { describe, expect, it } from "vitest";
import { ID_TOKEN_FAULTS, type IdTokenFault } from "../../simulator/behaviour.ts";
import { createSigningKeys } from "../../simulator/keys.ts";
import type { Simulator } from "../../simulator/simulator.ts";
import {
  CLUB,
  codeFor,
  createClock,
  json,
  logIn,
  requestToken,
  requestUserinfo,
  simulatorWith,
} from "./simulator-relying-party.ts";

const UUID = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

async function keySet(simulator: Simulator): Promise<JSONWebKeySet> {
  return (await json(
    simulator.fetch(new Request(`${simulator.issuer}.well-known/jwks.json`)),
  )) as unknown as JSONWebKeySet;
}

/** Verifies as strictly as a relying party should and returns the claims. */
async function verify(simulator: Simulator, idToken: string, currentDate: Date) {
  return (
    await jwtVerify(idToken, createLocalJWKSet(await keySet(simulator)), {
      issuer: simulator.issuer,
      audience: CLUB.clientId,
      algorithms: ["RS256"],
      currentDate,
    })
  ).payload;
}

describe("the ID token", () => {
  it("carries exactly the documented claims, signed with a published key", async () => {
    const clock = createClock();
    const simulator = simulatorWith({ now: clock.now });
    const started = Math.floor(clock.now() / 1000);
    const slowly = async (request: Request) => {
      clock.advance(1000);
      return simulator.fetch(request);
    };
    const { tokens } = await logIn({ ...simulator, fetch: slowly });
    expect(decodeProtectedHeader(tokens.id_token)).toEqual({
      alg: "RS256",
      kid: expect.stringMatching(/^public:[\da-f-]{36}$/),
      typ: "JWT",
    });
    const claims = await verify(simulator, tokens.id_token, new Date(clock.now()));
    const now = Math.floor(clock.now() / 1000);
    expect(claims).toEqual({
      iss: "https://apitest.vipps.no/access-management-1.0/access/",
      aud: [CLUB.clientId],
      sub: expect.stringMatching(UUID),
      iat: now,
      exp: now + 3600,
      auth_time: expect.any(Number),
      rat: started + 1,
      at_hash: createHash("sha256")
        .update(tokens.access_token)
        .digest()
        .subarray(0, 16)
        .toString("base64url"),
      jti: expect.stringMatching(UUID),
      nonce: "nonce-of-24-characters-x",
      sid: expect.stringMatching(UUID),
      msn: "123456",
      name: "Kari Nordmann",
      given_name: "Kari",
      family_name: "Nordmann",
      phone_number: "4799999901",
      phone_number_verified: true,
      email: "kari.nordmann@example.com",
      email_verified: true,
    });
    expect(claims.auth_time).toBeGreaterThan(started + 1);
    expect(claims.auth_time).toBeLessThan(now);
  });

  it("has an empty nonce where none was sent, and no user data for openid alone", async () => {
    const { claims } = await logIn(simulatorWith(), { nonce: undefined, scope: "openid" });
    expect(claims.nonce).toBe("");
    expect(claims).not.toHaveProperty("name");
    expect(claims).not.toHaveProperty("email");
  });

  it("has a sub that is stable over restarts and differs between sales units and people", async () => {
    const other = { ...CLUB, clientId: "other", msn: "654321", clientSecret: CLUB.clientSecret };
    const subjects = async () => {
      const { control } = simulatorWith({ salesUnits: [CLUB, other] });
      return [
        await control.subject({ user: "kari" }),
        await control.subject({ user: "asa" }),
        await control.subject({ user: "kari", clientId: "other" }),
      ];
    };
    const first = await subjects();
    expect(new Set(first).size).toBe(3);
    expect(await subjects()).toEqual(first);
    const simulator = simulatorWith();
    expect((await logIn(simulator)).claims.sub).toBe(first[0]);
    expect((await logIn(simulator, {}, { user: "asa" })).claims.sub).toBe(first[1]);
  });

  it("states acr where it was asked for", async () => {
    const simulator = simulatorWith({ salesUnits: [{ ...CLUB, inAppConfirmation: true }] });
    const asked = await logIn(simulator, { acr_values: "urn:vipps:acr:app_auth" });
    expect(asked.claims.acr).toBe("urn:vipps:acr:app_auth");
    expect((await logIn(simulator)).claims).not.toHaveProperty("acr");
  });

  it("keeps auth_time and sid of the remembered login", async () => {
    const clock = createClock();
    const simulator = simulatorWith({ now: clock.now });
    const jar = new Map<string, string>();
    const first = await logIn(simulator, {}, { jar, remember: true });
    clock.advance(3_600_000);
    const second = await logIn(simulator, {}, { jar });
    expect(second.claims.auth_time).toBe(first.claims.auth_time);
    expect(second.claims.sid).toBe(first.claims.sid);
    expect(second.claims.jti).not.toBe(first.claims.jti);
  });

  it("brings the email address alone when told to, and userinfo the rest", async () => {
    const simulator = simulatorWith();
    simulator.control.setBehaviour({ idTokenClaims: "emailOnly" });
    const { claims, tokens } = await logIn(simulator);
    expect(claims).toMatchObject({ email: "kari.nordmann@example.com", email_verified: true });
    expect(claims).not.toHaveProperty("name");
    expect(await json(requestUserinfo(simulator, tokens.access_token))).toMatchObject({
      name: "Kari Nordmann",
    });
  });
});

describe("a fault in the ID token", () => {
  const tokenWith = async (simulator: Simulator, idTokenFault: IdTokenFault) => {
    simulator.control.setBehaviour({ idTokenFault });
    const acr = { acr_values: "urn:vipps:acr:app_auth" };
    return String((await json(requestToken(simulator, await codeFor(simulator, acr)))).id_token);
  };
  const paidTier = () => simulatorWith({ salesUnits: [{ ...CLUB, inAppConfirmation: true }] });

  /** What each fault must look like; the signature is right unless the fault is in it. */
  const CLAIM_FAULTS: Partial<Record<IdTokenFault, Record<string, unknown>>> = {
    none: {},
    wrongNonce: { nonce: expect.not.stringMatching("nonce-of-24-characters-x") },
    noNonce: { nonce: undefined },
    wrongIss: { iss: expect.not.stringContaining("vipps.no") },
    similarIss: { iss: "https://apitest.vipps.no/access-management-1.0/access" },
    noIss: { iss: undefined },
    wrongAud: { aud: ["another-client"] },
    noAud: { aud: undefined },
    emptyAud: { aud: [] },
    extraAud: { aud: [CLUB.clientId, "another-client"], azp: undefined },
    extraAudWrongAzp: { aud: [CLUB.clientId, "another-client"], azp: "another-client" },
    audString: { aud: CLUB.clientId },
    noExp: { exp: undefined },
    noIat: { iat: undefined },
    noSub: { sub: undefined },
    emptySub: { sub: "" },
    numericSub: { sub: 4711 },
    wrongAtHash: { at_hash: "AAAAAAAAAAAAAAAAAAAAAA" },
    wrongMsn: { msn: "999999" },
    otherAcr: { acr: "urn:vipps:acr:remembered" },
    noAcr: { acr: undefined },
  };

  it.each(Object.entries(CLAIM_FAULTS))("%s changes its claim and nothing else", async (fault, changes) => {
    const simulator = paidTier();
    const idToken = await tokenWith(simulator, fault as IdTokenFault);
    await compactVerify(idToken, createLocalJWKSet(await keySet(simulator)));
    const proper = {
      iss: simulator.issuer,
      aud: [CLUB.clientId],
      msn: "123456",
      acr: "urn:vipps:acr:app_auth",
    };
    const claims: Record<string, unknown> = decodeJwt(idToken);
    for (const [name, value] of Object.entries({ ...proper, ...changes }))
      expect(claims[name]).toEqual(value);
  });

  it("expired and futureIat lie about time", async () => {
    const clock = createClock();
    const now = clock.now() / 1000;
    const simulator = simulatorWith({ now: clock.now, salesUnits: [{ ...CLUB, inAppConfirmation: true }] });
    expect(decodeJwt(await tokenWith(simulator, "expired")).exp).toBe(now - 3600);
    expect(decodeJwt(await tokenWith(simulator, "futureIat")).iat).toBe(now + 86_400);
  });

  it.each([
    ["algNone", { alg: "none" }],
    ["noAlg", {}],
    ["hs256ClientSecret", { alg: "HS256" }],
    ["hs256PublicKey", { alg: "HS256" }],
    ["es256", { alg: "ES256" }],
    ["badSignature", { alg: "RS256" }],
    ["alteredPayload", { alg: "RS256" }],
    ["wrongKey", { alg: "RS256" }],
    ["unknownKid", { alg: "RS256" }],
  ] as const)("%s is refused by a verifier that allows RS256 alone", async (fault, header) => {
    const simulator = paidTier();
    const idToken = await tokenWith(simulator, fault);
    expect(decodeProtectedHeader(idToken).alg).toBe("alg" in header ? header.alg : undefined);
    await expect(verify(simulator, idToken, new Date())).rejects.toThrow();
  });

  it("the HS256 tokens are those a careless verifier takes", async () => {
    const simulator = paidTier();
    // HMAC pads a short key with zeros itself; jose only takes it when that is done beforehand.
    const secret = new TextEncoder().encode(CLUB.clientSecret.padEnd(32, "\0"));
    await jwtVerify(await tokenWith(simulator, "hs256ClientSecret"), secret);
    const [jwk] = (await keySet(simulator)).keys;
    const publicKey = await importJWK({ ...jwk, ext: true }, "RS256");
    if (publicKey instanceof Uint8Array) throw new Error("not an asymmetric key");
    const pem = new TextEncoder().encode(await exportSPKI(publicKey));
    await jwtVerify(await tokenWith(simulator, "hs256PublicKey"), pem);
  });

  it("the ES256 token is right by a key in the key set, so that only the algorithm betrays it", async () => {
    const simulator = paidTier();
    const idToken = await tokenWith(simulator, "es256");
    await compactVerify(idToken, createLocalJWKSet(await keySet(simulator)));
    simulator.control.setBehaviour({ idTokenFault: "none" });
    expect((await keySet(simulator)).keys.map(({ kty }) => kty)).toEqual(["RSA"]);
  });

  it("wrongKey keeps the kid of the published key, unknownKid has another, noKid has none", async () => {
    const simulator = paidTier();
    const [published] = (await keySet(simulator)).keys;
    expect(decodeProtectedHeader(await tokenWith(simulator, "wrongKey")).kid).toBe(published?.kid);
    expect(decodeProtectedHeader(await tokenWith(simulator, "unknownKid")).kid).not.toBe(published?.kid);
    const without = await tokenWith(simulator, "noKid");
    expect(decodeProtectedHeader(without)).not.toHaveProperty("kid");
    await compactVerify(without, createLocalJWKSet(await keySet(simulator)));
  });

  it("every fault makes a token of three parts", async () => {
    const simulator = paidTier();
    for (const fault of ID_TOKEN_FAULTS) {
      expect((await tokenWith(simulator, fault)).split("."), fault).toHaveLength(3);
    }
  });
});

describe("the key set", () => {
  it("lists a new key first after a rotation, the old one only if kept", async () => {
    const simulator = simulatorWith({ keys: createSigningKeys() });
    const kids = async () => (await keySet(simulator)).keys.map(({ kid }) => kid);
    const [first] = await kids();
    const { tokens: before } = await logIn(simulator);
    await simulator.control.rotateKeys();
    const [second, ...older] = await kids();
    expect(older).toEqual([first]);
    await verify(simulator, before.id_token, new Date());
    const { tokens: after } = await logIn(simulator);
    expect(decodeProtectedHeader(after.id_token).kid).toBe(second);
    await simulator.control.rotateKeys({ keepOld: false });
    expect(await kids()).toHaveLength(1);
    await expect(verify(simulator, after.id_token, new Date())).rejects.toThrow();
  });

  it("shows public halves only, and junk when told to", async () => {
    const simulator = simulatorWith({ keys: createSigningKeys() });
    for (const key of (await keySet(simulator)).keys) {
      expect(Object.keys(key).sort()).toEqual(["alg", "e", "kid", "kty", "n", "use"]);
    }
    simulator.control.setBehaviour({ junkKeys: true });
    const { tokens } = await logIn(simulator);
    expect((await keySet(simulator)).keys.length).toBeGreaterThan(5);
    await verify(simulator, tokens.id_token, new Date());
  });

  it("is made once, however many ask at the same time", async () => {
    const simulator = simulatorWith({ keys: createSigningKeys() });
    const sets = await Promise.all(Array.from({ length: 5 }, () => keySet(simulator)));
    expect(new Set(sets.map((set) => JSON.stringify(set))).size).toBe(1);
  });
});
