import type { Rows } from "../rows.ts";
import { type Exchange, pathOf } from "../traffic.ts";

/** The standard headers, and how long Vipps lets each be. */
const STANDARD_HEADERS = [
  "Merchant-Serial-Number",
  "Vipps-System-Name",
  "Vipps-System-Version",
  "Vipps-System-Plugin-Name",
  "Vipps-System-Plugin-Version",
];
const LONGEST = 30;

const OTHER_BROWSER =
  "A login may begin in one browser and come back in another: begun in Chrome on an iPhone, returned to Safari.";

/** What happens in the browser that a login comes back to, by the setting. */
const CROSS_BROWSER_WORDS: Readonly<Record<string, string>> = {
  confirm: `${OTHER_BROWSER} The browser that comes back is asked, by name, whether it is them; only there is the session made. No cookie from the beginning is needed.`,
  allow: `${OTHER_BROWSER} The session is made in the browser that comes back, which is asked only where it would replace somebody's session (CROSS_BROWSER=allow). No cookie from the beginning is needed.`,
  deny: "A login that comes back in another browser than it began in is refused (CROSS_BROWSER=deny).",
};

export const QUALITY_ROWS = {
  "any-browser": {
    title: "Ensure functionality",
    asked:
      "The login works in all browsers, also when it begins in one that is not the phone's default, such as Chrome on iOS.",
    how: ({ own }) => CROSS_BROWSER_WORDS[own.values.CROSS_BROWSER ?? "confirm"] ?? "",
    asks: {
      phones_tested:
        "On which phones and browsers was a login tried by hand, and when? At least one that is not the phone's default browser, such as Chrome on an iPhone",
    },
    sees: "otherBrowser",
    judge({ otherBrowser: seen, own }) {
      const { CROSS_BROWSER: policy = "confirm" } = own.values;
      const told = `CROSS_BROWSER=${policy}: answered ${seen?.status}, “${seen?.heading}”`;
      return (
        seen && {
          "The login can be finished in the browser it came back to": seen.authenticatedThere || [
            false,
            told,
          ],
          "That browser is asked first": policy === "confirm" ? seen.asked : undefined,
          "The browser in which it began gets no session from it": !seen.authenticatedWhereItBegan,
          "A real phone that switches between app and browsers cannot be driven from here; the field phones_tested says what was tried by hand.":
            "unseen",
        }
      );
    },
  },
  accounts: {
    title: "Connect existing accounts",
    asked:
      "Users of Vipps or MobilePay are linked to the site's own user registry, by Vipps' recommendations.",
    how: ({ own }) =>
      own.values.ACCOUNTS === "none"
        ? "The site keeps no user registry: with ACCOUNTS=none the account is Vipps' own sub, so there is nothing to link."
        : "A stored sub decides first. Else the verified phone number and the verified email address look for an account: exactly one whose name fits is linked, several or another name must be proven by the person. An unverified address links nothing.",
    sees: "members",
    unseen:
      "Linking needs members that the site knew before and people who log in as them; only a run against the simulator has both.",
    judge({ own, members }) {
      const { ACCOUNTS: kind } = own.values;
      if (kind === "none") return { "ACCOUNTS=none: there is no registry to link to": true };
      return (
        members && {
          "A member of the imported list, logging in with Vipps for the first time, got her own account":
            members.linked,
          "Her second login came to the same account": members.sameAccount,
          "Somebody else under the same email address was asked to prove it, and not let in":
            members.strangerAsked,
          "Shown with the worker's own database. The site's settings name a registry of its own (ACCOUNTS=remote), whose answers were not asked for.":
            kind === "remote" ? "unseen" : undefined,
        }
      );
    },
  },
  errors: {
    title: "Handle errors",
    asked:
      "Errors are logged and handled, cancelled logins and errors on the way back among them; customers and staff see and understand them.",
    how: ({ own }) => {
      const isFound = own.values.SUPPORT_STAFF !== undefined;
      return `Every failure has a stable code, a page in the customer's language that says what happened and what to do, a way to try again or to go back, and a reference. The same reference stands in exactly one log line${isFound ? ", and customer service finds it in the console" : ""}. A cancelled login is told calmly.`;
    },
    sees: "errors",
    judge({ errors = [], log, environment }) {
      const judged = errors.map(({ cause, heading, reference, offers, line, status, ...error }) => {
        const faults = [
          heading === "" && "the page has no heading",
          reference === "" && "the page shows no reference",
          !offers.retry && !offers.back && "the page offers no way on",
          error.authenticatedAfter && "there is a session all the same",
          status < 400 && `it was answered with ${status}`,
          log !== undefined && line === undefined && "no log line has the reference",
        ].filter((fault) => fault !== false);
        const logged = line === undefined ? "" : `, logged as ${String(line.code)} (${line.level})`;
        const told = faults.join("; ") || `${status} “${heading}”${logged}`;
        return [cause, [faults.length === 0, told]] as const;
      });
      const isUnseen = (isSo: boolean) => (errors.length > 0 && isSo ? "unseen" : undefined);
      return {
        ...Object.fromEntries(judged),
        "The worker's log cannot be seen from here: give what wrangler tail --format json wrote with --log.":
          isUnseen(log === undefined),
        "Troubles of Vipps itself cannot be arranged here; the run against the simulator shows them.":
          isUnseen(environment !== "simulator"),
      };
    },
    /** One cancelled login as it came back. */
    examples: ({ exchanges }) => [
      exchanges.find(({ to, url }) => to === "site" && /\/callback\?(.*&)?error=/.test(url)),
    ],
    logLines: ({ errors = [] }) => errors.map(({ line }) => line),
  },
  headers: {
    title: "Include standard HTTP headers",
    asked: "The standard headers go with every API request. Mandatory for partners and platforms.",
    how: "All five headers are sent with every request to Vipps, discovery and keys included, each at most 30 characters.",
    wire: "token",
    judge({ exchanges }) {
      const sent = exchanges.filter(({ from }) => from === "worker");
      const headers = STANDARD_HEADERS.map((name) => {
        const valueIn = ({ requestHeaders }: Exchange) => requestHeaders[name.toLowerCase()] ?? "";
        const lacking = sent.filter((each) => valueIn(each) === "" || valueIn(each).length > LONGEST);
        const isSent = lacking.length === 0;
        const told = [...new Set(isSent ? sent.map(valueIn) : lacking.map(pathOf))].join(", ");
        return [name, [isSent, isSent ? told : `missing or too long at ${told}`]] as const;
      });
      const amount = `${sent.length} requests to ${new Set(sent.map(pathOf)).size} endpoints`;
      return {
        "The worker sent requests to Vipps": [sent.length > 0, amount],
        ...Object.fromEntries(headers),
      };
    },
  },
} as const satisfies Rows;
