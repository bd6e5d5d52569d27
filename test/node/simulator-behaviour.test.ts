import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type Endpoint,
  type FailingAnswer,
  InvalidBehaviourError,
  PROPER_BEHAVIOUR,
} from "../../simulator/behaviour.ts";
import { type RunningSimulator, startSimulator } from "../../simulator/server.ts";
import type { Simulator } from "../../simulator/simulator.ts";
import { json, logIn, ORIGIN, requestUserinfo, simulatorWith } from "./simulator-relying-party.ts";

/** Waits until a request has reached the endpoint. */
async function untilCounted({ control }: Simulator, endpoint: Endpoint): Promise<void> {
  while (control.journal.count(endpoint) === 0) await new Promise(setImmediate);
}

describe("endpoints over real HTTP", () => {
  let running: RunningSimulator;
  beforeAll(async () => {
    running = await startSimulator({ port: 0, env: {} });
  });
  afterAll(() => running.close());
  beforeEach(() => {
    running.simulator.control.resetBehaviour();
    running.simulator.control.journal.clear();
  });

  const answering = (answer: FailingAnswer, more: object = {}) =>
    running.simulator.control.setBehaviour({ endpoints: { jwks: { answer, ...more } } });
  const requestKeys = (init?: RequestInit) =>
    fetch(`${running.simulator.issuer}.well-known/jwks.json`, { redirect: "manual", ...init });

  it("down: 503", async () => {
    answering("down");
    expect((await requestKeys()).status).toBe(503);
  });

  it("html: a page with status 200", async () => {
    answering("html");
    const response = await requestKeys();
    expect([response.status, response.headers.get("Content-Type")]).toEqual([
      200,
      "text/html; charset=utf-8",
    ]);
  });

  it("truncated: the beginning of the proper body", async () => {
    const proper = await (await requestKeys()).text();
    answering("truncated");
    const half = await (await requestKeys()).text();
    expect(half).toBe(proper.slice(0, Math.floor(proper.length / 2)));
    expect(() => JSON.parse(half)).toThrow();
  });

  it("huge: 64 MiB that begin like JSON", async () => {
    answering("huge");
    const response = await requestKeys();
    let bytes = 0;
    let beginning = "";
    for await (const chunk of response.body ?? []) {
      if (bytes === 0) beginning = new TextDecoder().decode(chunk.slice(0, 12));
      bytes += chunk.length;
    }
    expect(beginning).toBe('{"padding":"');
    expect(bytes).toBeGreaterThanOrEqual(64 * 1024 * 1024);
  });

  it("redirect: 307 to a place that is counted when it is followed", async () => {
    answering("redirect");
    const response = await requestKeys();
    expect(response.status).toBe(307);
    expect(running.simulator.control.journal.count("redirectTarget")).toBe(0);
    await requestKeys({ redirect: "follow" });
    expect(running.simulator.control.journal.count("redirectTarget")).toBe(1);
  });

  it("error: code, description and status of one's choice", async () => {
    answering("error", {
      errorCode: "temporarily_unavailable",
      errorDescription: "<b>soon</b>",
      errorStatus: 418,
    });
    const response = await requestKeys();
    expect(response.status).toBe(418);
    expect(await json(response)).toEqual({
      error: "temporarily_unavailable",
      error_description: "<b>soon</b>",
    });
  });

  it("hang: no answer until the caller gives up", async () => {
    answering("hang");
    const controller = new AbortController();
    let settled = false;
    const hanging = requestKeys({ signal: controller.signal }).finally(() => {
      settled = true;
    });
    const ended = expect(hanging).rejects.toThrow("given up");
    await untilCounted(running.simulator, "jwks");
    await fetch(`${running.simulator.issuer}.well-known/openid-configuration`);
    expect(settled).toBe(false);
    expect(running.simulator.control.journal.entries[0]?.status).toBe(0);
    controller.abort(new Error("given up"));
    await ended;
  });

  it("stall: a status and half a body, then nothing until the caller gives up", async () => {
    answering("stall");
    const controller = new AbortController();
    const response = await requestKeys({ signal: controller.signal });
    expect(response.status).toBe(200);
    const reader = response.body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toMatch(/^\{"keys":\[/);
    const rest = expect(reader?.read()).rejects.toThrow("given up");
    controller.abort(new Error("given up"));
    await rest;
  });

  it("times: holds for so many requests, then all is well", async () => {
    answering("down", { times: 2 });
    const statuses = [];
    for (let index = 0; index < 4; index += 1) statuses.push((await requestKeys()).status);
    expect(statuses).toEqual([503, 503, 200, 200]);
  });

  it("closing ends requests that hang", async () => {
    const other = await startSimulator({ port: 0, env: {} });
    other.simulator.control.setBehaviour({ endpoints: { discovery: { answer: "hang" } } });
    const hanging = fetch(`${other.simulator.issuer}.well-known/openid-configuration`);
    const ended = expect(hanging).rejects.toThrow();
    await untilCounted(other.simulator, "discovery");
    await other.close();
    await ended;
  });
});

describe("endpoints called as a function", () => {
  afterEach(() => void vi.useRealTimers());

  it("delay: the proper answer, so many milliseconds later", async () => {
    const simulator = simulatorWith();
    simulator.control.setBehaviour({ endpoints: { discovery: { delay: 3000 } } });
    vi.useFakeTimers();
    let settled = false;
    const late = simulator
      .fetch(new Request(`${simulator.issuer}.well-known/openid-configuration`))
      .finally(() => {
        settled = true;
      });
    await vi.advanceTimersByTimeAsync(2999);
    expect(settled).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await json(late)).toMatchObject({ issuer: simulator.issuer });
  });

  it("give up with the reason of the signal, at once and while they wait", async () => {
    const simulator = simulatorWith();
    simulator.control.setBehaviour({ endpoints: { userinfo: { answer: "hang" }, token: { delay: 60_000 } } });
    const controller = new AbortController();
    const request = (path: string) => new Request(`${ORIGIN}${path}`, { signal: controller.signal });
    const waiting = simulator.fetch(request("/vipps-userinfo-api/userinfo"));
    const slow = simulator.fetch(request("/access-management-1.0/access/oauth2/token"));
    controller.abort(new Error("given up"));
    await expect(waiting).rejects.toThrow("given up");
    await expect(slow).rejects.toThrow("given up");
    await expect(simulator.fetch(request("/vipps-userinfo-api/userinfo"))).rejects.toThrow("given up");
  });
});

describe("a stalled body read from a function call", () => {
  it("fails once the request is given up", async () => {
    const simulator = simulatorWith();
    simulator.control.setBehaviour({ endpoints: { jwks: { answer: "stall" } } });
    const controller = new AbortController();
    const url = `${simulator.issuer}.well-known/jwks.json`;
    const response = await simulator.fetch(new Request(url, { signal: controller.signal }));
    const reading = expect(response.text()).rejects.toThrow("given up");
    controller.abort(new Error("given up"));
    await reading;
  });
});

describe("random failures", () => {
  const run = async (seed: number, failureRate: number) => {
    const simulator = simulatorWith();
    simulator.control.setBehaviour({
      seed,
      endpoints: { jwks: { failureRate, failures: ["down", "html"] } },
    });
    const answers = [];
    for (let index = 0; index < 200; index += 1) {
      const response = await simulator.fetch(new Request(`${simulator.issuer}.well-known/jwks.json`));
      answers.push(response.headers.get("Content-Type")?.split(";")[0]);
    }
    return answers;
  };
  const failed = (answers: readonly unknown[]) =>
    answers.filter((type) => type !== "application/json").length;

  it("are the same for the same seed, others for another", async () => {
    const first = await run(7, 0.2);
    expect(await run(7, 0.2)).toEqual(first);
    expect(await run(8, 0.2)).not.toEqual(first);
    expect(new Set(first)).toEqual(new Set(["application/json", "text/plain", "text/html"]));
  });

  it("are as many as was said", async () => {
    expect(failed(await run(1, 0))).toBe(0);
    expect(failed(await run(1, 0.2))).toBeGreaterThan(20);
    expect(failed(await run(1, 0.2))).toBeLessThan(60);
    expect(failed(await run(1, 1))).toBe(200);
  });
});

describe("changing the behaviour", () => {
  it("leaves everything else as it is, and reset brings back the proper one", () => {
    const { control } = simulatorWith();
    control.setBehaviour({ endpoints: { token: { delay: 5 } } });
    control.setBehaviour({ endpoints: { token: { answer: "down" } }, idTokenFault: "noExp" });
    expect(control.behaviour.endpoints.token).toMatchObject({ delay: 5, answer: "down" });
    expect(control.behaviour.endpoints.jwks).toEqual(PROPER_BEHAVIOUR.endpoints.jwks);
    expect(control.resetBehaviour()).toEqual(PROPER_BEHAVIOUR);
  });

  it("refuses what makes no sense, names every mistake and changes nothing", () => {
    const { control } = simulatorWith();
    const update = {
      idTokenFault: "nothing",
      unknown: true,
      seed: -1,
      endpoints: { token: { delay: "slow" }, nowhere: {} },
    };
    const change = () => control.setBehaviour(update as never);
    expect(change).toThrow(InvalidBehaviourError);
    for (const name of ["idTokenFault", "unknown", "seed", "endpoints.token.delay", "nowhere"]) {
      expect(change).toThrow(name);
    }
    expect(() => control.setBehaviour("all wrong" as never)).toThrow(InvalidBehaviourError);
    expect(control.behaviour).toEqual(PROPER_BEHAVIOUR);
  });

  it("belongs to one simulator alone", async () => {
    const [one, other] = [simulatorWith(), simulatorWith()];
    one.control.setBehaviour({ endpoints: { userinfo: { answer: "down" } } });
    const { tokens } = await logIn(other);
    expect((await requestUserinfo(other, tokens.access_token)).status).toBe(200);
    expect((await requestUserinfo(one, tokens.access_token)).status).toBe(503);
  });
});
