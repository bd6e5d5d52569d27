import { ASSETS, type Design, NO_BINDINGS } from "./design.ts";

const BASELINE = {
  kind: "baseline",
  vars: () => ({}),
  compatibilityFlags: [],
  login: undefined,
} as const;

/** A Worker that answers with a constant. */
export const PLAIN: Design = {
  ...BASELINE,
  id: "plain",
  name: "Plain Response",
  source: { entry: "bench/workers/baselines/plain.ts" },
  bindings: NO_BINDINGS,
  sessionPath: "/auth/session",
  guardedPath: undefined,
  configuredAs: "One `Response.json()`, nothing else.",
};

/** What every ratio is to. */
export const HONO: Design = {
  ...BASELINE,
  id: "hono",
  name: "Bare Hono",
  source: { entry: "bench/workers/baselines/hono.ts" },
  bindings: ASSETS,
  sessionPath: "/auth/session",
  guardedPath: "/members/",
  configuredAs: "Hono with two routes and no authentication: the same answers, to everybody.",
};

/** The least that starting a login can be. */
export const REDIRECT: Design = {
  ...BASELINE,
  id: "redirect",
  name: "Bare Hono, a redirect",
  source: { entry: "bench/workers/baselines/redirect.ts" },
  bindings: NO_BINDINGS,
  sessionPath: undefined,
  guardedPath: undefined,
  configuredAs: "Hono with one route that answers 302 with a constant address, and nothing of a login.",
};

/** What storing each click would cost. */
export const DURABLE_WRITE: Design = {
  ...BASELINE,
  id: "durable-write",
  name: "Bare Hono + one durable write",
  source: { entry: "bench/workers/baselines/durable-write.ts" },
  bindings: { ...NO_BINDINGS, durableObjects: { WRITTEN: "Written" } },
  sessionPath: undefined,
  guardedPath: undefined,
  configuredAs:
    "Hono with one route that makes a fresh Durable Object and writes one value of a login attempt's size into it; once without and once with an alarm that deletes it.",
};
