import { SignJWT } from "jose";
import { flowResult, subjectOf, userClaims } from "./claims.ts";
import type { Provider } from "./provider.ts";

/** The userinfo endpoint (OpenID Connect Core section 5.3): the access token as Bearer, in the header only. */
export async function userinfoResponse(provider: Provider, request: Request): Promise<Response> {
  // The gateway in front of the real endpoint knows no subscription and refuses requests that name one.
  if (request.headers.has("Ocp-Apim-Subscription-Key")) {
    return unauthorized("Send only the access token; this API has no subscription key.");
  }
  const [scheme = "", token = ""] = (request.headers.get("Authorization") ?? "").split(" ");
  const held = scheme.toLowerCase() === "bearer" ? provider.accessTokens.get(token) : undefined;
  if (held === undefined) return unauthorized("The access token is missing or unknown.");
  if (held.expiresAt <= provider.now()) return unauthorized("The access token has expired.");
  const { grant } = held;
  const proper = {
    sub: await subjectOf(grant.request.unit, grant.authentication.user),
    sid: grant.authentication.sid,
    ...userClaims(grant, provider.behaviour.current),
    ...flowResult(grant),
  };
  return spoiled(provider, proper);
}

async function spoiled(provider: Provider, proper: Record<string, unknown>): Promise<Response> {
  const headers = { "Cache-Control": "no-store" };
  switch (provider.behaviour.current.userinfo) {
    case "proper":
      return Response.json(proper, { headers });
    case "otherSub":
      return Response.json({ ...proper, sub: "00000000-0000-4000-8000-000000000000" }, { headers });
    case "noSub":
      return Response.json({ ...proper, sub: undefined }, { headers });
    case "signed": {
      const { privateKey } = await provider.keys.unpublished();
      const token = await new SignJWT(proper).setProtectedHeader({ alg: "RS256" }).sign(privateKey);
      return new Response(token, { headers: { ...headers, "Content-Type": "application/jwt" } });
    }
  }
}

function unauthorized(description: string): Response {
  return Response.json(
    { error: "invalid_token", error_description: description },
    {
      status: 401,
      headers: {
        "Cache-Control": "no-store",
        "WWW-Authenticate": `Bearer realm="Vipps MobilePay Login simulator", error="invalid_token"`,
      },
    },
  );
}
