/**
 * Which of a partner's keys the access-token endpoint refuses. The gateway in front of it looks at the subscription
 * key and answers with a message of its own; what is behind it looks at client id and secret and answers with an
 * OAuth error (Vipps, Access token API).
 * @param body the answer, as JSON.
 * @returns a phrase of ours.
 */
export function refusedPartnerKey(body: unknown): string {
  const { error, message } = Object(body) as Record<string, unknown>;
  if (typeof error === "string") return "the client id or the client secret";
  if (typeof message === "string" && message.toLowerCase().includes("subscription"))
    return "the subscription key";
  return "the partner's keys";
}
