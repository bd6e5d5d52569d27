import { readdirSync } from "node:fs";
import { newKeySet } from "../../cli/session-key-set.ts";
import { SITE } from "../load/connection.ts";
import type { Provider } from "../load/provider.ts";
import { SALES_UNIT } from "../load/sales-unit.ts";
import type { Design } from "./design.ts";

const SESSION_KEYS = JSON.stringify(newKeySet());

function vars({ issuer }: Provider): Record<string, string> {
  return {
    SITE_URL: SITE,
    VIPPS_ISSUER: issuer,
    VIPPS_CLIENT_ID: SALES_UNIT.clientId,
    VIPPS_CLIENT_SECRET: SALES_UNIT.clientSecret,
    VIPPS_MSN: SALES_UNIT.msn,
    SESSION_KEYS,
    PROTECTED_PATHS: "/members/*",
  };
}

const OURS = {
  kind: "ours",
  source: "this project",
  compatibilityFlags: [],
  sessionPath: "/auth/session",
  guardedPath: "/members/",
  login: {
    requests: 1,
    behind: {
      attempt: "a sealed `state`; its use is recorded in a Durable Object: once, also by parallel requests",
      ending: "yes; everywhere within 5 minutes (`SESSION_FRESH`)",
      signature: "yes",
      life: "30 days, 7 of them unused",
    },
    async start(visitor) {
      const { status, headers } = await visitor.send({ path: "/auth/login?return_to=/members/" });
      if (status !== 302 || typeof headers.location !== "string") throw new Error(`login answered ${status}`);
      return headers.location;
    },
  },
} as const satisfies Partial<Design>;

const DURABLE_OBJECTS = { LOGIN_ATTEMPTS: "LoginAttempts", USER_SESSIONS: "UserSessions" };

/** As `npm run setup` leaves it: accounts in D1. */
export const OURS_D1: Design = {
  ...OURS,
  id: "ours",
  name: "vipps-login-worker",
  vars,
  bindings: {
    assets: true,
    kv: "VIPPS_METADATA",
    d1: {
      name: "ACCOUNTS_DB",
      schema: readdirSync("migrations")
        .sort()
        .map((file) => `migrations/${file}`),
    },
    durableObjects: DURABLE_OBJECTS,
  },
  configuredAs: "Its defaults: accounts in D1, sessions in Durable Objects, `PROTECTED_PATHS`.",
};

/** Without a registry, which is what the peers without a database do. */
export const OURS_NONE: Design = {
  ...OURS,
  id: "ours-none",
  name: "vipps-login-worker, `ACCOUNTS=none`",
  vars: (provider) => ({ ...vars(provider), ACCOUNTS: "none" }),
  bindings: { assets: true, kv: "VIPPS_METADATA", d1: undefined, durableObjects: DURABLE_OBJECTS },
  configuredAs: "Without a registry; sessions in Durable Objects all the same.",
};
