import { type ProofParties, proofPageUrl } from "../accounts/proof-ticket.ts";
import { siteRegistry } from "../accounts/site-registry.ts";
import { Failure } from "../failure.ts";
import type { AppContext } from "../http/request-context.ts";
import type { Settings } from "../settings.ts";
import type { AttemptStub } from "./attempt-id.ts";

/** The worker and the page of the site where people log in the old way, if it has one. */
export function proofParties(settings: Settings): ProofParties | undefined {
  const { proof } = siteRegistry(settings);
  if (proof.kind !== "site") return undefined;
  return { worker: settings.session.issuer, proofUrl: proof.url, secret: proof.secret };
}

/**
 * Sends a person to the site's own login to prove an old account.
 * @throws {Failure} `request_malformed` where the site has no such page.
 */
export async function sendToSite(c: AppContext, attempt: AttemptStub): Promise<Response> {
  const { settings } = c.env;
  const parties = proofParties(settings);
  if (parties === undefined)
    throw new Failure("request_malformed", { stage: "continue", reason: "no proof at the site" });
  const { origin, authPath } = settings.site;
  const location = await proofPageUrl(parties, attempt.id.toString(), `${origin}${authPath}/proof`);
  return new Response(null, { status: 303, headers: { location, "cache-control": "no-store" } });
}
