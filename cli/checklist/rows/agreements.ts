import type { Seen } from "../seen.ts";
import { check, finding, notApplicable, type RawFinding, type Row } from "./row-definition.ts";

function company(): RawFinding {
  return finding({
    how: "The sales unit's name stands on Vipps' page, name and logo in the app under 'Companies with access'. Both are set in the portal, where no program can look.",
  });
}

function terms(seen: Seen): RawFinding {
  const { values } = seen.own;
  const shown = seen.login?.terms;
  const how =
    "New people accept the terms before there is a session, and again when their version changes. Voluntary consents are asked for beside them, never ticked beforehand. Every answer is kept with its words, language and time.";
  const pictures = shown?.pictures ?? [];
  if (values.TERMS_URL === undefined)
    return finding({
      how,
      pictures: pictures.map((picture) => ({
        ...picture,
        caption: `${picture.caption} (demonstration: TERMS_URL is not set)`,
      })),
      missing: [
        "The site's settings name no terms, so the worker asks for none. Set TERMS_URL and TERMS_VERSION, or say in the field terms_presented where the site does it.",
      ],
    });
  return finding({
    how,
    pictures,
    checks: [
      check(
        "A new person was shown the terms before there was a session",
        shown !== undefined || seen.environment === "test",
        shown === undefined ? "this person had accepted them before" : undefined,
      ),
      check("No box was ticked beforehand", (shown?.ticked ?? 0) === 0),
    ],
  });
}

function onBehalf(): RawFinding {
  return finding({
    how: "Data from Vipps stays with this site: the worker passes it to nobody but the site behind it. Whether the merchant hands it on is a matter of contracts.",
  });
}

function webhook(seen: Seen): RawFinding {
  if (seen.own.values.CONSENT_WEBHOOK_SECRET === undefined)
    return notApplicable(
      "Optional. CONSENT_WEBHOOK_SECRET is not set, so there is no address for the consent webhook.",
    );
  const how =
    "Vipps' notice is unsigned, so its address carries a secret. It can end sessions and be noted on the account, nothing else.";
  if (seen.webhook === undefined)
    return finding({ how, missing: ["Only the simulator can be made to withdraw a consent during a run."] });
  return finding({
    how,
    checks: [
      check("The notice is accepted", seen.webhook.status === 204, `answered with ${seen.webhook.status}`),
      check("The person's sessions end", seen.webhook.sessionEnded),
      check("With another secret there is no such address", seen.webhook.wrongSecretStatus === 404),
    ],
  });
}

/** The considerations about what is agreed with customers, and with Vipps. */
export const AGREEMENT_ROWS: readonly Row[] = [
  {
    id: "company",
    section: "considerations",
    title: "Set company name and logo",
    asked: "The sales unit's name corresponds to the company's name on the site, and its logo is set.",
    scenes: [],
    judge: company,
  },
  {
    id: "terms",
    section: "considerations",
    title: "Present terms and collect consents",
    asked: "Terms and conditions are presented to the user, and necessary consents are collected.",
    document: "docs/privacy.md",
    scenes: ["login"],
    judge: terms,
  },
  {
    id: "on-behalf",
    section: "considerations",
    title: "Acting on behalf of others",
    asked: "A merchant who shares data from Vipps with other merchants complies with the terms for that.",
    scenes: [],
    judge: onBehalf,
  },
  {
    id: "webhook",
    section: "considerations",
    title: "Consent webhook",
    asked: "Not a row of Vipps' list: optional, shown where it is used.",
    document: "docs/privacy.md",
    scenes: ["webhook"],
    judge: webhook,
  },
];
