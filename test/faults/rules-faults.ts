import { faultsIn, workerTest } from "./fault.ts";

const rules = workerTest("rules");

const purposes = workerTest("purposes");
const lists = workerTest("lists");

export const RULES_FAULTS = [
  ...faultsIn("src/login/login-state.ts", [
    [
      "what was shared for a purpose is kept with the account",
      "const isFurther = (name: string) => names.has(name) && !usual.has(name);",
      'const isFurther = (name: string) => name === "birthdate" && names.has(name) && !usual.has(name);',
      [purposes],
    ],
    [
      "a purpose that is gone from the settings lets what came for it through",
      "const further = isGone",
      "const further = isGone && relyingParty.scope.length === 0",
      [purposes],
    ],
    [
      "everything that a login brings is handed out for a purpose",
      "brought: { purpose, claims: picked(identity.claims, (name) => broughtNames.has(name)) },",
      "brought: { purpose, claims: picked(identity.claims, (name) => broughtNames.has(name) || true) },",
      [purposes],
    ],
  ]),
  ...faultsIn("src/session/session-store.ts", [
    [
      "another session of the same person is told what one has brought",
      "return all.find((one) => one.sid === sid && one.purpose === purpose)?.claims;",
      "return all.find((one) => sid !== one.purpose && one.purpose === purpose)?.claims;",
      [purposes],
    ],
    [
      "another purpose is told what was shared for one",
      "all.find((one) => one.sid === sid && one.purpose === purpose)",
      "all.find((one) => one.sid === sid && purpose !== one.sid)",
      [purposes],
    ],
    [
      "an unknown purpose is taken for none",
      'throw new Failure("purpose_unknown", { stage });',
      'if (stage !== "site") return undefined;\n  throw new Failure("purpose_unknown", { stage });',
      [purposes],
    ],
  ]),
  ...faultsIn("src/login/settle-login.ts", [
    [
      "a login for a purpose is over where the person is logged in already",
      "if (isAlreadyIn && isForMore(login.asks)) return undefined;",
      "if (isForMore(undefined)) return undefined;",
      [purposes],
    ],
  ]),
  ...faultsIn("src/vipps/authorization-code.ts", [
    [
      "a login for a purpose goes on without what it was for",
      'needed.length > 0 ? "nobody" : isJudged',
      'needed.length < 0 ? "nobody" : isJudged',
      [purposes],
    ],
  ]),
  ...faultsIn("src/login/login-state.ts", [
    [
      "a purpose takes the place of the return URL's own fragment",
      'rest.lastIndexOf("#")',
      'rest.indexOf("#")',
      [purposes],
    ],
    [
      "a purpose makes the state longer than a return URL may",
      "const most = RETURN_URL_BYTES - (purpose === undefined ? 0 : purpose.length + 1);",
      "const most = RETURN_URL_BYTES + (purpose === undefined ? 0 : 0);",
      [purposes],
    ],
  ]),
  ...faultsIn("src/rules/path-rules.ts", [
    [
      "of several rules on one path only the first holds",
      "return distinct(found.flatMap(({ requires }) => requires));",
      "return distinct(found.slice(0, 1).flatMap(({ requires }) => requires));",
      [rules],
    ],
    [
      "requirements bear on the first reading of a path alone",
      "const tests = Array.from(readings, fitting);",
      "const tests = Array.from(readings, fitting).slice(0, 1);",
      [rules],
    ],
  ]),
  ...faultsIn("src/rules/requirement.ts", [
    [
      "a group is met by one whose name begins like it",
      "requirement.groups.some((group) => own.includes(group))",
      "requirement.groups.some((group) => own.some((name) => String(name).startsWith(group)))",
      [rules],
    ],
    [
      "an unknown age is old enough",
      "if (reached === true) return undefined;",
      "if (reached !== false) return undefined;",
      [rules],
    ],
    ["somebody is a year older the day before", "reached <= today", "reached.slice(0, 7) <= today", [rules]],
    [
      "a proxy that requires nothing lets everybody through",
      'if (named.length === 0) throw unknown("nothing is required");',
      "",
      [rules],
    ],
    [
      "a requirement that no token can meet is passed over",
      "if (claim !== undefined && !session.claims.includes(claim))",
      'if (claim === "no claim")',
      [rules],
    ],
  ]),
  ...faultsIn("src/session/current-session.ts", [
    [
      "a renewed token keeps the groups it had",
      "return { ...session, profile: { ...session.profile, groups } };",
      "return groups.length < 0 ? { ...session, profile: { ...session.profile, groups } } : session;",
      [rules],
    ],
  ]),
  ...faultsIn("src/login/login-state.ts", [
    [
      "a birth date that one page asked for is kept with the account",
      "if (asks === undefined || !isForMore(asks)) return identity;",
      "if (asks !== null) return identity;",
      [rules],
    ],
  ]),
  ...faultsIn("src/accounts/members-export.ts", [
    [
      "an answer that was taken back still counts in a list",
      "ORDER BY c.id DESC LIMIT 1",
      "ORDER BY c.id LIMIT 1",
      [lists],
    ],
    [
      "somebody with two names is twice in the list",
      "AND b.id = n.account_id AND b.search_name = n.name",
      "AND b.id = n.account_id",
      [lists],
    ],
  ]),
  ...faultsIn("src/support/exported-file.ts", [
    ["the audit log does not say how much was taken out", "      await noteSize();\n", "", [lists]],
  ]),
  ...faultsIn("src/support/members-route.ts", [
    [
      "the list opens from anywhere",
      "  withinConsole(request, async () => {",
      "  Promise.resolve(request).then(async () => {",
      [lists],
    ],
    [
      "a file is of everybody, whatever was chosen",
      "const filter = filterOf(form);",
      "const filter = filterOf(new URLSearchParams());",
      [lists],
    ],
  ]),
  ...faultsIn("src/support/groups-route.ts", [
    [
      "staff give the group that makes staff",
      "(added === undefined ? [] : [added])].filter((name) => !staffGroups.has(name)),",
      "(added === undefined ? [] : [added])],",
      [rules],
    ],
    [
      "staff give the group that makes staff by another spelling of it",
      'form.getAll("group").flatMap((name) => groupName(name) ?? []);',
      'form.getAll("group");',
      [rules],
    ],
  ]),
];
