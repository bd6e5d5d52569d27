import { faultsIn, requirement } from "./fault.ts";

const classes = requirement("r40-storage-classes");
const restored = requirement("r43-r44-sessions");
const passing = requirement("r41-passing-faults");

/** Storage that fails: what is asked again, and what is said of it. */
export const STORAGE_FAULTS = [
  ...faultsIn("src/storage-call.ts", [
    ["nothing is asked once more", "if (again || repeats", "if (!again || repeats", [passing]],
  ]),
  ...faultsIn("src/storage-fault.ts", [
    ["what is overloaded is asked once more", "  if (HOPELESS.has(kind)) return false;\n", "", [passing]],
    [
      "a message of the platform is logged as it is",
      "if (sign !== undefined) return",
      "if (sign !== undefined) return { store, class: kind, cause: text };\n    if (sign !== undefined) return",
      [classes, passing],
    ],
  ]),
  ...faultsIn("src/accounts/login-events.ts", [
    [
      "a login whose event was not confirmed is kept, and so counted, twice",
      "insert(again ?",
      "insert(again && !again ?",
      [passing],
    ],
  ]),
  ...faultsIn("src/accounts/audit-log.ts", [
    [
      "a deed whose line was not confirmed has two",
      "again ? unlessWritten : always",
      "again ? always : always",
      [passing],
    ],
  ]),
  ...faultsIn("src/accounts/consents.ts", [
    [
      "an answer that was not confirmed is noted twice",
      "statements(again ?",
      "statements(!again ?",
      [passing],
    ],
  ]),
  ...faultsIn("src/login/start-login.ts", [
    [
      "a session store that fails keeps people from logging in",
      'error.code !== "storage_unavailable") throw error;',
      'error.code === "storage_unavailable") throw error;',
      [passing],
    ],
  ]),
  ...faultsIn("src/health-route.ts", [
    [
      "the health check does not see that a column is missing",
      " AND proof_guesses.last_guess IS NULL",
      "",
      [classes],
    ],
  ]),
  ...faultsIn("src/session/session-store.ts", [
    [
      "a session outlives its account",
      "if (lives && isThere) return true;",
      "if (lives) return true;",
      [restored],
    ],
    [
      "a session that is recorded at the edge leaves those listed that never reached its browser",
      "[...replaces, ...others]",
      "replaces",
      [restored],
    ],
  ]),
  ...faultsIn("src/login/login-end.ts", [
    [
      "a session that is recorded by the login's object leaves those listed that never reached its browser",
      "[...carried, ...sameBrowser]",
      "carried",
      [restored],
    ],
  ]),
  ...faultsIn("src/session/session.ts", [
    ["a token from the future is believed", "!isFromFuture && at <", "at <", [restored]],
  ]),
  ...faultsIn("src/session/current-session.ts", [
    [
      "the session that a new one replaces lives on",
      'if (replacedLive && worth === "fresh" && !isLookAhead(request))',
      'if (replacedLive && worth === "stale" && !isLookAhead(request))',
      [restored],
    ],
  ]),
  ...faultsIn("src/object-tables.ts", [
    [
      "an object of an earlier release lacks what came since",
      "if (!words.has(columnName))",
      "if (words.size === 0)",
      ["test/worker/object-tables.test.ts"],
    ],
  ]),
  ...faultsIn("src/my-page/erase-route.ts", [
    ["an erasure is noted nowhere but in the database", "by, end, note);", "by, end);", [restored]],
  ]),
  ...faultsIn("cli/erased-accounts.ts", [
    [
      "an erasure that is done again leaves what Vipps asked for",
      '"vipps_consents",\n    "delegated_consents",',
      '"delegated_consents",',
      ["test/node/restore.test.ts"],
    ],
  ]),
];
