import { accessTokenOf } from "../load/access-token.ts";
import { HANGING, HANGS_FOR } from "../load/hanging-code.ts";

interface Env {
  /** The discovery document and the key set of the simulator, as JSON. */
  readonly DISCOVERY: string;
  readonly JWKS: string;
}

/**
 * A provider that answers at once. The code is the ID token itself, signed before the clock starts by whoever plays
 * the person at the provider: signing here, on the core of what is measured, would drown the difference between
 * the designs in a cost that is none of theirs.
 */
export default {
  async fetch(request, env): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname.endsWith("/openid-configuration")) return json(env.DISCOVERY, "max-age=3600");
    if (pathname.endsWith("/jwks.json")) return json(env.JWKS, "max-age=3600");
    if (pathname.endsWith("/token")) return token(await request.text());
    if (pathname.endsWith("/userinfo")) return userinfo(request.headers.get("authorization") ?? "");
    return new Response("not found", { status: 404 });
  },
} satisfies ExportedHandler<Env>;

async function token(form: string): Promise<Response> {
  const idToken = new URLSearchParams(form).get("code") ?? "";
  if (idToken.startsWith(HANGING)) {
    await scheduler.wait(HANGS_FOR);
    return new Response("no answer", { status: 504 });
  }
  // What Vipps answers to a code that it never gave (RFC 6749 section 5.2).
  if (!idToken.includes(".")) return json('{"error":"invalid_grant"}', "no-store", 400);
  return json(
    JSON.stringify({
      access_token: accessTokenOf(JSON.parse(decode(idToken.split(".")[1] ?? ""))),
      id_token: idToken,
      token_type: "bearer",
      expires_in: 600,
      scope: "openid name phoneNumber email",
    }),
    "no-store",
  );
}

function userinfo(authorization: string): Response {
  return json(decode(authorization.replace(/^bearer /i, "")), "no-store");
}

function decode(base64url: string): string {
  return atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
}

function json(body: string, cacheControl: string, status = 200): Response {
  return new Response(body, {
    status,
    headers: { "content-type": "application/json", "cache-control": cacheControl },
  });
}
