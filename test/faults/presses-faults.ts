import { faultsIn, requirement } from "./fault.ts";

const presses = requirement("r29-presses");
const audit = requirement("r33-audit");

/** What would let a press be stolen, or put invented words into the audit log. */
export const PRESSES_FAULTS = [
  ...faultsIn("src/http/request.ts", [
    [
      "a press is meant whatever came with it",
      'return form?.get("armed") === "yes" || isTicked(form);',
      "return form !== undefined;",
      [presses],
    ],
    [
      "what the script of the confirm page sets passes for a tick in the console",
      'return form?.get("confirm") === "yes";',
      'return form?.get("confirm") === "yes" || form?.get("armed") === "yes";',
      [presses],
    ],
  ]),
  ...faultsIn("src/support/own-navigation.ts", [
    [
      "a bookmark or a link in another program opens pages of people",
      'fetchSite === "same-origin" &&',
      '["same-origin", "none"].includes(fetchSite) &&',
      [presses],
    ],
    [
      "a picture in a page of the site looks at people",
      '&& (headers.get("sec-fetch-dest") ?? "document") === "document"',
      "",
      [presses],
    ],
  ]),
  ...faultsIn("src/support/known-account.ts", [
    [
      "without a registry everybody is taken to exist",
      "return traces.some(({ length }) => length > 0) ? { id, record: undefined } : undefined;",
      "return traces.length > 0 ? { id, record: undefined } : undefined;",
      [audit],
    ],
  ]),
  ...faultsIn("src/support/end-sessions-route.ts", [
    [
      "any text passes for a session in the audit log",
      "if (!living.some(({ sid }) => sid === session))",
      "if (living.length === 0)",
      [audit],
    ],
  ]),
  ...faultsIn("src/http/around.ts", [
    [
      "a route's own word is overruled",
      "if (!headers.has(name)) headers.set(name, value);",
      "headers.set(name, value);",
      [presses],
    ],
  ]),
];
