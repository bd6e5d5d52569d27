import { type Found, holds, skipped } from "../../findings/finding.ts";
import { type Exchange, pathOf } from "../exchange.ts";
import type { Seen } from "../walk.ts";

export function* judgeOtherBrowser({ otherBrowser, own }: Seen): Iterable<Found> {
  if (otherBrowser === undefined) return;
  const { asked, authenticatedThere, authenticatedWhereItBegan, status, heading } = otherBrowser;
  const policy = own.values.CROSS_BROWSER ?? "confirm";
  yield holds(
    "The login can be finished in the browser it came back to",
    authenticatedThere,
    authenticatedThere ? undefined : `CROSS_BROWSER=${policy}: answered ${status}, “${heading}”`,
  );
  if (policy === "confirm") yield holds("That browser is asked first", asked);
  yield holds("The browser in which it began gets no session from it", !authenticatedWhereItBegan);
  yield skipped(
    "A real phone that switches between app and browsers cannot be driven from here; the field phones_tested says what was tried by hand.",
  );
}

export function* judgeMembers({ own, members }: Seen): Iterable<Found> {
  const { ACCOUNTS: kind = "d1" } = own.values;
  if (kind === "none") return yield holds("ACCOUNTS=none: there is no registry to link to", true);
  if (members === undefined) return;
  yield holds(
    "A member of the imported list, logging in with Vipps for the first time, got her own account",
    members.linked,
  );
  yield holds("Her second login came to the same account", members.sameAccount);
  yield holds(
    "Somebody else under the same email address was asked to prove it, and not let in",
    members.strangerAsked,
  );
  if (kind === "remote")
    yield skipped(
      "Shown with the worker's own database. The site's settings name a registry of its own (ACCOUNTS=remote), whose answers were not asked for.",
    );
}

export function* judgeErrors({ errors = [], log, environment }: Seen): Iterable<Found> {
  for (const error of errors) {
    const { heading, reference, offers, authenticatedAfter, line, status } = error;
    const faults = [
      heading === "" && "the page has no heading",
      reference === "" && "the page shows no reference",
      !offers.retry && !offers.back && "the page offers no way on",
      authenticatedAfter && "there is a session all the same",
      status < 400 && `it was answered with ${status}`,
      log !== undefined && line === undefined && "no log line has the reference",
    ].filter((fault) => fault !== false);
    const logged = line === undefined ? "" : `, logged as ${String(line.fields.code)} (${line.level})`;
    yield holds(
      error.cause,
      faults.length === 0,
      faults.length === 0 ? `${status} “${heading}”${logged}` : faults.join("; "),
    );
  }
  if (errors.length > 0 && log === undefined)
    yield skipped(
      "The worker's log cannot be seen from here: give what wrangler tail --format json wrote with --log.",
    );
  if (errors.length > 0 && environment !== "simulator")
    yield skipped(
      "Troubles of Vipps itself cannot be arranged here; the run against the simulator shows them.",
    );
}

/** One cancelled login as it came back. */
export const cancelledLogin = ({ exchanges }: Seen): readonly (Exchange | undefined)[] => [
  exchanges.find(
    ({ from, to, url }) =>
      from === "browser" && to === "site" && url.includes("/callback?") && url.includes("error="),
  ),
];

/** The standard headers, and how long Vipps lets each be. */
const STANDARD_HEADERS = [
  "merchant-serial-number",
  "vipps-system-name",
  "vipps-system-version",
  "vipps-system-plugin-name",
  "vipps-system-plugin-version",
];
const LONGEST = 30;

export function* judgeHeaders({ exchanges, environment }: Seen): Iterable<Found> {
  if (environment === "deployed") return;
  const sent = exchanges.filter(({ from, to }) => from === "worker" && to === "provider");
  const kinds = [...new Map(sent.map((exchange) => [pathOf(exchange), exchange])).values()];
  const amount = `${sent.length} requests to ${kinds.length} endpoints`;
  yield holds("The worker sent requests to Vipps", sent.length > 0, amount);
  for (const name of STANDARD_HEADERS) {
    const lacking = kinds.filter(({ requestHeaders: { [name]: value = "" } }) => {
      return value === "" || value.length > LONGEST;
    });
    const values = [...new Set(sent.map(({ requestHeaders }) => requestHeaders[name] ?? "(absent)"))];
    yield holds(
      name.replace(/\b[a-z]/g, (letter) => letter.toUpperCase()),
      lacking.length === 0,
      lacking.length === 0 ? values.join(", ") : `missing or too long at ${lacking.map(pathOf).join(", ")}`,
    );
  }
}
