import { faultsIn, workerTest } from "./fault.ts";

const events = workerTest("events");

/** What the site's other systems are told: none lost, none made up, in order, and nothing of who people are. */
export const EVENTS_FAULTS = [
  ...faultsIn("src/events/outbox.ts", [
    ["a later event overtakes an earlier one of the same person", "AND id = $", "AND id > $", [events]],
    ["two send the same event at once", "AND due_at <= ?3\n", "AND due_at > 0\n", [events]],
    [
      "an event that was not received is taken for delivered",
      "...[site, about, id, settled.state,",
      '...[site, about, id, "delivered",',
      [events],
    ],
  ]),
  ...faultsIn("src/events/deliver-events.ts", [
    [
      "an event that was not received is not sent again",
      "else message.retry({ delaySeconds: Math.ceil(delay / SECOND) });",
      "else message.ack();",
      [events],
    ],
    ["every try comes after five seconds", "DELAYS[tries - 1]", "DELAYS[0]", [events]],
    [
      "what the project's own code throws is written down",
      ': "the project\'s own code failed";',
      ": String(error);",
      [events],
    ],
  ]),
  ...faultsIn("src/events/post-event.ts", [
    ["a redirect is followed", 'redirect: "manual"', 'redirect: "follow"', [events]],
    [
      "a slow receiver holds the others up",
      "const TIME_LIMIT = 10_000;",
      "const TIME_LIMIT = 100_000;",
      [events],
    ],
    [
      "an answer without end is read to the end",
      "const SIZE_LIMIT = 64 * 1024;",
      "const SIZE_LIMIT = 1e9;",
      [events],
    ],
    ["something else than id, time and body is signed", "utf8(`$", "utf8(`evt$", [events]],
  ]),
  ...faultsIn("src/events/notice.ts", [
    [
      "what nobody has in hand is found by nobody",
      "await sendNotices(queue, reachable);",
      "await sendNotices(queue, []);",
      [events],
    ],
  ]),
  ...faultsIn("src/accounts/consents.ts", [
    ["an answer that changes nothing is told", "} <> ?8 AND", "} <> ?8 + 5 AND", [events]],
  ]),
  ...faultsIn("src/accounts/erase-account.ts", [
    ["an erasure is not told", "records.outbox === undefined", "records.outbox !== undefined", [events]],
  ]),
  ...faultsIn("src/session/user-sessions.ts", [
    [
      "the end of a session is forgotten where the database fails",
      "      return false;\n    }\n    for (const { event } of ended)",
      "    }\n    for (const { event } of ended)",
      [events],
    ],
    ["an expired session is not told", 'this.#noteEnded(expired, "expired");', "", [events]],
  ]),
];
