import * as oauth from "oauth4webapi";
import { Failure } from "../failure.ts";
import { boundedFetch } from "./bounded-fetch.ts";
import type { Discovery } from "./discovery.ts";
import type { ProviderAccess } from "./metadata.ts";
import { clientName } from "./relying-party.ts";

/** How long the userinfo endpoint may take, in milliseconds, unless the login as a whole has less left. */
const TIME_LIMIT = 3_000;

/** The reason of an answer about somebody else, which no login survives: something is grossly wrong. */
export const OTHER_PERSON = "sub differs";

/**
 * The user's claims from the userinfo endpoint, sent the Bearer token in a header and nothing else but the
 * standard headers: Vipps answers 401 to a subscription key here.
 * @param sub the subject of the verified ID token; userinfo about anybody else is refused (OpenID Connect Core
 *   section 5.3.2).
 * @throws {Failure} `userinfo_unavailable` or `userinfo_invalid`.
 */
export async function fetchUserinfo(
  { relyingParty, answerBy }: ProviderAccess,
  discovery: Discovery,
  accessToken: string,
  sub: string,
): Promise<Readonly<Record<string, unknown>>> {
  const timeLimit = Math.min(TIME_LIMIT, answerBy - Date.now());
  const limits = { unavailable: "userinfo_unavailable", stage: "userinfo", timeLimit } as const;
  const client = { client_id: clientName(relyingParty) };
  try {
    const response = await oauth.userInfoRequest(discovery, client, accessToken, {
      [oauth.customFetch]: boundedFetch(relyingParty, limits),
      [oauth.allowInsecureRequests]: relyingParty.allowHttp,
    });
    // The library would take claims out of a JWT answer without checking its signature.
    if (response.headers.get("content-type")?.toLowerCase().includes("application/jwt")) {
      throw new Failure("userinfo_invalid", { stage: "userinfo", reason: "answered with a JWT" });
    }
    return await oauth.processUserInfoResponse(discovery, client, sub, response);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(
      "userinfo_invalid",
      { stage: "userinfo", reason: userinfoFault(error) },
      { cause: error },
    );
  }
}

function userinfoFault(error: unknown): string {
  if (error instanceof oauth.WWWAuthenticateChallengeError) return "access token refused";
  const code = error instanceof oauth.OperationProcessingError ? error.code : undefined;
  return code === oauth.JSON_ATTRIBUTE_COMPARISON ? OTHER_PERSON : "not a userinfo response";
}
