import { utf8 } from "../crypto-text.ts";
import type { AccountId } from "./account.ts";

/** Tells a ticket and its answer from each other and from every other JWT (RFC 8725 section 3.11). */
const TICKET_TYPE = "account-proof+jwt";
const ANSWER_TYPE = "account-proof-answer+jwt";

/** How long a person may take to log in the old way, in seconds: as long as the login waits. */
const LIFETIME = 10 * 60;

/** The two who talk about a proof, and the secret they share. */
export interface ProofParties {
  /** The worker: site URL + AUTH_PATH. */
  readonly worker: string;
  /** The page of the site where people log in the old way. */
  readonly proofUrl: string;
  /** REGISTRY_SECRET. */
  readonly secret: string;
}

/**
 * Where to send a person who is to log in the old way: the site's page, with a signed ticket that names the
 * waiting login and nothing about the person.
 * @param login the id of the login attempt.
 * @param returnUrl where the page sends the person back to, with its answer.
 */
export async function proofPageUrl(
  { worker, proofUrl, secret }: ProofParties,
  login: string,
  returnUrl: string,
): Promise<string> {
  const { default: jose } = await import("../jose.ts");
  const ticket = await new jose.SignJWT({ return_url: returnUrl })
    .setProtectedHeader({ alg: "HS256", typ: TICKET_TYPE })
    .setIssuer(worker)
    .setAudience(proofUrl)
    .setJti(login)
    .setIssuedAt()
    .setExpirationTime(`${LIFETIME} s`)
    .sign(utf8(secret));
  const url = new URL(proofUrl);
  url.searchParams.set("ticket", ticket);
  return url.href;
}

/** What the site's page says: this person has just logged in to this account, for this login. */
export interface ProofAnswer {
  readonly accountId: AccountId;
  /** The id of the login attempt. */
  readonly login: string;
}

/**
 * Reads the answer of the site's page.
 * @returns `undefined` for anything that is not an authentic answer to a ticket of ours, or too late.
 */
export async function readProofAnswer(
  { worker, proofUrl, secret }: ProofParties,
  answer: string,
): Promise<ProofAnswer | undefined> {
  const { default: jose } = await import("../jose.ts");
  try {
    const { payload } = await jose.jwtVerify(answer, utf8(secret), {
      algorithms: ["HS256"],
      typ: ANSWER_TYPE,
      issuer: proofUrl,
      audience: worker,
      requiredClaims: ["sub", "jti", "iat", "exp"],
      maxTokenAge: LIFETIME,
    });
    const { jti = "" } = payload;
    // Who numbers accounts writes a number here, against RFC 7519 section 4.1.2.
    const sub = String(payload.sub);
    return /^[\x21-\x7e]{1,200}$/.test(sub) && jti !== "" ? { accountId: sub, login: jti } : undefined;
  } catch (error) {
    if (error instanceof jose.JOSEError) return undefined;
    throw error;
  }
}
