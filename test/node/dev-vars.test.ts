import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { calculateJwkThumbprint, importJWK, type JWK, jwtVerify, SignJWT } from "jose";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { unstable_getVarsForDev } from "wrangler";
import {
  completeDevVars,
  parseDevVars,
  readDevVars,
  simulatorPort,
  withSetting,
} from "../../cli/dev-vars.mjs";

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "dev-vars-"));
  file = join(folder, ".dev.vars");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const SIMULATOR_KEYS = ["VIPPS_ISSUER", "VIPPS_CLIENT_ID", "VIPPS_CLIENT_SECRET", "VIPPS_MSN"];

describe("reading", () => {
  test("sees what wrangler sees", () => {
    const text = [
      "# a comment with A=1",
      "PLAIN=value # and a comment",
      "export EXPORTED = spaced out  ",
      `SINGLE='{"keys":[{"a":"b"}]}'`,
      `DOUBLE="two\\nlines # not a comment"`,
      'BACKTICK=`it\'s "both"`',
      "EMPTY=",
      `EMPTY_QUOTED=''`,
      "  INDENTED=yes",
      'SPANNING="first',
      'NOT_A_SETTING=second"',
      "URL=http://127.0.0.1:8788/a?b=c",
      "TWICE=one",
      "TWICE=two",
      "colon: value",
      "not a setting at all",
    ];
    for (const newline of ["\n", "\r\n"]) {
      writeFileSync(file, text.join(newline));
      const seen = unstable_getVarsForDev(join(folder, "wrangler.toml"), undefined, {}, undefined, true);
      const values = Object.entries(seen).map(([name, binding]) => [
        name,
        "value" in binding && binding.value,
      ]);
      expect(values.length).toBeGreaterThan(11);
      expect(parseDevVars(readFileSync(file, "utf8"))).toEqual(Object.fromEntries(values));
    }
  });

  test("finds nothing where there is no file", () => {
    expect(readDevVars(file)).toEqual({});
  });
});

describe("changing one setting", () => {
  const before = "# mine\nA=1\n\n";
  const after = "\nB='two' # and a comment\n";

  test.each([
    ["a plain value", "KEYS=old", "KEYS='new'"],
    ["a value in quotes", "KEYS='old'", "KEYS='new'"],
    ["a value over lines", 'KEYS="old\nolder"', "KEYS='new'"],
    ["a value with a comment", "KEYS='old' # keep this", "KEYS='new' # keep this"],
    ["an exported value", "  export KEYS = old", "  export KEYS ='new'"],
    ["no value", "KEYS=", "KEYS='new'"],
    ["no value and empty lines", "KEYS=\n\n", "KEYS='new'\n\n"],
    ["an empty value", "KEYS=''", "KEYS='new'"],
    ["a name that stands twice", "KEYS=older\nKEYS=old", "KEYS=older\nKEYS='new'"],
  ])("changes %s and nothing around it", (_what, old, changed) => {
    for (const newline of ["\n", "\r\n"]) {
      const lines = (text: string) => text.replaceAll("\n", newline);
      const text = withSetting(lines(before + old + after), "KEYS", "new");
      expect(text).toBe(lines(before + changed + after));
      expect(parseDevVars(text)).toEqual({ A: "1", KEYS: "new", B: "two" });
    }
  });

  test.each([
    ["", "KEYS='new'\n"],
    ["A=1\n", "A=1\nKEYS='new'\n"],
    ["A=1", "A=1\nKEYS='new'\n"],
    ["# KEYS=old\n", "# KEYS=old\nKEYS='new'\n"],
    ["MONKEYS=1\n", "MONKEYS=1\nKEYS='new'\n"],
  ])("adds it to %j, which does not have it", (old, changed) => {
    expect(withSetting(old, "KEYS", "new")).toBe(changed);
  });
});

describe("completing", () => {
  test("makes a file for its owner alone, that points at the simulator", () => {
    const outcome = completeDevVars(file);
    expect(outcome).toEqual({
      created: true,
      simulator: true,
      added: ["SITE_URL", ...SIMULATOR_KEYS, "SESSION_KEYS"],
    });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readDevVars(file)).toMatchObject({
      SITE_URL: "http://localhost:8787",
      VIPPS_ISSUER: "http://127.0.0.1:8788/access-management-1.0/access/",
    });
  });

  test("makes secrets that nobody can guess", () => {
    completeDevVars(file);
    const first = readDevVars(file);
    rmSync(file);
    completeDevVars(file);
    const second = readDevVars(file);
    expect(first.VIPPS_CLIENT_SECRET).toMatch(/^[\w-]{43}$/);
    for (const name of ["VIPPS_CLIENT_ID", "VIPPS_CLIENT_SECRET", "SESSION_KEYS"]) {
      expect(first[name]).not.toBe(second[name]);
    }
  });

  test("makes a key that signs with ES256, named by its thumbprint", async () => {
    completeDevVars(file);
    const { keys } = JSON.parse(readDevVars(file).SESSION_KEYS ?? "") as { keys: JWK[] };
    expect(keys).toHaveLength(1);
    const [key = {} as JWK] = keys;
    expect(Object.keys(key).sort()).toEqual(["alg", "crv", "d", "kid", "kty", "use", "x", "y"]);
    expect(key.kid).toBe(await calculateJwkThumbprint(key, "sha256"));
    const { d: _private, ...publicKey } = key;
    const token = await new SignJWT({ sub: "ada" })
      .setProtectedHeader({ alg: "ES256" })
      .sign(await importJWK(key));
    await expect(jwtVerify(token, await importJWK(publicKey))).resolves.toMatchObject({
      payload: { sub: "ada" },
    });
  });

  test("adds what is missing below what is there, which stays byte for byte", () => {
    const mine =
      "# mine\r\nSITE_URL=https://my.example\r\nVIPPS_ISSUER=http://127.0.0.1:9000/access-management-1.0/access/\nSESSION_TTL=60";
    writeFileSync(file, mine, { mode: 0o644 });
    const { created, added } = completeDevVars(file);
    expect({ created, added }).toEqual({
      created: false,
      added: ["VIPPS_CLIENT_ID", "VIPPS_CLIENT_SECRET", "VIPPS_MSN", "SESSION_KEYS"],
    });
    expect(readFileSync(file, "utf8").startsWith(`${mine}\n`)).toBe(true);
    expect(readDevVars(file)).toMatchObject({ SITE_URL: "https://my.example", SESSION_TTL: "60" });
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test("adds nothing the second time", () => {
    completeDevVars(file);
    const before = readFileSync(file, "utf8");
    expect(completeDevVars(file)).toEqual({ created: false, added: [], simulator: true });
    expect(readFileSync(file, "utf8")).toBe(before);
  });

  test("leaves an empty value alone: whoever wrote it meant something", () => {
    writeFileSync(file, "SESSION_KEYS=\n");
    expect(completeDevVars(file).added).not.toContain("SESSION_KEYS");
  });

  test.each([
    ["keys of a sales unit and no issuer", "VIPPS_CLIENT_ID=a\nVIPPS_CLIENT_SECRET=b\nVIPPS_MSN=654321\n"],
    ["one key of a sales unit and no issuer", "VIPPS_CLIENT_SECRET=b\n"],
    ["an environment", "VIPPS_ENVIRONMENT=test\n"],
    ["another provider", "VIPPS_ISSUER=http://127.0.0.1:9000/\n"],
    ["Vipps itself", "VIPPS_ISSUER=https://apitest.vipps.no/access-management-1.0/access/\n"],
  ])("adds no key of the simulator's to %s", (_what, text) => {
    writeFileSync(file, text);
    expect(completeDevVars(file)).toEqual({
      created: false,
      added: ["SITE_URL", "SESSION_KEYS"],
      simulator: false,
    });
  });

  test("still means the simulator where only a detail of the login is set", () => {
    writeFileSync(file, "VIPPS_SCOPE='openid name'\n");
    expect(completeDevVars(file)).toMatchObject({
      simulator: true,
      added: ["SITE_URL", ...SIMULATOR_KEYS, "SESSION_KEYS"],
    });
  });
});

describe("the simulator's port", () => {
  test.each([
    ["http://127.0.0.1:8788/access-management-1.0/access/", 8788],
    ["http://127.0.0.1:8788/access-management-1.0/access", undefined],
    ["http://127.0.0.1:8788/", undefined],
    ["https://127.0.0.1:8788/access-management-1.0/access/", undefined],
    ["http://localhost:8788/access-management-1.0/access/", undefined],
    ["https://apitest.vipps.no/access-management-1.0/access/", undefined],
    [undefined, undefined],
  ])("of %s is %s", (issuer, port) => {
    expect(simulatorPort(issuer)).toBe(port);
  });
});
