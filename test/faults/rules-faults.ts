import { faultsIn, workerTest } from "./fault.ts";

const rules = workerTest("rules");

export const RULES_FAULTS = [
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
  ]),
  ...faultsIn("src/rules/asked-rule.ts", [
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
  ...faultsIn("src/login/login-asks.ts", [
    [
      "a birth date that one page asked for is kept with the account",
      "if (further.length === 0) return identity;",
      "return identity;",
      [rules],
    ],
  ]),
  ...faultsIn("src/support/groups-route.ts", [
    [
      "staff give the group that makes staff",
      "...chosen.filter((name) => !staffGroups.has(name)),",
      "...chosen,",
      [rules],
    ],
  ]),
];
