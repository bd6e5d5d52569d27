import { createServer, type Server } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { simulatorIssuer } from "../../cli/dev-vars.mjs";
import { notesOnFurther, settleAddresses } from "../../cli/local-addresses.ts";

const servers: Server[] = [];

/** Takes a free port, as another program might. */
function takePort(host?: string, port = 0): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    servers.push(server);
    server.once("error", reject);
    server.listen({ port, host }, () => {
      const address = server.address();
      if (address === null || typeof address === "string") reject(new Error("no port"));
      else resolve(address.port);
    });
  });
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((done) => server.close(done))));
});

async function freePort(): Promise<number> {
  const port = await takePort();
  await new Promise((done) => servers.pop()?.close(done));
  return port;
}

const nothingAsked = { sitePort: undefined, simulatorPort: undefined, https: false };

const settingsFor = (site: number, simulator: number) => ({
  SITE_URL: `http://localhost:${site}`,
  VIPPS_ISSUER: simulatorIssuer(simulator),
});

describe("the ports of a start", () => {
  test("are those of the settings if they are free", async () => {
    const [site, simulator] = [await freePort(), await freePort()];
    expect(await settleAddresses(settingsFor(site, simulator), nothingAsked)).toEqual({
      sitePort: site,
      site: `http://localhost:${site}`,
      isHttps: false,
      simulatorPort: simulator,
      overrides: {},
      notes: [],
    });
  });

  test.each(["127.0.0.1", "0.0.0.0"])("are the next free ones if a program on %s has them", async (host) => {
    const [site, simulator] = [await takePort(host), await takePort(host)];
    const settled = await settleAddresses(settingsFor(site, simulator), nothingAsked);
    expect(settled.sitePort).toBeGreaterThan(site);
    expect(settled.simulatorPort).toBeGreaterThan(simulator);
    expect(settled.simulatorPort).not.toBe(settled.sitePort);
    expect(settled.overrides).toEqual({
      SITE_URL: `http://localhost:${settled.sitePort}`,
      VIPPS_ISSUER: simulatorIssuer(settled.simulatorPort ?? 0),
    });
    expect(settled.notes).toEqual([
      `Port ${site} is taken by another program: the site is on ${settled.sitePort} this time.`,
      `Port ${simulator} is taken by another program: the simulator is on ${settled.simulatorPort} this time.`,
    ]);
  });

  test("leave further sites behind where their addresses name another port, and say so", () => {
    const hosts = ["kunde1.localhost:8787", "kunde2.localhost:8787", "www.kunde3.example"];
    expect(notesOnFurther(hosts, 8787)).toEqual([]);
    expect(notesOnFurther(hosts, 8788)).toEqual([
      "Further sites have another port in their addresses (kunde1.localhost:8787 and 1 more) and are not found on 8788. Start on theirs (--port), or rename them: npx vipps-login site rename kunde1.localhost:8787 kunde1.localhost:8788",
    ]);
  });

  test("never coincide, though the settings say so", async () => {
    const port = await freePort();
    const settled = await settleAddresses(settingsFor(port, port), nothingAsked);
    expect(settled.sitePort).toBe(port);
    expect(settled.simulatorPort).not.toBe(port);
  });

  test("are those asked for, and the settings follow", async () => {
    const [site, simulator] = [await freePort(), await freePort()];
    const settled = await settleAddresses(settingsFor(1, 2), {
      ...nothingAsked,
      sitePort: site,
      simulatorPort: simulator,
    });
    expect(settled).toMatchObject({ sitePort: site, simulatorPort: simulator, notes: [] });
    expect(settled.overrides).toEqual(settingsFor(site, simulator));
  });

  test("are refused if they were asked for and are taken", async () => {
    const [free, taken] = [await freePort(), await takePort("127.0.0.1")];
    const settings = settingsFor(free, free);
    await expect(settleAddresses(settings, { ...nothingAsked, sitePort: taken })).rejects.toThrow(
      `Port ${taken} is taken by another program. Choose another with --port.`,
    );
    await expect(settleAddresses(settings, { ...nothingAsked, simulatorPort: taken })).rejects.toThrow(
      `Port ${taken} is taken by another program. Choose another with --simulator-port.`,
    );
    await expect(
      settleAddresses(settings, { ...nothingAsked, sitePort: free, simulatorPort: free }),
    ).rejects.toThrow(/taken/);
  });

  test("go with TLS where it is asked for, or SITE_URL says so", async () => {
    const [site, simulator] = [await freePort(), await freePort()];
    const settings = settingsFor(site, simulator);
    const secure = `https://localhost:${site}`;
    const asked = await settleAddresses(settings, { ...nothingAsked, https: true });
    expect(asked).toMatchObject({ site: secure, isHttps: true, overrides: { SITE_URL: secure } });
    const said = await settleAddresses({ ...settings, SITE_URL: secure }, nothingAsked);
    expect(said).toMatchObject({ site: secure, isHttps: true, overrides: {} });
  });

  test("leave a public address of the site alone", async () => {
    const settings = { SITE_URL: "https://my-tunnel.example", VIPPS_CLIENT_ID: "a" };
    const settled = await settleAddresses(settings, { ...nothingAsked, sitePort: await freePort() });
    expect(settled).toMatchObject({ simulatorPort: undefined, overrides: {} });
  });

  test("make no sense for a simulator that isn't used", async () => {
    await expect(
      settleAddresses({ VIPPS_CLIENT_ID: "a" }, { ...nothingAsked, simulatorPort: 8788 }),
    ).rejects.toThrow(/settings don't point at the simulator/);
  });
});
