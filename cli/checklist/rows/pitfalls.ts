import type { Seen } from "../seen.ts";
import { check, finding, notApplicable, type RawFinding, type Row } from "./row-definition.ts";

/** The values of the component's attributes that matter for a login (Vipps, button documentation). */
const DOCUMENTED: Readonly<Record<string, readonly string[]>> = {
  brand: ["vipps", "mobilepay"],
  language: [],
  verb: ["login", "continue", "register"],
  branded: ["true"],
  stretched: ["true", "false"],
};
/** How the component names a language; for Danish its versions differ, and the element takes the one that works. */
const LANGUAGE_NAMES: Readonly<Record<string, readonly string[]>> = {
  no: ["no"],
  da: ["da", "dk"],
  sv: ["sv"],
  fi: ["fi"],
  en: ["en"],
};

function buttons(seen: Seen): RawFinding {
  const { button } = seen;
  const how =
    "<vipps-login official> shows Vipps' own component, <vipps-mobilepay-button>, from Vipps' own address; it follows the current guidelines by itself. Where it cannot be loaded, a plain button without a logo leads to the login. No logo is copied.";
  if (button === undefined)
    return finding({ how, missing: ["The page with the button was not looked at in this run."] });
  return finding({
    how,
    pictures: button.pictures,
    checks: [
      check(
        `The page ${button.path} has a button or link that leads to the login`,
        button.words !== undefined,
        button.words === undefined ? "none was found: name the page with --button-page" : `“${button.words}”`,
      ),
      check(
        "It asks for Vipps' own component",
        button.official !== "not asked for",
        button.official === "not asked for"
          ? "add the attribute official, or check the button of your own by hand"
          : button.official,
      ),
      ...Object.entries(button.attributes).map(([language, asked]) => {
        const wrong = Object.entries(DOCUMENTED).flatMap(([name, values]) => {
          const value = asked[name] ?? "";
          const isRight =
            name === "language" ? LANGUAGE_NAMES[language]?.includes(value) : values.includes(value);
          return isRight ? [] : [`${name}="${value}"`];
        });
        const words = ["brand", "language", "verb"].map((name) => `${name}="${asked[name] ?? ""}"`).join(" ");
        return check(
          `In ${language}, its attributes are documented ones`,
          wrong.length === 0,
          wrong.length === 0 ? words : wrong.join(", "),
        );
      }),
    ],
    missing:
      button.official === "asked for, script not loaded"
        ? [
            "Vipps' script could not be loaded during this run (no network, or a content security policy), so the pictures show the plain button.",
          ]
        : [],
  });
}

function customerService(seen: Seen): RawFinding {
  const how =
    "The console at /auth/support finds people by phone, email, name or number, and a failed login by the reference the customer reads out. It shows what happened and what to say, ends sessions, links and corrects accounts, and writes everything down in an audit log. Nobody needs Vipps' portal for daily work.";
  const { values } = seen.own;
  const setUp = check(
    "SUPPORT_STAFF names who may open the console",
    values.SUPPORT_STAFF !== undefined,
    values.SUPPORT_STAFF === undefined
      ? "it is not set, so nobody can: set it, or say in the field customer_service what staff use instead"
      : undefined,
  );
  const { console } = seen;
  if (console === undefined)
    return finding({
      how,
      checks: [setUp],
      missing: ["Staff have to log in for it; only a run against the simulator opens the console by itself."],
    });
  return finding({
    how,
    pictures: console.pictures,
    checks: [
      // Demonstrated with a test user; whose console it will be is for the merchant's settings to say.
      ...(values.SUPPORT_STAFF === undefined ? [] : [setUp]),
      check("Staff found a failed login by the reference on the customer's page", console.foundByReference),
      check(
        "To a customer the console is not there",
        console.customerStatus === 404,
        `answered with ${console.customerStatus}`,
      ),
    ],
    missing:
      values.SUPPORT_STAFF === undefined
        ? ["SUPPORT_STAFF is not set: the pictures show the console with a test user as staff."]
        : [],
  });
}

function partner(seen: Seen): RawFinding {
  if (!seen.own.isPartner)
    return notApplicable("VIPPS_KEYS is not partner: the sales unit's own keys are used.");
  return finding({
    how: "The partner's keys act for the sales unit: the token request carries the partner's access token and the sales unit's Merchant-Serial-Number, and the ID token's msn is checked in place of aud.",
    checks: [check("VIPPS_MSN names the sales unit", seen.own.values.VIPPS_MSN !== undefined)],
    missing: [
      ...(seen.environment === "simulator"
        ? ["This run used a sales unit's own keys: partner keys work in Vipps' production environment only."]
        : []),
      "Partners also send the production sign-up form with details about the company and the solution.",
    ],
  });
}

export const PITFALL_ROWS: readonly Row[] = [
  {
    id: "buttons",
    section: "pitfalls",
    title: "Follow design guidelines",
    asked: "Buttons and brand follow Vipps MobilePay's design guidelines.",
    document: "docs/element.md",
    scenes: ["button"],
    judge: buttons,
  },
  {
    id: "customer-service",
    section: "pitfalls",
    title: "Educate customer support",
    asked:
      "Customer service has all it needs in the merchant's own system and does not need Vipps' portal for normal work.",
    document: "docs/support.md",
    scenes: ["console"],
    judge: customerService,
  },
  {
    id: "partner",
    section: "pitfalls",
    title: "Partners and platforms",
    asked: "Partners send the checklist of each product and the production sign-up form.",
    document: "docs/many-sites.md",
    scenes: [],
    judge: partner,
  },
];
