import { execFileSync, spawnSync } from "node:child_process";
import { createHash, generateKeyPairSync, type KeyObject } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import type { Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { calculateJwkThumbprint, decodeJwt, type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findProgram, type ProgramName } from "../../cli/test-programs.mjs";
import { type CountingProxy, startCountingProxy } from "./counting-proxy.ts";
import { freePorts } from "./free-ports.ts";
import { startHttpsServer } from "./https-server.ts";
import { describeWith } from "./needed-programs.ts";
import { type Program, startServer } from "./program.ts";
import { rawRequest } from "./raw-request.ts";
import { type RunningSite, runSite } from "./running-site.ts";
import type { Visitor } from "./visitor.ts";

const COOKIE = "__Host-vipps-session";

let proxy: CountingProxy;
let worker: RunningSite;
let visitor: Visitor;
/** What the worker itself signed. */
let session: string;
let otherSession: string;
let assertion: string;
let key: { readonly kid: string; readonly private: KeyObject; readonly public: KeyObject };

beforeAll(async () => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = privateKey.export({ format: "jwk" });
  key = { kid: await calculateJwkThumbprint(jwk), private: privateKey, public: publicKey };
  proxy = await startCountingProxy();
  const SESSION_KEYS = JSON.stringify({ keys: [{ ...jwk, kid: key.kid, alg: "ES256", use: "sig" }] });
  worker = await runSite({ siteUrl: proxy.url.origin, vars: { SESSION_KEYS } });
  proxy.target = worker.worker;
  visitor = await worker.logIn();
  session = sessionOf(visitor);
  otherSession = sessionOf(await worker.logIn());
  const verified = await visitor.request("/auth/verify");
  assertion = verified.headers.get("session-assertion") ?? "";
}, 180_000);
afterAll(async () => {
  await worker?.close();
  proxy?.close();
});

const sessionOf = (of: Visitor) => new RegExp(`${COOKIE}=([^;]+)`).exec(of.cookies())?.[1] ?? "";
const now = () => Math.floor(Date.now() / 1000);

interface Change {
  readonly claims?: JWTPayload | undefined;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly key?: KeyObject | Uint8Array;
}

/** The worker's token with something changed, signed anew with the worker's own key unless another is given. */
function resigned({ claims = {}, header = {}, key: signingKey = key.private }: Change): Promise<string> {
  const payload = { ...decodeJwt(session), ...claims };
  const kept = Object.fromEntries(Object.entries(payload).filter(([, value]) => value !== undefined));
  return new SignJWT(kept)
    .setProtectedHeader({ alg: "ES256", kid: key.kid, typ: "session+jwt", ...header })
    .sign(signingKey);
}

/** Tokens that are no session's, each by what is wrong with it. */
async function wrongTokens(): Promise<Readonly<Record<string, string>>> {
  const { privateKey: stranger } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = key.public.export({ type: "spki", format: "pem" });
  const without = (claim: string) => resigned({ claims: { [claim]: undefined } });
  const [head = "", body = "", signature = ""] = session.split(".");
  return {
    "an assertion of the worker": assertion,
    "an assertion made out as for sessions": await resigned({ header: { typ: "session-assertion+jwt" } }),
    "without a type": await resigned({ header: { typ: undefined } }),
    "of another type": await resigned({ header: { typ: "JWT" } }),
    unsigned: new UnsecuredJWT(decodeJwt(session)).encode(),
    "signed with the public key as a secret": await resigned({
      header: { alg: "HS256" },
      key: new TextEncoder().encode(String(pem)),
    }),
    "signed by a stranger under the worker's kid": await resigned({ key: stranger }),
    "signed by a stranger under a kid of their own": await resigned({
      key: stranger,
      header: { kid: "theirs" },
    }),
    "without a kid": await resigned({ key: stranger, header: { kid: undefined } }),
    "for another site": await resigned({ claims: { aud: "https://www.example.com" } }),
    "for a site whose name begins alike": await resigned({ claims: { aud: `${proxy.url.origin}.example` } }),
    "from another issuer": await resigned({ claims: { iss: "https://www.example.com/auth" } }),
    "without an issuer": await without("iss"),
    "without an audience": await without("aud"),
    "without an end": await without("exp"),
    "without a subject": await without("sub"),
    "without a session": await without("sid"),
    "of 70 seconds ago": await resigned({ claims: { iat: now() - 370, exp: now() - 70 } }),
    "of two minutes ahead": await resigned({
      claims: { iat: now() + 120, nbf: now() + 120, exp: now() + 420 },
    }),
    "with another payload": [
      head,
      body.slice(0, -8) + body.slice(-8).split("").reverse().join(""),
      signature,
    ].join("."),
    "with a changed byte": session.replace(
      /^(.{90})(.)/,
      (_all, before, one) => before + (one === "A" ? "B" : "A"),
    ),
    "with an empty signature": `${head}.${body}.`,
    "with a signature of zeros": `${head}.${body}.${"A".repeat(86)}`,
    "cut off": session.slice(0, -5),
    "of two parts": `${head}.${body}`,
    "with a header that is a list": `${btoa("[]")}.${body}.${signature}`,
    "with a header that is none": `bnVsbA.${body}.${signature}`,
    "of nothing but dots": "..",
    empty: "",
    garbage: "!%00{}\"'<>",
    "very long": `${head}.${"A".repeat(6000)}.${signature}`,
  };
}

/** Cookies that browsers send beside ours: of old software, of scripts, of somebody on a neighbouring host. */
const BESIDE = [
  'prefs={"theme":"dark","list":[1,2]}',
  "a[b][0]=1",
  "nameless",
  "=value",
  "navn=Bjørn",
  'quoted="a=b',
  'half"=1',
  "with blank=a b, c",
  "$Version=1",
  "percent=%E0%A4%A",
  "equals=a==b=",
  "comma=1,2,3",
  `${COOKIE}-old=${"x".repeat(40)}`,
  `${COOKIE.toLowerCase()}=planted`,
  `${COOKIE}.x=planted`,
  `..Host-vipps-session=planted`,
  `x${COOKIE}=planted`,
  `${COOKIE.replaceAll("-", "_")}=planted`,
];

interface Origin {
  readonly name: string;
  readonly programs: readonly ProgramName[];
  /** The command, its arguments and what it needs of the environment. */
  readonly command: (
    folder: string,
    port: number,
  ) => readonly [string, readonly string[], Record<string, string>?];
}

const ORIGINS: readonly Origin[] = [
  { name: "Node", programs: [], command: () => [process.execPath, ["examples/node-origin/origin.mjs"]] },
  {
    name: "PHP",
    programs: ["php"],
    command: (folder, port) => [
      findProgram("php") ?? "",
      ["-S", `127.0.0.1:${port}`, "examples/php-origin/origin.php"],
      // Several at a time, as behind a web server.
      { KEYS_DIR: join(folder, "keys"), PHP_CLI_SERVER_WORKERS: "4" },
    ],
  },
  {
    name: "Python",
    programs: ["python"],
    command: () => [findProgram("python") ?? "", ["-B", "examples/python-origin/origin.py"]],
  },
  {
    name: "Go",
    programs: ["go"],
    command: (folder) => {
      const program = join(folder, "origin");
      const env = { ...process.env, GOFLAGS: "-mod=mod", GOPROXY: "off", CGO_ENABLED: "0" };
      execFileSync(findProgram("go") ?? "", ["build", "-o", program, "."], {
        cwd: "examples/go-origin",
        env,
      });
      return [program, []];
    },
  },
];

for (const { name, programs, command } of ORIGINS) {
  describeWith(programs, `the ${name} origin`, () => {
    let folder: string;
    let origin: Program;
    let url: URL;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "origin-"));
      const [port] = await freePorts();
      url = new URL(`http://127.0.0.1:${port}`);
      const [program, args, env = {}] = command(folder, port);
      const JWKS_URL = `${proxy.url.origin}/auth/.well-known/jwks.json`;
      origin = await startServer(program, args, url.href, { JWKS_URL, PORT: String(port), ...env });
    }, 180_000);
    afterAll(async () => {
      await origin?.end();
      rmSync(folder, { recursive: true, force: true });
    });

    const ask = async (...cookies: readonly string[]) => {
      const { status, text } = await rawRequest(
        url,
        "/",
        cookies.length === 0 ? [] : [`Cookie: ${cookies.join("; ")}`],
      );
      return [status, JSON.parse(/\{.*\}/s.exec(text)?.[0] ?? "null")];
    };
    const asToken = (token: string) => ask(`${COOKIE}=${token}`);
    const refused = [401, { error: "log in first" }];
    const known = () => [200, { account: decodeJwt(session).sub, name: "Kari Nordmann" }];

    test("believes the worker's token by its public keys alone", async () => {
      expect(await asToken(session)).toEqual(known());
      expect(await ask()).toEqual(refused);
    });

    test("bears a clock that is up to a minute off, on either side", async () => {
      for (const behind of [58, 2, 0, -2, -58]) {
        const iat = now() + behind;
        const fresh = await resigned({ claims: { iat, nbf: iat, exp: iat + 300 } });
        expect(await asToken(fresh), `a fresh token, clock ${behind} s behind`).toEqual(known());
      }
      const last = await resigned({ claims: { iat: now() - 355, exp: now() - 55 } });
      expect(await asToken(last), "a token at its end, clock 55 s ahead").toEqual(known());
    });

    test("refuses every other token", async () => {
      const tokens = Object.entries(await wrongTokens());
      expect(tokens.length).toBeGreaterThan(25);
      for (const [what, token] of tokens) expect(await asToken(token), what).toEqual(refused);
    });

    test("finds its cookie among any that a browser sends", async () => {
      const real = `${COOKIE}=${session}`;
      for (const beside of BESIDE) {
        expect(await ask(beside, real), `before: ${beside}`).toEqual(known());
        expect(await ask(real, beside), `after: ${beside}`).toEqual(known());
        expect(await ask(beside), `alone: ${beside}`).toEqual(refused);
      }
      expect(await ask(...BESIDE, real, ...BESIDE)).toEqual(known());
      expect(await ask(`a=1;${real};b=2`)).toEqual(known());
    });

    test("is not confused by a second cookie of the same name, and believes neither of two sessions", async () => {
      const real = `${COOKIE}=${session}`;
      for (const planted of ["planted", "", assertion, "a.b.c"]) {
        expect(await ask(`${COOKIE}=${planted}`, real)).toEqual(known());
        expect(await ask(real, `${COOKIE}=${planted}`)).toEqual(known());
      }
      expect(await ask(real, real)).toEqual(known());
      expect(await ask(real, `${COOKIE}=${otherSession}`)).toEqual(refused);
      expect(await ask(`${COOKIE}=${otherSession}`, real)).toEqual(refused);
    });

    test("fetches the keys at most once for fifty tokens of unknown keys", async () => {
      await asToken(session);
      const before = proxy.keyRequests();
      const { privateKey: stranger } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const tokens = Array.from({ length: 50 }, (_, index) =>
        resigned({ key: stranger, header: { kid: `unknown-${index}` } }),
      );
      const answers = await Promise.all(tokens.map(async (token) => asToken(await token)));
      expect(answers).toEqual(answers.map(() => refused));
      const fetched = proxy.keyRequests() - before;
      console.info(`${name}: 50 tokens of unknown keys, ${fetched} requests for keys`);
      expect(fetched).toBeLessThanOrEqual(1);
      expect(await asToken(session)).toEqual(known());
    });

    if (name === "PHP") {
      test("believes no keys that others could have planted", async () => {
        const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
        const planted = { ...publicKey.export({ format: "jwk" }), kid: "planted", alg: "ES256", use: "sig" };
        const token = await resigned({ key: privateKey, header: { kid: "planted" } });
        const jwksUrl = `${proxy.url.origin}/auth/.well-known/jwks.json`;
        const md5 = createHash("md5").update(jwksUrl).digest("hex");
        const sha256 = createHash("sha256").update(jwksUrl).digest("hex");
        const sets = {
          [`vipps-session-${md5}.json`]: { keys: [planted] },
          [`${sha256}.json`]: { asked: now(), fetched: now(), keys: { planted } },
        };
        const places = Object.keys(sets).map((file) => join(tmpdir(), file));
        for (const [file, set] of Object.entries(sets))
          writeFileSync(join(tmpdir(), file), JSON.stringify(set));
        expect(await asToken(token)).toEqual(refused);
        for (const place of places) rmSync(place);

        // A folder into which others can write, or that leads elsewhere, is not read at all.
        const keys = join(folder, "keys");
        const kept = readFileSync(join(keys, `${sha256}.json`), "utf8");
        chmodSync(keys, 0o777);
        writeFileSync(join(keys, `${sha256}.json`), JSON.stringify(sets[`${sha256}.json`]));
        expect((await rawRequest(url, "/", [`Cookie: ${COOKIE}=${token}`])).status).toBe(500);
        expect(origin.output()).toContain("must be a folder that belongs to the user of PHP");
        rmSync(keys, { recursive: true });
        mkdirSync(join(folder, "elsewhere"));
        writeFileSync(join(folder, "elsewhere", `${sha256}.json`), JSON.stringify(sets[`${sha256}.json`]));
        symlinkSync(join(folder, "elsewhere"), keys);
        expect((await rawRequest(url, "/", [`Cookie: ${COOKIE}=${token}`])).status).toBe(500);
        rmSync(keys);
        mkdirSync(keys, { mode: 0o700 });
        writeFileSync(join(keys, `${sha256}.json`), kept);
        expect(await asToken(session)).toEqual(known());
      });
    }
  });
}

describeWith(["python", "faketime"], "a library without tolerance", () => {
  /** PyJWT as it comes: no leeway, and an `iat` or `nbf` that its clock has not reached is refused. */
  const PROGRAM = [
    "import json, sys, jwt",
    "key = jwt.PyJWK.from_dict(json.loads(sys.argv[2])).key",
    "print(jwt.decode(sys.argv[1], key, algorithms=['ES256'], audience=sys.argv[3])['sub'])",
  ].join("\n");

  const decodedAt = (offset: string, token: string, audience: string) => {
    const jwk = JSON.stringify({ ...key.public.export({ format: "jwk" }), alg: "ES256" });
    const args = ["-f", offset, findProgram("python") ?? "", "-c", PROGRAM, token, jwk, audience];
    const { status, stdout, stderr } = spawnSync(findProgram("faketime") ?? "", args, { encoding: "utf8" });
    return status === 0 ? stdout.trim() : (stderr.trim().split("\n").at(-1) ?? "");
  };

  test("takes a fresh assertion on a clock up to a minute off, and refuses a session token there", async () => {
    const verified = await visitor.request("/auth/verify");
    const fresh = verified.headers.get("session-assertion") ?? "";
    const { sub } = decodeJwt(fresh);
    for (const offset of ["-59s", "-2s", "-0.2s", "+0s", "+2s", "+59s"])
      expect(decodedAt(offset, fresh, `${proxy.url.origin}/auth/verify`), offset).toBe(sub);
    expect(decodedAt("+120s", fresh, `${proxy.url.origin}/auth/verify`)).toContain("ExpiredSignatureError");
    // What the origins' 60 seconds of tolerance are for.
    expect(decodedAt("-60s", await resigned({ claims: { iat: now() } }), proxy.url.origin)).toContain(
      "ImmatureSignatureError",
    );
  });
});

describeWith(["apache"], "the Apache origin", () => {
  let folder: string;
  let apache: Program;
  let keyServer: Server;
  let url: URL;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "apache-"));
    const [port] = await freePorts();
    url = new URL(`http://127.0.0.1:${port}`);
    mkdirSync(join(folder, "site/members"), { recursive: true });
    writeFileSync(join(folder, "site/members/index.html"), "for members only");
    writeFileSync(join(folder, "site/index.html"), "for everybody");
    const example = readFileSync("examples/apache-origin/site.conf", "utf8");
    // The module takes keys from https addresses alone.
    keyServer = await startHttpsServer(folder, async ({ url: path = "/" }, response) => {
      response.end(await (await fetch(new URL(path, proxy.url))).text());
    });
    const keysAt = `https://localhost:${(keyServer.address() as AddressInfo).port}`;
    const modules = ["mpm_event", "authn_core", "authz_core", "authz_user", "dir", "headers", "auth_openidc"];
    const isRoot = process.getuid?.() === 0;
    const settings = [
      `Listen 127.0.0.1:${port}`,
      "ServerName localhost",
      `PidFile ${folder}/pid`,
      `DefaultRuntimeDir ${folder}`,
      "ErrorLog /dev/null",
      ...(isRoot ? ["User www-data", "Group www-data"] : []),
      ...modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`),
      `DocumentRoot ${folder}/site`,
      "DirectoryIndex index.html",
      'Header always set X-User "expr=%{REMOTE_USER}"',
      "OIDCOAuthSSLValidateServer Off",
      example
        .replace("JwksUri https://www.example.com", `JwksUri ${keysAt}`)
        .replaceAll("https://www.example.com", proxy.url.origin),
    ];
    chmodSync(folder, 0o755);
    writeFileSync(join(folder, "apache.conf"), settings.join("\n"));
    const args = ["-f", join(folder, "apache.conf"), "-DFOREGROUND"];
    apache = await startServer(findProgram("apache") ?? "", args, url.href);
  });
  afterAll(async () => {
    await apache?.end();
    keyServer?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const ask = async (token: string) => {
    const { status, text } = await rawRequest(url, "/members/", [
      `Cookie: a[b]={"c":1}; ${COOKIE}=${token}; d`,
    ]);
    return [status, /^X-User: (.+)$/m.exec(text.replaceAll("\r", ""))?.[1]];
  };

  test("believes the worker's token, and tells it from an assertion by its audience", async () => {
    expect((await rawRequest(url, "/")).status).toBe(200);
    expect((await rawRequest(url, "/members/")).status).toBe(401);
    expect(await ask(session)).toEqual([200, decodeJwt(session).sub]);
    for (const behind of [58, 2, -2, -58]) {
      const iat = now() + behind;
      const fresh = await resigned({ claims: { iat, nbf: iat, exp: iat + 300 } });
      expect((await ask(fresh))[0], `${behind} s behind`).toBe(200);
    }
    for (const [what, token] of Object.entries(await wrongTokens())) {
      // It can't look at typ and iat, and takes a token without an end, which the worker signs none of.
      if (/type|made out|without an end|ahead/.test(what)) continue;
      expect((await ask(token))[0], what).toBe(401);
    }
  });
});

describe("what stands in for a clock that differs", () => {
  test("is a token that the worker could have signed", async () => {
    expect(await resigned({})).not.toBe(session);
    expect(decodeJwt(await resigned({}))).toEqual(decodeJwt(session));
  });
});
