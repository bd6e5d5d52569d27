import { findSalesUnit, type Provider } from "./provider.ts";
import { randomToken } from "./random.ts";

/** `POST /accesstoken/get`: keys in headers, and every number of the answer a string. */
export function partnerTokenResponse(provider: Provider, request: Request): Response {
  const header = (name: string) => request.headers.get(name) ?? undefined;
  const subscriptionKey = header("Ocp-Apim-Subscription-Key");
  if (subscriptionKey === undefined || subscriptionKey === "") {
    return Response.json(
      { statusCode: 401, message: "Access denied: the subscription key is missing." },
      { status: 401 },
    );
  }
  const unit = findSalesUnit(provider, header("client_id"));
  if (unit === undefined || unit.clientSecret !== header("client_secret")) {
    return Response.json(
      { error: "unauthorized_client", error_description: "Unknown client_id or wrong client_secret." },
      { status: 401 },
    );
  }
  if (unit.subscriptionKey !== undefined && unit.subscriptionKey !== subscriptionKey) {
    return Response.json(
      { statusCode: 401, message: "Access denied: wrong subscription key." },
      { status: 401 },
    );
  }
  const token = randomToken(provider.random);
  const now = provider.now();
  const { partnerTokenLifetime } = provider.behaviour.current;
  const expiresAt = now + partnerTokenLifetime * 1000;
  provider.partnerTokens.set(token, { unit, expiresAt });
  const seconds = (milliseconds: number) => String(Math.floor(milliseconds / 1000));
  return Response.json(
    {
      token_type: "Bearer",
      expires_in: String(partnerTokenLifetime),
      ext_expires_in: String(partnerTokenLifetime),
      expires_on: seconds(expiresAt),
      not_before: seconds(now),
      resource: "00000002-0000-0000-c000-000000000000",
      access_token: token,
    },
    { headers: { "Cache-Control": "no-store" } },
  );
}
