import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Bundle, bundle } from "../bundle.ts";
import { OURS_D1 } from "../designs/ours.ts";
import { openConnection } from "../load/connection.ts";
import { confirmLogins, finishLogins } from "../load/many-logins.ts";
import { createProvider, type Provider } from "../load/provider.ts";
import { repeatRequest } from "../load/repeated-request.ts";
import { enduranceSection } from "../page/endurance-section.ts";
import { besideHanging } from "../parts/attempts.ts";
import { endureLogins } from "../parts/endurance.ts";
import { countWalks } from "../parts/walk.ts";
import { buildServices, logIn, startDesign } from "../running-design.ts";
import { processorNanoseconds, residentMemory } from "../workerd/process-figures.ts";
import { lastLinesOfAll, type Server } from "../workerd/server.ts";

/** The production bundle on bare workerd, as the benchmark runs it, for a moment. */
describe("the benchmark's surroundings", () => {
  const folder = mkdtempSync(join(tmpdir(), "bench-smoke-"));
  let provider: Provider;
  let production: Bundle;
  let server: Server;

  beforeAll(async () => {
    provider = await createProvider();
    production = await bundle("this project", join(folder, "bundle"), []);
    await buildServices(folder);
    server = await startDesign(
      OURS_D1,
      production,
      { folder, provider, cores: undefined },
      join(folder, "run"),
    );
  });

  afterAll(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("names every byte of the bundle", () => {
    const named = Object.values(production.inputs).reduce((sum, bytes) => sum + bytes, 0);
    expect(named / production.minified).toBeGreaterThan(0.9);
    expect(named / production.minified).toBeLessThanOrEqual(1);
    expect(production.gzip).toBeLessThan(production.minified / 2);
  });

  it("logs in for real, and measures requests that only somebody who is logged in gets answered so", async () => {
    const cookie = (await logIn(OURS_D1, server.port, provider, 7)).cookieHeader() ?? "";
    const load = { status: 200, connections: 2, seconds: 0.1 };
    const request = { path: "/members/", headers: { cookie, accept: "text/html" } };
    const measured = await repeatRequest(server, { ...load, request });
    expect(measured.perSecond).toBeGreaterThan(10);
    expect(measured.p99Latency).toBeGreaterThanOrEqual(measured.medianLatency);
    const stranger = { path: "/members/", headers: { accept: "text/html" } };
    await expect(repeatRequest(server, { ...load, request: stranger })).rejects.toThrow(
      "answered 302, not 200",
    );
  });

  it("finishes each confirmed login once, and notices one that is not let in", async () => {
    const logins = await confirmLogins(server, OURS_D1, provider, [1, 2, 3]);
    expect((await finishLogins(server, OURS_D1, logins, 2)).perSecond).toBeGreaterThan(0);
    // Another browser brings a code that is used up.
    const stolen = logins.map(({ back }) => ({ back, cookies: new Map<string, string>() }));
    await expect(finishLogins(server, OURS_D1, stolen, 1)).rejects.toThrow("the callback answered");
  });

  it("lets many log in with other work beside them, and names what fails in the worker's own words", async () => {
    const surroundings = { folder, provider, cores: undefined, say: () => undefined };
    const bundleOf = async () => production;
    const figures = await endureLogins({ ...surroundings, bundleOf }, { logins: 60, seconds: 60 });
    expect(figures).toMatchObject({ logins: 60, failures: {}, said: [] });
    expect(figures.newPeople).toBe(38);
    expect(figures.otherRequests).toBeGreaterThan(120);
    expect(enduranceSection(figures).goals).toEqual([expect.stringContaining("**Reached**")]);

    const { headers } = await openConnection(server.port).send({
      path: "/auth/callback?code=x&state=invented",
    });
    expect(headers["content-type"]).toContain("text/html");
    expect(server.lastLines(5).join("\n")).toContain('"code":"state_invalid"');
    expect(lastLinesOfAll(5)).not.toEqual([]);
  });

  it("finishes good logins while the token requests of others hang, and sees those fail in the end", async () => {
    const figures = await besideHanging({ provider }, server, { each: 6, rounds: 1 });
    expect(figures).toMatchObject({ answeredBefore: 0, answers: { 502: 6 } });
    expect(figures.beside).toHaveLength(1);
  }, 30_000);

  it("follows requests through files and functions, within Durable Objects too", async () => {
    const surroundings = { folder, provider, cores: undefined, say: () => undefined, earlier: undefined };
    const { walks } = await countWalks(surroundings);
    const filesOf = (name: string) => Object.keys(walks.find(({ walk }) => walk === name)?.functions ?? {});
    expect(filesOf("start")).toContain("src/login/start-login.ts");
    expect(filesOf("start")).not.toContain("src/login/login-attempts.ts");
    expect(filesOf("callback")).toEqual(
      expect.arrayContaining(["src/login/finish-login.ts", "src/login/login-attempts.ts"]),
    );
    expect(filesOf("guarded")).not.toContain("src/login/finish-login.ts");
  }, 30_000);

  it.runIf(process.platform === "linux")("sees what the process uses", async () => {
    const before = processorNanoseconds(server.pid) ?? Number.NaN;
    await logIn(OURS_D1, server.port, provider, 7);
    expect(processorNanoseconds(server.pid)).toBeGreaterThan(before);
    expect(residentMemory(server.pid)).toBeGreaterThan(10 * 2 ** 20);
  });
});
