import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { parse } from "yaml";
import type { Registry } from "../../src/accounts/registry.ts";
import { signMessage } from "../../src/accounts/registry-request.ts";
import { remoteRegistry } from "../../src/accounts/remote-registry.ts";
import type { VippsPerson } from "../../src/accounts/vipps-person.ts";

const ROOT = join(import.meta.dirname, "../..");
const SECRET = "a secret of more than thirty-two characters";

const KARI: VippsPerson = {
  msn: "123456",
  sub: "sub-kari",
  name: "Kari Nordmann",
  givenName: "Kari",
  familyName: "Nordmann",
  phone: "4799999901",
  phoneVerified: true,
  email: "kari@example.com",
  emailVerified: true,
  profile: { birthdate: "1984-03-21" },
};

let folder: string;
let data: string;
let server: ChildProcess;
let url: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "registry-"));
  data = join(folder, "members.json");
  writeFileSync(
    data,
    JSON.stringify([
      {
        id: "member-1",
        name: "Per Haugen",
        phone: "4799999910",
        phone_verified: true,
        email: "familien@example.com",
        email_verified: true,
        member_number: "1001",
      },
    ]),
  );
  server = spawn(
    process.execPath,
    [join(ROOT, "examples/registry-server/server.ts"), "--port", "0", "--data", data],
    { env: { ...process.env, REGISTRY_SECRET: SECRET }, stdio: ["ignore", "pipe", "inherit"] },
  );
  url = await new Promise<string>((resolve, reject) => {
    server.once("exit", (code) => reject(new Error(`the registry ended with ${code}`)));
    server.stdout?.setEncoding("utf8").on("data", (text: string) => {
      const found = /registry at (\S+),/.exec(text)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
});

afterAll(() => {
  server.kill();
  rmSync(folder, { recursive: true, force: true });
});

afterEach(() => {
  vi.restoreAllMocks();
});

const never = new Proxy({}, { get: () => () => Promise.reject(new Error("no database here")) }) as never;

function open(secret = SECRET, base = url): Registry {
  return remoteRegistry({ url: base, secret, site: "default", proof: { kind: "none" }, database: never });
}

async function created(person: VippsPerson): Promise<string> {
  const id = await open().create(person, {});
  if (id === undefined) throw new Error("not created");
  return id;
}

interface Operation {
  readonly requestBody: { readonly content: { readonly "application/json": { readonly schema: object } } };
  readonly responses: Record<
    string,
    { readonly content?: { readonly "application/json": { readonly schema: object } } }
  >;
}

describe("the registry over HTTP, against the example server", () => {
  it("makes an account, finds it by the sub, and keeps it in the site's own data", async () => {
    const registry = open();
    expect(await registry.find(KARI)).toEqual({ known: undefined, candidates: [] });
    const id = await created(KARI);
    expect(await registry.find(KARI)).toEqual({
      known: { id, acceptedTerms: undefined, isCurrent: false, isNew: false, groups: [] },
      candidates: [],
    });
    expect(await registry.accountOfSub("123456", "sub-kari")).toBe(id);
    expect((await registry.get(id))?.account).toMatchObject({
      name: "Kari Nordmann",
      phone: "4799999901",
      email: "kari@example.com",
      profile: { birthdate: "1984-03-21" },
      origin: "site",
    });
    expect(JSON.parse(readFileSync(data, "utf8"))).toHaveLength(2);
  });

  it("makes one account of many requests at once", async () => {
    const person = { ...KARI, sub: "sub-many", phone: "4799999990", email: "many@example.com" };
    const ids = await Promise.all(Array.from({ length: 6 }, () => open().create(person, {})));
    expect(ids.filter((id) => id !== undefined)).toHaveLength(1);
  });

  it("finds candidates, links them, and refuses what no longer fits", async () => {
    const registry = open();
    const per = {
      ...KARI,
      sub: "sub-per",
      name: "Per Haugen",
      phone: "4799999910",
      email: "per@example.com",
    };
    expect((await registry.find(per)).candidates).toEqual([
      {
        accountId: "member-1",
        name: "Per Haugen",
        samePhone: true,
        sameEmail: false,
        taken: false,
        provable: false,
      },
    ]);
    expect((await registry.find({ ...per, phoneVerified: false })).candidates).toEqual([]);
    expect(await registry.link("member-1", { ...per, phone: "4799999911" }, "matched")).toBe(false);
    expect(await registry.link("member-1", per, "matched")).toBe(true);
    expect(await registry.link("member-1", per, "matched")).toBe(true);
    expect(await registry.link("nobody", { ...per, sub: "other" }, "proven")).toBe(false);
  });

  it("searches, corrects, notes a revoked consent, unlinks and erases", async () => {
    const registry = open();
    const person = {
      ...KARI,
      sub: "sub-tor",
      name: "Tor Bakken",
      phone: "4799999907",
      email: "tor@example.com",
    };
    const id = await created(person);
    expect((await registry.search({ name: "bakken" })).map((account) => account.id)).toEqual([id]);
    expect(await registry.search({})).toEqual([]);
    expect(await registry.correct(id, { memberNumber: "7", phone: null })).toBe(true);
    expect((await registry.get(id))?.account).toMatchObject({ memberNumber: "7", phone: undefined });
    await expect(registry.correct(id, { memberNumber: "1001" })).rejects.toMatchObject({
      code: "request_malformed",
    });
    await registry.noteConsentRevoked("123456", "sub-tor");
    expect((await registry.get(id))?.identities[0]?.consentRevokedAt).toEqual(expect.any(Number));
    await registry.update(id, { ...person, phone: "4799999908" });
    expect((await registry.get(id))?.account.phone).toBe("4799999908");
    expect(await registry.unlink(id, "123456", "sub-tor")).toBe(true);
    expect(await registry.unlink(id, "123456", "sub-tor")).toBe(false);
    expect(await registry.accountOfSub("123456", "sub-tor")).toBeUndefined();
    expect(await registry.erase(id, [])).toBe(true);
    expect(await registry.erase(id, [])).toBe(false);
    expect(await registry.get(id)).toBeUndefined();
    expect(await registry.correct(id, { name: "x" })).toBe(false);
  });

  it("is refused without the secret", async () => {
    await expect(open("another secret of more than 32 characters").find(KARI)).rejects.toMatchObject({
      code: "storage_unavailable",
      facts: { reason: "registry: answered with 401" },
    });
  });

  it("is refused when a request is changed, late, early or sent again", async () => {
    const body = JSON.stringify({ site: "default", msn: "123456", sub: "sub-kari" });
    const signed = await signMessage(SECRET, { method: "POST", path: "/registry/account-of-sub", body });
    const send = (path: string, content: string, headers: object = signed) =>
      fetch(`${url}/${path}`, { method: "POST", body: content, headers: { ...headers } });
    const refused = async (response: Response) => [response.status, (await response.json()).error];
    expect(await refused(await send("account-of-sub", body.replace("kari", "many")))).toEqual([
      401,
      "the body is not the one that was signed",
    ]);
    expect(await refused(await send("erase", body))).toEqual([401, "the signature does not fit"]);
    expect(await refused(await send("account-of-sub", body, {}))).toEqual([
      401,
      "no signature over method, path and body",
    ]);
    expect((await send("account-of-sub", body)).status).toBe(200);
    expect(await refused(await send("account-of-sub", body))).toEqual([401, "the request came before"]);
    for (const minutes of [-6, 6]) {
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + minutes * 60_000 });
      const old = await signMessage(SECRET, { method: "POST", path: "/registry/account-of-sub", body });
      vi.useRealTimers();
      expect(await refused(await send("account-of-sub", body, old))).toEqual([
        401,
        "the request is too old, or the clocks differ",
      ]);
    }
  });

  it("speaks as docs/registry.openapi.yaml says, both ways, in every operation", async () => {
    const description = parse(readFileSync(join(ROOT, "docs/registry.openapi.yaml"), "utf8"));
    const ajv = new Ajv2020({ strict: false, allErrors: true });
    ajv.addSchema(description, "registry");
    const validate = (pointer: string, value: unknown) => {
      const check = ajv.compile({ $ref: `registry#${pointer}` });
      expect({ pointer, fits: check(value), errors: check.errors }).toMatchObject({ fits: true });
    };
    const resolved = <Value extends object>(
      pointer: string,
      value: Value & { $ref?: string },
    ): [string, Value] =>
      value.$ref === undefined
        ? [pointer, value]
        : [
            value.$ref.slice(1),
            value.$ref
              .slice(2)
              .split("/")
              .reduce((node, key) => node[key], description),
          ];
    const used = new Set<string>();
    const really = globalThis.fetch;
    vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
      const operation = `/${String(input).split("/").at(-1)}`;
      used.add(operation);
      const post: Operation = description.paths[operation].post;
      const at = `/paths/~1${operation.slice(1)}/post`;
      const [bodyAt] = resolved(`${at}/requestBody`, post.requestBody);
      validate(`${bodyAt}/content/application~1json/schema`, JSON.parse(String(init?.body)));
      const response = await really(input, init);
      const described = post.responses[String(response.status)];
      expect(described, `${operation} answered ${response.status}`).toBeDefined();
      const [responseAt, content] = resolved(`${at}/responses/${response.status}`, described ?? {});
      const text = await response.clone().text();
      if (content.content !== undefined) {
        validate(`${responseAt}/content/application~1json/schema`, JSON.parse(text));
      }
      return response;
    });

    const registry = open();
    const person = { ...KARI, sub: "sub-described", phone: "4799999995", email: "described@example.com" };
    const bare: VippsPerson = {
      ...{ msn: "123456", sub: "sub-bare", name: undefined, givenName: undefined, familyName: undefined },
      ...{ phone: undefined, phoneVerified: false, email: undefined, emailVerified: false, profile: {} },
    };
    await registry.find(person);
    await registry.find(bare);
    const id = (await registry.create(person, { evenIfSimilar: true })) ?? "";
    await registry.create(person, {});
    await registry.find(person);
    await registry.find({ ...person, sub: "another" });
    await registry.link(id, person, "staff");
    await registry.link("nobody", bare, "matched");
    await registry.update(id, person);
    await registry.accountOfSub("123456", "sub-described");
    await registry.accountOfSub("123456", "nobody");
    await registry.noteConsentRevoked("123456", "sub-described");
    await registry.get(id);
    await registry.get("nobody");
    await registry.search({ phone: "4799999995", name: "kari" });
    await registry.correct(id, { name: "Kari", email: null });
    await registry.correct(id, { memberNumber: "1001" }).catch(() => undefined);
    await registry.correct("nobody", { name: null });
    await registry.unlink(id, "123456", "sub-described");
    await registry.unlink(id, "123456", "sub-described");
    await registry.erase(id, []);
    await registry.erase(id, []);
    expect([...used].sort()).toEqual(Object.keys(description.paths).sort());
  });
});

describe("a registry that misbehaves", () => {
  const answering = (answer: () => Response | Promise<Response>) => {
    const spy = vi.spyOn(globalThis, "fetch").mockImplementation(async () => answer());
    return { registry: open(SECRET, "https://registry.example/api"), spy };
  };

  it.each<[string, () => Response, string]>([
    ["an error", () => new Response("oops", { status: 500 }), "answered with 500"],
    ["a redirect", () => new Response(null, { status: 302 }), "answered with 302"],
    ["HTML", () => new Response("<html>"), "answer is not JSON"],
    ["half of its JSON", () => new Response('{"candidates":['), "answer is not JSON"],
    ["nothing", () => new Response(null), "answer is malformed"],
    ["something else", () => Response.json({ candidates: [{ id: "x" }] }), "answer is malformed"],
    ["an id with a line break", () => Response.json({ account: { id: "a\nb" } }), "answer is malformed"],
    ["too much", () => new Response("x".repeat(300_000)), "answer is too large"],
  ])("by answering with %s makes no account and no session", async (_what, answer, reason) => {
    const { registry } = answering(answer);
    await expect(registry.find(KARI)).rejects.toMatchObject({
      code: "storage_unavailable",
      facts: { reason: `registry: ${reason}` },
    });
  });

  it("by refusing connections is a defined failure", async () => {
    await expect(open(SECRET, "http://127.0.0.1:1").find(KARI)).rejects.toMatchObject({
      code: "storage_unavailable",
      facts: { reason: "registry: no connection" },
    });
  });

  it("by never answering is given up after four seconds", async () => {
    vi.useFakeTimers();
    const { registry, spy } = answering(() => new Promise(() => undefined));
    const found = registry.find(KARI).catch((error: unknown) => error);
    await vi.waitFor(() => expect(spy).toHaveBeenCalled());
    await vi.advanceTimersByTimeAsync(4_000);
    expect(await found).toMatchObject({ facts: { reason: "registry: no answer in time" } });
    expect(spy.mock.calls[0]?.[1]?.signal?.aborted).toBe(true);
    vi.useRealTimers();
  });

  it("never gets anything personal in a URL, and no redirect is followed", async () => {
    const { registry, spy } = answering(() => Response.json({ accounts: [] }));
    await registry.search({ phone: "4799999901", email: "kari@example.com" });
    const [target, init] = spy.mock.calls[0] ?? [];
    expect(String(target)).toBe("https://registry.example/api/search");
    expect(init).toMatchObject({ method: "POST", redirect: "manual" });
  });
});
