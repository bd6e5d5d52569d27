import { base64url, generateKeyPair } from "jose";
import { describe, expect, it } from "vitest";
import { createSigner, encoded, signed } from "./hostile-provider.ts";
import { openHostileSite, signer } from "./hostile-site.ts";

const attacker = await createSigner("public:attacker");

async function hmac(secret: BufferSource, header: object, claims: object): Promise<string> {
  const input = `${encoded(header)}.${encoded(claims)}`;
  const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, [
    "sign",
  ]);
  const signature = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(input));
  return `${input}.${base64url.encode(new Uint8Array(signature))}`;
}

async function publicKeyBytes(format: "der" | "pem"): Promise<BufferSource> {
  const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("jwk", signer.jwk as JsonWebKey, algorithm, true, ["verify"]);
  const der = new Uint8Array((await crypto.subtle.exportKey("spki", key)) as ArrayBuffer);
  if (format === "der") return der;
  const lines = btoa(String.fromCharCode(...der)).match(/.{1,64}/g) ?? [];
  return new TextEncoder().encode(
    ["-----BEGIN PUBLIC KEY-----", ...lines, "-----END PUBLIC KEY-----", ""].join("\n"),
  );
}

it("R2 an ID token signed with RS256 by a key of the provider is accepted", async () => {
  expect((await openHostileSite().logIn()).status).toBe(303);
});

describe("R2 only RS256", () => {
  it.each([
    ["none", "none"],
    ["None", "None"],
    ["nOnE", "nOnE"],
    ["missing", undefined],
    ["empty", ""],
    ["null", null],
    ["a list", ["RS256"]],
    ["in small letters", "rs256"],
  ])("an alg that is %s is refused, with a signature and without", async (_what, alg) => {
    for (const forge of [
      (header: object, claims: object) => signed(signer, header, claims),
      async (header: object, claims: object) => `${encoded(header)}.${encoded(claims)}.`,
    ]) {
      const { provider, expectRefused } = openHostileSite();
      provider.header = { alg };
      provider.forge = forge;
      await expectRefused("id_token_invalid");
    }
  });

  it.each([
    ["the client secret", async () => new TextEncoder().encode("test-client-secret")],
    ["the public key as PEM", () => publicKeyBytes("pem")],
    ["the public key as DER", () => publicKeyBytes("der")],
    ["the modulus as it stands in the key set", async () => new TextEncoder().encode(signer.jwk.n)],
    ["one byte", async () => new Uint8Array(1)],
  ])("HS256 keyed with %s is refused", async (_what, secret) => {
    const { provider, expectRefused } = openHostileSite();
    provider.header = { alg: "HS256" };
    provider.forge = async (header, claims) => hmac(await secret(), header, claims);
    await expectRefused("id_token_invalid");
  });

  it("HS256 is refused though the key set offers the symmetric key itself", async () => {
    const { provider, expectRefused } = openHostileSite();
    const secret = new TextEncoder().encode("known to everyone, at least 32 bytes long");
    provider.keys.push({ kty: "oct", kid: "oct", alg: "HS256", use: "sig", k: base64url.encode(secret) });
    provider.header = { alg: "HS256", kid: "oct" };
    provider.forge = (header, claims) => hmac(secret, header, claims);
    await expectRefused("id_token_invalid");
  });

  it("ES256 is refused though such a key is in the key set and the metadata promises it", async () => {
    const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
    const { provider, expectRefused } = openHostileSite();
    const jwk = (await crypto.subtle.exportKey("jwk", publicKey)) as JsonWebKey;
    provider.keys.push({ ...jwk, kid: "ec", alg: "ES256", use: "sig" });
    provider.document.id_token_signing_alg_values_supported = ["RS256", "ES256"];
    provider.header = { alg: "ES256", kid: "ec" };
    provider.forge = async (header, claims) => {
      const input = `${encoded(header)}.${encoded(claims)}`;
      const algorithm = { name: "ECDSA", hash: "SHA-256" };
      const signature = await crypto.subtle.sign(algorithm, privateKey, new TextEncoder().encode(input));
      return `${input}.${base64url.encode(new Uint8Array(signature))}`;
    };
    await expectRefused("id_token_invalid");
  });

  it.each(["RS384", "RS512", "PS256", "ES256", "EdDSA", "HS256", "RSA-OAEP"])(
    "%s in the header is refused over an RS256 signature of the right key",
    async (alg) => {
      const { provider, expectRefused } = openHostileSite();
      provider.header = { alg };
      await expectRefused("id_token_invalid");
    },
  );

  it.each(["RS384", "RS512"])("%s by the right key is refused", async (alg) => {
    const { provider, expectRefused } = openHostileSite();
    const jwk = await crypto.subtle.exportKey("jwk", signer.privateKey);
    const { alg: _alg, key_ops: _operations, ...rest } = jwk as JsonWebKey;
    const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: `SHA-${alg.slice(2)}` };
    const privateKey = await crypto.subtle.importKey("jwk", rest, algorithm, false, ["sign"]);
    provider.signer = { ...signer, privateKey };
    provider.header = { alg };
    await expectRefused("id_token_invalid");
  });
});

describe("R2 the signature", () => {
  it.each<[string, (token: string) => string]>([
    ["a wrong payload", (token) => swapPart(token, 1, encoded({ sub: "somebody-else" }))],
    ["no signature", (token) => swapPart(token, 2, "")],
    ["a signature of nothing but A", (token) => swapPart(token, 2, "A".repeat(342))],
    ["a signature cut short", (token) => token.slice(0, -4)],
    ["a signature with a byte more", (token) => `${token}AAAA`],
    ["a first character of the signature changed", (token) => changed(token, token.lastIndexOf(".") + 1)],
    ["a last character of the signature changed", (token) => changed(token, token.length - 1)],
    ["a character of the payload changed", (token) => changed(token, token.indexOf(".") + 10)],
    ["a character of the header changed", (token) => changed(token, 5)],
    ["another spelling of the same signature", respelled],
    ["padding", (token) => `${token}==`],
    ["white space in front", (token) => ` ${token}`],
    ["a line break at the end", (token) => `${token}\n`],
    ["white space inside", (token) => `${token.slice(0, 40)} ${token.slice(40)}`],
    ["a dot too many", (token) => `${token}.`],
    ["a fourth part", (token) => `${token}.${encoded({})}`],
    ["five parts, like an encrypted token", (token) => `${token}.AAAA.AAAA`],
    ["a dot in front", (token) => `.${token}`],
    ["two parts", (token) => token.slice(0, token.lastIndexOf("."))],
    ["one part", (token) => token.slice(0, token.indexOf("."))],
    ["dots alone", () => ".."],
    ["a header that is not JSON", (token) => swapPart(token, 0, encoded("{"))],
    ["a header that is a list", (token) => swapPart(token, 0, encoded("[]"))],
    ["a header that is null", (token) => swapPart(token, 0, encoded("null"))],
    ["a payload that is not JSON", (token) => swapPart(token, 1, encoded("{"))],
  ])("is refused with %s", async (_what, spoil) => {
    const { provider, expectRefused } = openHostileSite();
    provider.forge = async (header, claims) => spoil(await signed(signer, header, claims));
    await expectRefused("id_token_invalid");
  });

  it("is refused when it was made for another token of the same provider", async () => {
    const { provider, expectRefused } = openHostileSite();
    provider.forge = async (header, claims) => {
      const [token, other] = [
        await signed(signer, header, claims),
        await signed(signer, header, { ...claims, sub: "somebody-else" }),
      ];
      return swapPart(token, 2, other.split(".")[2] ?? "");
    };
    await expectRefused("id_token_invalid");
  });

  it("is refused when it is of another key under the provider's kid", async () => {
    const { provider, expectRefused } = openHostileSite();
    provider.signer = { ...attacker, kid: signer.kid };
    await expectRefused("id_token_invalid");
    expect(provider.count("jwks")).toBe(1);
  });

  it.each([
    ["jwk", attacker.jwk],
    ["jku", "https://attacker.example/jwks.json"],
    ["x5u", "https://attacker.example/certificate.pem"],
    ["x5c", ["MIIB"]],
  ])(
    "is refused when the token brings its own key in %s, and nothing is fetched for it",
    async (name, value) => {
      for (const kid of [signer.kid, attacker.kid]) {
        const { provider, site, expectRefused } = openHostileSite();
        provider.signer = { ...attacker, kid };
        provider.header = { [name]: value };
        await expectRefused("id_token_invalid");
        expect(site.counts.fetches.filter((path) => /jwks\.json|pem/.test(path)).length).toBeLessThanOrEqual(
          2,
        );
        expect(provider.requests.length).toBe(site.counts.fetches.length);
      }
    },
  );

  it.each([
    ["crit", { crit: ["urn:example:future"], "urn:example:future": true }],
    ["an empty crit", { crit: [] }],
    ["b64 false", { crit: ["b64"], b64: false }],
  ])("is refused with %s in the header, though it is right", async (_what, header) => {
    const { provider, expectRefused } = openHostileSite();
    provider.header = header;
    await expectRefused("id_token_invalid");
  });

  it("is refused when header members come twice and the last says none", async () => {
    const { provider, expectRefused } = openHostileSite();
    provider.forge = (_header, claims) =>
      signed(signer, `{"alg":"RS256","kid":"${signer.kid}","alg":"none"}`, claims);
    await expectRefused("id_token_invalid");
  });

  it("is believed for the payload's last word alone when a claim comes twice (RFC 7519 section 4)", async () => {
    const { provider, expectRefused } = openHostileSite();
    provider.forge = (header, claims) =>
      signed(signer, header, JSON.stringify(claims).replace(/\}$/, ',"sub":""}'));
    await expectRefused("id_token_invalid");
  });

  it("is refused when the token is as large as the whole answer may be", async () => {
    const { provider, expectRefused } = openHostileSite();
    provider.claims = { padding: "x".repeat(300 * 1024) };
    await expectRefused("token_unavailable");
  });

  it("holds for a large token within the limit", async () => {
    const { provider, logIn } = openHostileSite();
    provider.claims = { padding: "x".repeat(100 * 1024) };
    expect((await logIn()).status).toBe(303);
  });
});

function swapPart(token: string, index: number, part: string): string {
  return token.split(".").with(index, part).join(".");
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** The token with another base64url character at one place: the next but 32, so that no used bit stays. */
function changed(token: string, at: number): string {
  const next = ALPHABET[(ALPHABET.indexOf(token[at] ?? "") + 32) % 64] ?? "";
  return token.slice(0, at) + next + token.slice(at + 1);
}

/** The last character of 256 bytes in base64url carries four bits that mean nothing: the same bytes all the same. */
function respelled(token: string): string {
  const last = ALPHABET.indexOf(token.at(-1) ?? "");
  const other = token.slice(0, -1) + ALPHABET[last | 1];
  const bytes = (text: string) => base64url.decode(text.split(".")[2] ?? "").join();
  if (other === token || bytes(other) !== bytes(token)) throw new Error("not another spelling");
  return other;
}
