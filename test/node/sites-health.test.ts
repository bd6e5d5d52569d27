import { afterEach, describe, expect, it, vi } from "vitest";
import { masterKeysIn } from "../../cli/sites/master-key-place.ts";
import { healthOfSites } from "../../cli/sites/sites-health.ts";
import { writeSiteDocument } from "../../src/sites/site-document.ts";
import { openMemoryStorage } from "./memory-storage.ts";

afterEach(() => void vi.restoreAllMocks());

const KEYS = masterKeysIn(JSON.stringify({ keys: [{ kty: "oct", k: "A".repeat(43), kid: "any" }] }));
const WELL = { ok: true, dependencies: { kv: { ok: true } } };
const ILL = {
  ok: false,
  dependencies: {
    kv: { ok: true },
    accounts_db: { ok: false, class: "missing_table" },
    vipps_metadata: { ok: false, reason: "no answer in time" },
  },
};

describe("site health", () => {
  it("asks every site at its own address, and says what is wrong where", async () => {
    const session = openMemoryStorage();
    const settings: Record<string, Record<string, string>> = {
      "vel.example": {},
      "syk.example": { AUTH_PATH: "/logg-inn" },
      "borte.example": {},
      "annet.example": {},
    };
    await session.sites.write(
      await Promise.all(
        Object.entries(settings).map(async ([host, own]) => ({
          key: `site:${host}`,
          value: JSON.stringify(
            await writeSiteDocument(KEYS, host, { SITE_URL: `https://${host}`, ...own }, 1),
          ),
          metadata: {},
        })),
      ),
    );
    const asked: string[] = [];
    const ask: typeof fetch = async (input) => {
      const { host, pathname } = new URL(String(input));
      asked.push(host + pathname);
      if (host === "borte.example") throw new TypeError("fetch failed");
      if (host === "annet.example") return new Response("<!doctype html>", { status: 200 });
      return host === "vel.example" ? Response.json(WELL) : Response.json(ILL, { status: 503 });
    };
    const hosts = [...Object.keys(settings), "ingen.example"];
    const deployment = { SITE_DEFAULTS: { AUTH_PATH: "/konto" } };
    expect(await healthOfSites({ session, hosts, deployment, fetch: ask })).toEqual([
      { host: "vel.example", ok: true, fault: undefined },
      {
        host: "syk.example",
        ok: false,
        fault: "accounts_db: missing_table, vipps_metadata: no answer in time",
      },
      { host: "borte.example", ok: false, fault: "is out of reach" },
      { host: "annet.example", ok: false, fault: "answers 200, which is not its health" },
      { host: "ingen.example", ok: false, fault: expect.stringContaining("is no site") },
    ]);
    expect(asked.toSorted()).toEqual([
      "annet.example/konto/health",
      "borte.example/konto/health",
      "syk.example/logg-inn/health",
      "vel.example/konto/health",
    ]);
    await session.close();
  });
});
