import type { Rows } from "../rows.ts";
import { answeredWith } from "../traffic.ts";

/** The values of the component's attributes that matter for a login in a language (Vipps, button documentation). */
const documented = (language: string): Readonly<Record<string, readonly string[]>> => ({
  brand: ["vipps", "mobilepay"],
  verb: ["login", "continue", "register"],
  branded: ["true"],
  stretched: ["true", "false"],
  // For Danish its versions differ, and the element takes the one that works.
  language: language === "da" ? ["da", "dk"] : [language],
});

export const PITFALL_ROWS = {
  buttons: {
    title: "Follow design guidelines",
    asked: "Buttons and brand follow Vipps MobilePay's design guidelines.",
    how: ({ button }) =>
      button?.official === "not asked for"
        ? "The page has a button of the site's own, not Vipps' own component. Whether it follows the guidelines is for somebody to compare by hand."
        : "<vipps-login official> shows Vipps' own component, <vipps-mobilepay-button>, from Vipps' own address; it follows the current guidelines by itself. Where it cannot be loaded, a plain button without a logo leads to the login. No logo is copied.",
    asks: {
      button_pages:
        "On which pages is the login button, and has somebody compared it with the design guidelines?",
    },
    sees: "button",
    judge({ button }) {
      if (button === undefined) return undefined;
      const { path, words, official } = button;
      const isAsked = official !== "not asked for";
      const languages = Object.entries(button.attributes).map(([language, asked]) => {
        const values = documented(language);
        const wrong = Object.keys(values).filter((name) => !values[name]?.includes(asked[name] ?? ""));
        const isRight = wrong.length === 0;
        const told = isRight ? ["brand", "language", "verb"] : wrong;
        const attributes = told.map((name) => `${name}="${asked[name] ?? ""}"`).join(isRight ? " " : ", ");
        return [`In ${language}, its attributes are documented ones`, [isRight, attributes]] as const;
      });
      const found = words === undefined ? "none was found: name the page with --button-page" : `“${words}”`;
      const instead = "add the attribute official, or check the button of your own by hand";
      return {
        [`The page ${path} has a button or link that leads to the login`]: [words !== undefined, found],
        "It asks for Vipps' own component": [isAsked, isAsked ? official : instead],
        ...Object.fromEntries(languages),
        "Vipps' script could not be loaded during this run (no network, or a content security policy), so the pictures show the plain button.":
          official === "asked for, script not loaded" ? "unseen" : undefined,
      };
    },
  },
  "customer-service": {
    title: "Educate customer support",
    asked:
      "Customer service has all it needs in the merchant's own system and does not need Vipps' portal for normal work.",
    how: ({ own }) =>
      own.values.SUPPORT_STAFF === undefined
        ? "The worker's console is open to nobody of the site: SUPPORT_STAFF is not set. Every page of an error shows a reference, which stands in the worker's log."
        : `The console at ${own.authPath}/support finds people by phone, email, name or number, and a failed login by the reference the customer reads out. It shows what happened and what to say, ends sessions, links and corrects accounts, and writes everything down in an audit log. Nobody needs Vipps' portal for daily work.`,
    asks: {
      customer_service:
        "Who answers customers whose login fails, and have they seen the console or a system like it?",
    },
    sees: "console",
    judge({ own, console }) {
      const isSetUp = own.values.SUPPORT_STAFF !== undefined;
      const instead =
        "it is not set, so nobody can: set it, or say in the field customer_service what staff use instead";
      return {
        // Where it was demonstrated with a test user, whose console it will be is for the merchant's settings to say.
        "SUPPORT_STAFF names who may open the console": isSetUp || (console ? undefined : [false, instead]),
        "Staff found a failed login by the reference on the customer's page": console?.foundByReference,
        "To a customer the console is not there": console && answeredWith(404, console.customerStatus),
        "SUPPORT_STAFF is not set: the pictures show the console with a test user as staff.":
          console && !isSetUp ? "unseen" : undefined,
        "Staff have to log in for it; only a run against the simulator opens the console by itself.": console
          ? undefined
          : "unseen",
      };
    },
  },
  partner: {
    title: "Partners and platforms",
    asked: "Partners send the checklist of each product and the production sign-up form.",
    how: "The partner's keys act for the sales unit: the token request carries the partner's access token and the sales unit's Merchant-Serial-Number, and the ID token's msn is checked in place of aud.",
    notApplicable: ({ own }) =>
      !own.isPartner && "VIPPS_KEYS is not partner: the sales unit's own keys are used.",
    asks: { partner_name: "The partner's name, if a partner or platform sends this" },
    judge: ({ own, environment }) => ({
      "VIPPS_MSN names the sales unit": own.values.VIPPS_MSN !== undefined,
      "This run used a sales unit's own keys: partner keys work in Vipps' production environment only.":
        environment === "simulator" ? "unseen" : undefined,
      "Partners also send the production sign-up form with details about the company and the solution.":
        "unseen",
    }),
  },
} as const satisfies Rows;

/** What the examples of requests are worth, by where they come from. */
const EXAMPLES = {
  simulator:
    "Examples from the simulator show that the worker does what is asked. Vipps does not accept them as examples: those have to come from its own test environment (--provider test).",
  test: "The examples in this report come from Vipps' test environment, each with its time.",
  deployed:
    "The examples in this report are what a browser and this command saw of the deployed site, each with its time.",
} as const;

/** What is sent along with the checklist. */
export const SENT_ROWS = {
  recent: {
    title: "Request examples, not more than a month old",
    asked:
      "The examples of requests come from the test environment and are at most one month old when they are sent.",
    how: ({ environment }) => EXAMPLES[environment],
  },
  description: {
    title: "Description of the solution",
    asked: "A short description of the implemented solution.",
    asks: { description: "The solution in a few sentences: what the site is, who logs in, what for" },
    how: "A Cloudflare Worker in front of the site does the OpenID Connect login at the edge and hands the site a signed session.",
  },
  pilot: {
    title: "Pilot customer",
    asked: "Information about the pilot customer.",
    asks: { pilot_customer: "The pilot customer: company, Merchant Serial Number, when they start" },
    how: "Only the merchant or partner knows.",
  },
  video: {
    title: "Video of the login",
    asked:
      "A video that shows a login that succeeds and one that the user rejects, or test access for Vipps to try.",
    asks: {
      video: "Where is the video that shows one login that succeeds and one that the customer rejects?",
    },
    how: "Recorded on a phone, with the app: a screen recording of both, one after the other.",
  },
} as const satisfies Rows;
