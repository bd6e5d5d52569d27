import { appendAudit } from "../accounts/audit-log.ts";
import { now, siteRecords } from "../accounts/records.ts";
import { siteRegistry } from "../accounts/site-accounts.ts";
import { forgetVippsConsents, revokedConsents } from "../accounts/vipps-consents.ts";
import { fromBase64url, sha256 } from "../crypto-text.ts";
import { eventStatement, type Outbox } from "../events/outbox.ts";
import { Failure } from "../failure.ts";
import { requestText } from "../http/request.ts";
import type { AppContext } from "../http/request-context.ts";
import { logEvent } from "../log.ts";
import { endAllSessions } from "../session/session-store.ts";

/** How far the provider's clock may differ from ours, in seconds. */
const CLOCK_TOLERANCE = 300;

/**
 * `POST /auth/webhooks/consent/:secret`: Vipps says that a user withdrew the consent. The message is an unsigned
 * JWT and proves nothing about its sender, so the address carries a secret, and all the message can do is end
 * sessions, note the withdrawal and take back what was consented to at Vipps. Repeats change nothing; an unknown user is answered like a known one.
 * @throws {Failure} `not_found` without the right secret, `request_malformed` for anything that is no such
 *   message, `storage_unavailable` so that Vipps sends it again.
 */
export async function consentRevoked(c: AppContext): Promise<Response> {
  const { settings } = c.env;
  const { consentWebhookSecret } = settings.accounts;
  if (
    consentWebhookSecret === undefined ||
    !(await isSame(c.req.param("secret") ?? "", consentWebhookSecret))
  ) {
    throw new Failure("not_found", { stage: "site" });
  }
  const revocation = revokedIn(await requestText(c.req.raw));
  if (revocation === undefined) {
    throw new Failure("request_malformed", {
      stage: "account",
      reason: "not a consent webhook",
      jsonOnly: true,
    });
  }
  const { sub, at } = revocation;
  const msn = settings.relyingParty.merchantSerialNumber;
  const registry = siteRegistry(settings);
  const records = siteRecords(settings);
  if (records !== undefined) await forgetVippsConsents(records, { msn, sub }, at);
  const accountId = await registry.accountOfSub(msn, sub);
  if (accountId !== undefined) {
    await endAllSessions(settings, accountId, "consent_revoked");
    await registry.noteConsentRevoked(msn, sub);
    if (records !== undefined) {
      const entry = {
        actor: "webhook",
        actorRole: "system",
        action: "consent_revoked",
        accountId,
        details: { msn },
      } as const;
      const { outbox } = records;
      const told = outbox === undefined ? [] : [withdrawnEvent(outbox, accountId)];
      await appendAudit(records, entry, [...told, ...revokedConsents(records, accountId, at)]);
    }
  }
  logEvent("info", "consent_revoked", settings.site.origin, { known: accountId !== undefined });
  return new Response(null, { status: 204, headers: { "cache-control": "no-store" } });
}

/** A message that comes again within so many seconds is the same one. */
const SENT_AGAIN_FOR = 3600;

/** Tells that a person no longer shares anything with the site, whatever it is called at Vipps. */
export const withdrawnEvent = (outbox: Outbox, account: string) =>
  eventStatement(
    outbox,
    account,
    "consent.withdrawn",
    { account, consent: "vipps", source: "webhook" },
    {
      from: `(SELECT 1) WHERE NOT EXISTS (SELECT 1 FROM audit_log INDEXED BY audit_log_by_account
      WHERE site = ?1 AND account_id = ?2 AND at > ?7 AND action = 'consent_revoked')`,
      values: [now() - SENT_AGAIN_FOR],
    },
  );

/** Compares digests, so that the time it takes tells nothing about the secret. */
async function isSame(given: string, secret: string): Promise<boolean> {
  const [left, right] = await Promise.all([sha256(given), sha256(secret)]);
  return left === right;
}

/**
 * Who withdrew and when (`iat`), from a message that tells of it. Vipps' documented example has two parts and no final dot,
 * where RFC 7519 section 6.1 has a third, empty one. A message past its `exp` counts too: it was late, and what it
 * tells has not become less true.
 */
function revokedIn(body: string | undefined): { readonly sub: string; readonly at: number } | undefined {
  const [, payload, ...rest] = body?.trim().split(".") ?? [];
  if (payload === undefined || rest.length > 1) return undefined;
  let message: unknown;
  try {
    message = JSON.parse(new TextDecoder().decode(fromBase64url(payload)));
  } catch {
    return undefined;
  }
  if (typeof message !== "object" || message === null) return undefined;
  const { event, sub, nbf, iat } = message as Record<string, unknown>;
  if (event !== "CONSENT_REVOKED" || typeof sub !== "string" || sub === "" || sub.length > 255)
    return undefined;
  const isPremature = typeof nbf === "number" && nbf > Date.now() / 1000 + CLOCK_TOLERANCE;
  if (isPremature) return undefined;
  return { sub, at: typeof iat === "number" ? Math.min(Math.floor(iat), now()) : now() };
}
