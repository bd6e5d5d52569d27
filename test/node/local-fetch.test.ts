import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { fetchFromHere } from "../../cli/local-fetch.ts";

const server = http.createServer((request, response) => {
  response.setHeader("set-cookie", ["a=1", "b=2"]);
  response.writeHead(302, { location: "/further" });
  response.end(`${request.method} ${request.headers.host}${request.url} ${request.headers["x-asked"]}`);
});
let port: number;

beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => server.close());

it("finds names below localhost here, whatever DNS says of them", async () => {
  const url = `http://kunde1.localhost:${port}/auth/health?x=1`;
  const answer = await fetchFromHere(url, { redirect: "manual", headers: { "x-asked": "so" } });
  expect([answer.status, answer.headers.get("location")]).toEqual([302, "/further"]);
  expect(answer.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
  expect(await answer.text()).toBe(`GET kunde1.localhost:${port}/auth/health?x=1 so`);
});

it("says why there is no answer, and gives up when it is told to", async () => {
  server.close();
  const url = `http://kunde1.localhost:${port}/`;
  await expect(fetchFromHere(url)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  await expect(fetchFromHere(url, { signal: AbortSignal.abort() })).rejects.toThrow("abort");
});
