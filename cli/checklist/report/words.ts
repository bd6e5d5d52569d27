import type { Environment } from "../row.ts";
import type { Report, ReportRow, Status } from "./report.ts";

export const STATUS_WORDS: Readonly<Record<Status, string>> = {
  failed: "Failed",
  open: "Still to show",
  fill: "To fill in",
  met: "Met",
  none: "Not applicable",
};

export const STATUS_SIGNS: Readonly<Record<Status, string>> = {
  failed: "✗",
  open: "…",
  fill: "✎",
  met: "✓",
  none: "–",
};

export const ENVIRONMENT_WORDS: Readonly<Record<Environment, string>> = {
  simulator: "Simulator",
  test: "Vipps test environment",
  deployed: "Deployed site",
};

/** What the reader must know of where the evidence comes from. */
export const ENVIRONMENT_NOTES: Readonly<Record<Environment, string>> = {
  simulator:
    "This evidence comes from the simulator, a stand-in for Vipps MobilePay on the developer's own machine, with made-up people and keys. It shows what the worker does; Vipps does not accept it as examples.",
  test: "This evidence comes from Vipps' own test environment: the worker ran on the merchant's machine, its requests to Vipps were recorded as they left it.",
  deployed:
    "This evidence comes from the deployed site, seen as a browser sees it. What goes between the worker and Vipps cannot be seen from outside.",
};

/** `2026-11-22 16:04 UTC` */
export const moment = (iso: string): string => `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;

export function ageWords({ age, isOld }: ReportRow, maxAge: number): string {
  if (age === undefined) return "";
  const days = age === 0 ? "today" : age === 1 ? "1 day old" : `${age} days old`;
  return isOld ? `${days}, more than ${maxAge}: too old to be sent` : days;
}

export function titleOf({ merchant, sites }: Report): string {
  const [site] = sites;
  return merchant.company_name ?? (site === undefined ? "a site" : new URL(site).host);
}

export const SENDER_WORDS = { browser: "Browser", worker: "Worker", command: "This command" } as const;
export const RECEIVER_WORDS = { site: "site", provider: "Vipps" } as const;

/** Who the provider is in an exchange of this environment. */
export function receiverWords(to: keyof typeof RECEIVER_WORDS, environment: Environment): string {
  return to === "provider" && environment === "simulator" ? "simulator" : RECEIVER_WORDS[to];
}
