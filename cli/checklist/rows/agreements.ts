import { type Found, holds, skipped } from "../../findings/finding.ts";
import type { Seen } from "../walk.ts";

export function* judgeTerms({ login, own, environment }: Seen): Iterable<Found> {
  if (own.values.TERMS_URL === undefined)
    return yield skipped(
      "The site's settings name no terms, so the worker asks for none. Set TERMS_URL and TERMS_VERSION, or say in the field terms_presented where the site does it.",
    );
  const terms = login?.terms;
  yield holds(
    "A new person was shown the terms before there was a session",
    terms !== undefined || environment === "test",
    terms === undefined ? "this person had accepted them before" : undefined,
  );
  yield holds("No box was ticked beforehand", (terms?.ticked ?? 0) === 0);
}

export function* judgeWebhook({ webhook }: Seen): Iterable<Found> {
  if (webhook === undefined) return;
  yield holds("The notice is accepted", webhook.status === 204, `answered with ${webhook.status}`);
  yield holds("The person's sessions end", webhook.sessionEnded);
  yield holds("With another secret there is no such address", webhook.wrongSecretStatus === 404);
}

/** The values of the component's attributes that matter for a login (Vipps, button documentation). */
const DOCUMENTED: Readonly<Record<string, readonly string[]>> = {
  brand: ["vipps", "mobilepay"],
  verb: ["login", "continue", "register"],
  branded: ["true"],
  stretched: ["true", "false"],
};

/** How the component names a language; for Danish its versions differ, and the element takes the one that works. */
const namesOf = (language: string): readonly string[] => (language === "da" ? ["da", "dk"] : [language]);

export function* judgeButton({ button }: Seen): Iterable<Found> {
  if (button === undefined) return;
  const { path, words, official } = button;
  yield holds(
    `The page ${path} has a button or link that leads to the login`,
    words !== undefined,
    words === undefined ? "none was found: name the page with --button-page" : `“${words}”`,
  );
  yield holds(
    "It asks for Vipps' own component",
    official !== "not asked for",
    official === "not asked for"
      ? "add the attribute official, or check the button of your own by hand"
      : official,
  );
  for (const [language, asked] of Object.entries(button.attributes)) {
    const documented = { ...DOCUMENTED, language: namesOf(language) };
    const wrong = Object.entries(documented).filter(([name, values]) => !values.includes(asked[name] ?? ""));
    const told = wrong.length > 0 ? wrong.map(([name]) => name) : ["brand", "language", "verb"];
    yield holds(
      `In ${language}, its attributes are documented ones`,
      wrong.length === 0,
      told.map((name) => `${name}="${asked[name] ?? ""}"`).join(wrong.length > 0 ? ", " : " "),
    );
  }
  if (official === "asked for, script not loaded")
    yield skipped(
      "Vipps' script could not be loaded during this run (no network, or a content security policy), so the pictures show the plain button.",
    );
}

export function* judgeConsole({ own, console }: Seen): Iterable<Found> {
  const isSetUp = own.values.SUPPORT_STAFF !== undefined;
  // Demonstrated with a test user; whose console it will be is for the merchant's settings to say.
  if (isSetUp || console === undefined)
    yield holds(
      "SUPPORT_STAFF names who may open the console",
      isSetUp,
      isSetUp
        ? undefined
        : "it is not set, so nobody can: set it, or say in the field customer_service what staff use instead",
    );
  if (console === undefined)
    return yield skipped(
      "Staff have to log in for it; only a run against the simulator opens the console by itself.",
    );
  yield holds("Staff found a failed login by the reference on the customer's page", console.foundByReference);
  yield holds(
    "To a customer the console is not there",
    console.customerStatus === 404,
    `answered with ${console.customerStatus}`,
  );
  if (!isSetUp)
    yield skipped("SUPPORT_STAFF is not set: the pictures show the console with a test user as staff.");
}

export function* judgePartner({ own, environment }: Seen): Iterable<Found> {
  yield holds("VIPPS_MSN names the sales unit", own.values.VIPPS_MSN !== undefined);
  if (environment === "simulator")
    yield skipped(
      "This run used a sales unit's own keys: partner keys work in Vipps' production environment only.",
    );
  yield skipped(
    "Partners also send the production sign-up form with details about the company and the solution.",
  );
}

/** What the examples of requests are worth, by where they come from. */
export const EXAMPLES = {
  simulator:
    "Examples from the simulator show that the worker does what is asked. Vipps does not accept them as examples: those have to come from its own test environment (--provider test).",
  test: "The examples in this report come from Vipps' test environment, each with its time.",
  deployed:
    "The examples in this report are what a browser and this command saw of the deployed site, each with its time.",
} as const;
