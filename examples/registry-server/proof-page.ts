// The page where somebody who has an old account proves it (REGISTRY_PROOF_URL): they log in the way they used
// to, say that this is the Vipps user to connect, and go back with a signed answer.
//
// Your site has its login already: keep that, and take over the three steps marked below.

import type { Accounts } from "./accounts.ts";
import { base64url, bytes, fromBase64 } from "./encoding.ts";
import { readToken, signToken } from "./tokens.ts";

const TICKET = "account-proof+jwt";
const ANSWER = "account-proof-answer+jwt";

/** Wrong passwords for one account, after which it is closed for a while. */
const ATTEMPTS = 5;
/** In milliseconds. */
const PAUSE = 15 * 60_000;

export interface ProofPageOptions {
  /** REGISTRY_SECRET, as the worker has it. */
  readonly secret: string;
  /** The worker's issuer: site URL + AUTH_PATH. */
  readonly worker: string;
  /** This page: REGISTRY_PROOF_URL. */
  readonly url: string;
}

export function createProofPage(
  accounts: Accounts,
  { secret, worker, url }: ProofPageOptions,
): (request: Request) => Promise<Response> {
  const failures = new Map<string, { readonly count: number; readonly until: number }>();

  return async (request) => {
    const form = request.method === "POST" ? await request.formData() : new URL(request.url).searchParams;
    const field = (name: string) => String(form.get(name) ?? "");
    const token = field("ticket");
    // 1. The ticket must be the worker's, for this page and in time. Its return_url is signed with it.
    const ticket = await readToken(token, TICKET, secret);
    if (ticket === undefined || ticket.iss !== worker || ticket.aud !== url)
      return page(400, "<p>This link is not valid any more. Go back and start again.</p>");
    if (request.method !== "POST") return page(200, loginForm(token, ""));

    // 2. The person logs in to the old account, and by pressing the button agrees to the connection.
    const number = field("member_number");
    const account = accounts.all().find(({ member_number }) => member_number === number);
    const failed = failures.get(number);
    const paused = failed !== undefined && failed.count >= ATTEMPTS && failed.until > Date.now();
    if (paused) return page(429, loginForm(token, "Too many attempts. Wait a quarter of an hour."));
    if (account?.password === undefined || !(await isPassword(field("password"), account.password))) {
      const count = failed !== undefined && failed.until > Date.now() ? failed.count + 1 : 1;
      failures.set(number, { count, until: Date.now() + PAUSE });
      return page(403, loginForm(token, "Number and password do not fit."));
    }
    failures.delete(number);

    // 3. The answer names the account and the login that waits, for two minutes.
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: url, aud: worker, sub: account.id, jti: ticket.jti, iat: now, exp: now + 120 };
    const back = new URL(String(ticket.return_url));
    back.searchParams.set("answer", await signToken(claims, ANSWER, secret));
    return new Response(null, { status: 303, headers: { location: back.href, "cache-control": "no-store" } });
  };
}

/** OWASP's advice for PBKDF2-HMAC-SHA-256 is more; Cloudflare Workers allow no more than this. */
const ITERATIONS = 100_000;

/** @returns salt and hash, as kept with the account */
export async function hashPassword(
  password: string,
  salt = crypto.getRandomValues(new Uint8Array(16)),
): Promise<string> {
  const key = await crypto.subtle.importKey("raw", bytes(password), "PBKDF2", false, ["deriveBits"]);
  const parameters = { name: "PBKDF2", hash: "SHA-256", salt, iterations: ITERATIONS };
  return `${base64url(salt)}.${base64url(await crypto.subtle.deriveBits(parameters, key, 256))}`;
}

async function isPassword(password: string, stored: string): Promise<boolean> {
  const salt = fromBase64(stored.split(".")[0] ?? "");
  return salt !== undefined && (await hashPassword(password, salt)) === stored;
}

function loginForm(ticket: string, fault: string): string {
  return `${fault === "" ? "" : `<p role="alert"><strong>${fault}</strong></p>`}
<form method="post">
  <input type="hidden" name="ticket" value="${ticket.replace(/[^\w.-]/g, "")}">
  <p><label>Member number <input name="member_number" required autocomplete="username"></label></p>
  <p><label>Password <input name="password" type="password" required autocomplete="current-password"></label></p>
  <p><button>Log in and connect this account to Vipps</button></p>
</form>
<p>Only go on if you have just logged in with Vipps yourself.</p>`;
}

function page(status: number, content: string): Response {
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Connect your account</title><body><h1>Connect your account</h1>${content}`;
  const headers = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "referrer-policy": "no-referrer",
  };
  return new Response(html, { status, headers });
}
