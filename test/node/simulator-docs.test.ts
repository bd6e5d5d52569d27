import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  ENDPOINTS,
  FAILING_ANSWERS,
  ID_TOKEN_FAULTS,
  PROPER_BEHAVIOUR,
  USER_FAULTS,
} from "../../simulator/behaviour.ts";
import { ACTIONS } from "../../simulator/control-routes.ts";
import { TEST_USERS } from "../../simulator/users.ts";

const documentation = readFileSync(new URL("../../docs/simulator.md", import.meta.url), "utf8");
const documented = new Set([...documentation.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code));

/** The values a member of the behaviour may take, beside those listed elsewhere. */
const OTHER_VALUES = [
  ...[
    "withoutSlash",
    "other",
    "missing",
    "drop",
    "noIdToken",
    "noAccessToken",
    "noExpiresIn",
    "otherCase",
    "wrongType",
  ],
  ...["otherSub", "noSub", "signed", "lost", "altered", "duplicated", "glued", "wrong", "empty", "emailOnly"],
];

describe("docs/simulator.md", () => {
  it.each([
    ["member", Object.keys(PROPER_BEHAVIOUR).filter((member) => member !== "endpoints")],
    ["member of an endpoint", Object.keys(PROPER_BEHAVIOUR.endpoints.token)],
    ["endpoint", ENDPOINTS],
    ["answer", FAILING_ANSWERS],
    ["fault in the ID token", ID_TOKEN_FAULTS],
    ["fault in people's data", USER_FAULTS],
    ["other value", OTHER_VALUES],
    ["action", Object.keys(ACTIONS).filter((action) => action !== "behaviour")],
    ["test user", TEST_USERS.map(({ id }) => id)],
  ])("names every %s", (_, names) => {
    expect(names.filter((name) => !documented.has(name))).toEqual([]);
  });
});
