import type { Exchange } from "../exchange.ts";
import { lineText } from "../log-lines.ts";
import type { Seen, ShownError } from "../seen.ts";
import { check, finding, first, type RawFinding, type Row, UNSEEN_TRAFFIC } from "./row-definition.ts";

function anyBrowser(seen: Seen): RawFinding {
  const how =
    "A login may begin in one browser and come back in another: begun in Chrome on an iPhone, returned to Safari. The browser that comes back is asked, by name, whether it is them; only there is the session made. No cookie from the beginning is needed.";
  const { otherBrowser } = seen;
  if (otherBrowser === undefined) return finding({ how, missing: [notWalked] });
  const { asked, authenticatedThere, authenticatedWhereItBegan, pictures, status, heading } = otherBrowser;
  const policy = seen.own.values.CROSS_BROWSER ?? "confirm";
  return finding({
    how,
    pictures,
    checks: [
      check(
        "The login can be finished in the browser it came back to",
        authenticatedThere,
        authenticatedThere ? undefined : `CROSS_BROWSER=${policy}: answered ${status}, “${heading}”`,
      ),
      ...(policy === "confirm" ? [check("That browser is asked first", asked)] : []),
      check("The browser in which it began gets no session from it", !authenticatedWhereItBegan),
    ],
    missing: [
      "A real phone that switches between app and browsers cannot be driven from here; the field phones_tested says what was tried by hand.",
    ],
  });
}

const notWalked = "This part was not walked through in this run.";

function accounts(seen: Seen): RawFinding {
  const { values } = seen.own;
  const kind = values.ACCOUNTS ?? "d1";
  const how =
    kind === "none"
      ? "The site keeps no user registry: with ACCOUNTS=none the account is Vipps' own sub, so there is nothing to link."
      : "A stored sub decides first. Else the verified phone number and the verified email address look for an account: exactly one whose name fits is linked, several or another name must be proven by the person. An unverified address links nothing.";
  if (kind === "none")
    return finding({ how, checks: [check("ACCOUNTS=none: there is no registry to link to", true)] });
  const { members } = seen;
  if (members === undefined)
    return finding({
      how,
      missing: [
        "Linking needs members that the site knew before and people who log in as them; only a run against the simulator has both.",
      ],
    });
  return finding({
    how,
    pictures: members.pictures,
    checks: [
      check(
        "A member of the imported list, logging in with Vipps for the first time, got her own account",
        members.linked,
      ),
      check("Her second login came to the same account", members.sameAccount),
      check(
        "Somebody else under the same email address was asked to prove it, and not let in",
        members.strangerAsked,
      ),
    ],
    missing:
      kind === "remote"
        ? [
            "Shown with the worker's own database. The site's settings name a registry of its own (ACCOUNTS=remote), whose answers were not asked for.",
          ]
        : [],
  });
}

function errors(seen: Seen): RawFinding {
  const how =
    "Every failure has a stable code, a page in the customer's language that says what happened and what to do, a way to try again or to go back, and a reference. The same reference stands in exactly one log line, and customer service finds it in the console. A cancelled login is told calmly.";
  const shown = seen.errors ?? [];
  if (shown.length === 0) return finding({ how, missing: [notWalked] });
  return finding({
    how,
    pictures: shown.flatMap(({ pictures }) => pictures),
    exchanges: callbackErrors(seen),
    logLines: shown.flatMap(({ line }) => (line === undefined ? [] : [lineText(line)])),
    checks: shown.map((error) => errorCheck(error, seen.log !== undefined)),
    missing: [
      ...(seen.log === undefined
        ? [
            "The worker's log cannot be seen from here: give what wrangler tail --format json wrote with --log.",
          ]
        : []),
      ...(seen.environment === "simulator"
        ? []
        : ["Troubles of Vipps itself cannot be arranged here; the run against the simulator shows them."]),
    ],
  });
}

/** One cancelled login as it came back. */
function callbackErrors(seen: Seen): readonly Exchange[] {
  const cancelled = seen.exchanges.filter(
    ({ from, to, url }) =>
      from === "browser" && to === "site" && url.includes("/callback?") && url.includes("error="),
  );
  return first(cancelled);
}

function errorCheck(error: ShownError, logSeen: boolean): ReturnType<typeof check> {
  const { heading, reference, offers, authenticatedAfter, line, status } = error;
  const faults = [
    heading === "" && "the page has no heading",
    reference === "" && "the page shows no reference",
    !offers.retry && !offers.back && "the page offers no way on",
    authenticatedAfter && "there is a session all the same",
    status < 400 && `it was answered with ${status}`,
    logSeen && line === undefined && "no log line has the reference",
  ].filter((fault) => fault !== false);
  const code = line === undefined ? "" : `, logged as ${String(line.fields.code)} (${line.level})`;
  return check(
    error.cause,
    faults.length === 0,
    faults.length === 0 ? `${status} “${heading}”${code}` : faults.join("; "),
  );
}

/** The standard headers, and how long Vipps lets each be. */
const STANDARD_HEADERS = [
  "merchant-serial-number",
  "vipps-system-name",
  "vipps-system-version",
  "vipps-system-plugin-name",
  "vipps-system-plugin-version",
];
const LONGEST = 30;

function headers(seen: Seen): RawFinding {
  const how =
    "All five headers are sent with every request to Vipps, discovery and keys included, each at most 30 characters.";
  if (seen.environment === "deployed") return finding({ how, missing: [UNSEEN_TRAFFIC] });
  const sent = seen.exchanges.filter(({ from, to }) => from === "worker" && to === "provider");
  const kinds = [...new Map(sent.map((exchange) => [new URL(exchange.url).pathname, exchange])).values()];
  return finding({
    how,
    exchanges: first(sent.filter(({ method }) => method === "POST")),
    checks: [
      check(
        "The worker sent requests to Vipps",
        sent.length > 0,
        `${sent.length} requests to ${kinds.length} endpoints`,
      ),
      ...STANDARD_HEADERS.map((name) => {
        const without = kinds.filter(({ requestHeaders }) => !isProper(requestHeaders[name]));
        const values = [...new Set(sent.map(({ requestHeaders }) => requestHeaders[name] ?? "(absent)"))];
        return check(
          canonical(name),
          without.length === 0,
          without.length === 0
            ? values.join(", ")
            : `missing or too long at ${without.map(({ url }) => new URL(url).pathname).join(", ")}`,
        );
      }),
    ],
  });
}

const isProper = (value: string | undefined): boolean =>
  value !== undefined && value !== "" && value.length <= LONGEST;

const canonical = (name: string): string => name.replace(/\b[a-z]/g, (letter) => letter.toUpperCase());

export const QUALITY_ROWS: readonly Row[] = [
  {
    id: "any-browser",
    section: "quality",
    title: "Ensure functionality",
    asked:
      "The login works in all browsers, also when it begins in one that is not the phone's default, such as Chrome on iOS.",
    document: "docs/different-browser.md",
    scenes: ["otherBrowser"],
    judge: anyBrowser,
  },
  {
    id: "accounts",
    section: "quality",
    title: "Connect existing accounts",
    asked:
      "Users of Vipps or MobilePay are linked to the site's own user registry, by Vipps' recommendations.",
    document: "docs/accounts.md",
    scenes: ["members"],
    judge: accounts,
  },
  {
    id: "errors",
    section: "quality",
    title: "Handle errors",
    asked:
      "Errors are logged and handled, cancelled logins and errors on the way back among them; customers and staff see and understand them.",
    document: "docs/operations.md",
    scenes: ["errors"],
    judge: errors,
  },
  {
    id: "headers",
    section: "quality",
    title: "Include standard HTTP headers",
    asked: "The standard headers go with every API request. Mandatory for partners and platforms.",
    document: "docs/configuration.md",
    scenes: ["login"],
    judge: headers,
  },
];
