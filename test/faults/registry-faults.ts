import { faultsIn, requirement, workerTest } from "./fault.ts";

const plans = workerTest("registry-plans");
const erasure = workerTest("accounts-erasure");
const guesses = workerTest("accounts-guesses");
const records = workerTest("accounts-records");

/** Statements as version 0.1.0 had them, which cost more the larger the registry is, and what else may go wrong in it. */
export const REGISTRY_FAULTS = [
  ...faultsIn("src/accounts/d1-login.ts", [
    [
      "a phone number is looked for in all accounts of the site",
      "FROM accounts INDEXED BY accounts_by_phone",
      "FROM accounts",
      [plans],
    ],
    [
      "an email address is looked for in all accounts of the site",
      "FROM accounts INDEXED BY accounts_by_email",
      "FROM accounts",
      [plans],
    ],
  ]),
  ...faultsIn("src/accounts/d1-directory.ts", [
    [
      "identities of an account are looked for in all of the site",
      "FROM identities i INDEXED BY identities_by_account\n",
      "FROM identities i\n",
      [plans],
    ],
    [
      "an erasure goes through all identities of the site",
      "DELETE FROM identities INDEXED BY identities_by_account WHERE",
      "DELETE FROM identities WHERE",
      [plans],
    ],
    [
      "customer service looks for a phone number in all accounts",
      '["phone", "phone", "INDEXED BY accounts_by_phone"],',
      '["phone", "phone", ""],',
      [plans],
    ],
    [
      "customer service looks for an email address in all accounts",
      '["email", "email", "INDEXED BY accounts_by_email"],',
      '["email", "email", ""],',
      [plans],
    ],
  ]),
  ...faultsIn("src/accounts/link-requests.ts", [
    [
      "who waits for an account is looked for in all requests",
      "`link_candidates c\n    CROSS JOIN link_requests r ON r.site = c.site AND r.msn = c.msn AND r.sub = c.sub\n    WHERE c.site = ?1 AND c.account_id = ?3`",
      '"link_requests r WHERE r.site = ?1 AND EXISTS (SELECT 1 FROM json_each(r.candidates) WHERE value = ?3)"',
      [plans],
    ],
  ]),
  ...faultsIn("src/accounts/login-figures.ts", [
    [
      "what has been counted is counted again",
      "ON CONFLICT DO UPDATE SET until = excluded.until",
      "ON CONFLICT DO NOTHING",
      [records],
    ],
    [
      "logins that an earlier version has counted are counted again",
      "WHERE uncounted = 1 GROUP",
      "WHERE true GROUP",
      [records],
    ],
    ["a login that is written late is never counted", "SETTLED_AFTER = 15", "SETTLED_AFTER = 0", [records]],
    ["more logins than fit into a portion are left out", "?? 0) < PORTION", "?? 0) < 2 * PORTION", [records]],
  ]),
  ...faultsIn("src/accounts/retention.ts", [
    [
      "clearing looks for what it deletes once for every account",
      "WITH gone AS MATERIALIZED (",
      "WITH gone AS NOT MATERIALIZED (",
      [plans],
    ],
  ]),
  ...faultsIn("src/accounts/audit-log.ts", [
    [
      "a statement that nobody tries is written",
      "interface AuditRow {",
      'export const forgotten = "SELECT actor FROM audit_log WHERE action = ?1";\n\ninterface AuditRow {',
      [plans],
    ],
  ]),
  ...faultsIn("src/accounts/erasure-list.ts", [
    [
      "an erasure that KV did not take is noted nowhere",
      "if (!(await note(namespace, site, subject))) return;",
      "if (await note(namespace, site, subject)) return;",
      [requirement("r43-r44-sessions")],
    ],
  ]),
  ...faultsIn("src/accounts/retention.ts", [
    [
      "an erasure still to be noted is forgotten after a day",
      "erased_at BETWEEN 0 AND ?1",
      "erased_at < ?1",
      [requirement("r43-r44-sessions")],
    ],
  ]),
  ...faultsIn("src/accounts/erase-account.ts", [
    [
      "sessions live on when an erasure fails",
      "  await endSessions(Date.now() + PATIENCE);\n",
      "",
      [erasure],
    ],
    ["whoever was erased cannot come back for a while", "  await endSessions(Date.now());\n", "", [erasure]],
    [
      "an erasure leaves what is written while it runs",
      "return [...written, ...ofAccount,",
      "return [...ofAccount,",
      [erasure],
    ],
    [
      "a login that was under way makes an erased person's account anew",
      "return [...written, ...ofAccount, waiting, ...requests, ...marks];",
      "return [...written, ...ofAccount, waiting, ...requests, ...marks.slice(marks.length)];",
      [erasure],
    ],
  ]),
  ...faultsIn("src/session/user-sessions.ts", [
    [
      "a login gets its session though the account was erased meanwhile",
      "this.ctx.storage.kv.put(REFUSED_BEFORE, begunBefore);",
      "this.ctx.storage.kv.put(REFUSED_BEFORE, 0 * begunBefore);",
      [erasure],
    ],
  ]),
  ...faultsIn("src/accounts/proof-guesses.ts", [
    [
      "many people may guess at one account for ever",
      "return candidates.filter((_, index) => (counted[index]?.results.length ?? 0) > 0);",
      "return candidates.filter((_, index) => counted[index] !== undefined);",
      [guesses],
    ],
    [
      "one person guesses on in spite of the limit",
      "if ((await fromDatabase(site, () => byPerson.first())) === null || candidates.length === 0) return [];",
      "await fromDatabase(site, () => byPerson.first());\n  if (candidates.length === 0) return [];",
      [guesses],
    ],
  ]),
  ...faultsIn("src/accounts/link-requests.ts", [
    [
      "who said no is remembered",
      "`DELETE FROM link_requests WHERE site",
      "`DELETE FROM link_requests WHERE false AND site",
      [records],
    ],
  ]),
];
