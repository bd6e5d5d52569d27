import { describe, expect, test } from "vitest";
import { readOutputLine } from "../../cli/wrangler-output.ts";

const ESC = "\u001b";

describe("a line of wrangler dev", () => {
  test("that the worker logged becomes its event and fields", () => {
    const line = JSON.stringify({
      level: "info",
      event: "login_started",
      reference: "ABC",
      attempts: 2,
      why: "a b",
      steps: { token: 25, account: 6 },
    });
    expect(readOutputLine(line)).toEqual({
      kind: "event",
      level: "info",
      text: 'login_started reference=ABC attempts=2 why="a b" steps=token:25,account:6',
    });
  });

  test("that the worker logged as an error or a warning loses wrangler's frame", () => {
    const log = '{"level":"error","event":"login_failed","empty":""}';
    const framed = `${ESC}[31m✘ ${ESC}[41;31m[${ESC}[41;97mERROR${ESC}[41;31m]${ESC}[0m ${ESC}[1m${log}${ESC}[0m`;
    expect(readOutputLine(framed)).toEqual({ kind: "event", level: "error", text: 'login_failed empty=""' });
    expect(readOutputLine(`▲ [WARNING] ${log}`)).toMatchObject({
      kind: "event",
      text: 'login_failed empty=""',
    });
  });

  test.each([
    "Using secrets defined in .dev.vars",
    "Your Worker has access to the following bindings:",
    "Binding                                   Resource                  Mode",
    "env.LOGIN_ATTEMPTS (LoginAttempts)        Durable Object            local",
    'env.VIPPS_CLIENT_SECRET ("(hidden)")      Environment Variable      local',
    "⎔ Starting local server...",
    "[wrangler:info] Ready on http://localhost:8787",
    "[wrangler:info] GET /auth/health 200 OK (12ms)",
    "[wrangler:info] ✨ Parsed 1 valid header rule.",
    "▲ [WARNING] Scheduled Workers are not automatically triggered during local development.",
    "  To manually trigger a scheduled event, run:",
    '    curl "http://localhost:8787/cdn-cgi/local/scheduled"',
    "  For more details, see https://developers.cloudflare.com/workers/configuration/cron-triggers/#test-cron-triggers-locally",
    "",
  ])("that says what the banner says, or nothing, is noise: %s", (line) => {
    expect(readOutputLine(line)).toEqual({ kind: "noise" });
  });

  test("that is an error keeps its text", () => {
    expect(readOutputLine(`  ${ESC}[31m✘ [ERROR] Expected ";" but found "error"${ESC}[0m`)).toEqual({
      kind: "error",
      text: 'Expected ";" but found "error"',
    });
  });

  test.each(["      at dispatch (file:///src/index.ts:35:17)", '{"not":"an event"}', "{broken}", "anything"])(
    "that is something else is passed on as it is: %s",
    (line) => {
      expect(readOutputLine(line)).toEqual({ kind: "text", text: line });
    },
  );

  test("that tells of a reload says so plainly", () => {
    expect(readOutputLine("⎔ Local server updated and ready")).toEqual({
      kind: "text",
      text: "Worker reloaded with the changed files.",
    });
  });
});
