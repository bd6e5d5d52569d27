import type { Seen } from "../seen.ts";
import { check, finding, first, type RawFinding, UNSEEN_TRAFFIC } from "./row-definition.ts";
import { byWorker, isOk, statuses } from "./worker-requests.ts";

/** Scopes whose claims an ID token did not carry before September 2025. */
const BEYOND_EMAIL = new Set(["name", "phoneNumber", "address", "birthDate"]);

/** Judges when userinfo is asked, and with what. */
export function userinfo(seen: Seen): RawFinding {
  const how =
    "Since May and September 2025 the ID token carries the consented claims, so userinfo is asked only for requested claims that the ID token did not bring.";
  if (seen.environment === "deployed") return finding({ how, missing: [UNSEEN_TRAFFIC] });
  const asked = byWorker(seen, "userinfo");
  const older = seen.olderToken;
  if (asked.length === 0)
    return finding({
      how,
      checks: [
        check(
          "Nothing requested was missing in the ID token, so userinfo was not asked",
          older === undefined || !seen.own.scopes.some((scope) => BEYOND_EMAIL.has(scope)),
        ),
      ],
    });
  return finding({
    how,
    exchanges: first(asked.filter(isOk)),
    checks: [
      check("Userinfo answered", asked.some(isOk), statuses(asked)),
      check(
        "Only the access token is sent along, no subscription key",
        asked.every(
          ({ requestHeaders }) =>
            /^Bearer /.test(requestHeaders.authorization ?? "") &&
            requestHeaders["ocp-apim-subscription-key"] === undefined,
        ),
      ),
      ...(older === undefined
        ? []
        : [
            check(
              "A login whose ID token lacked requested claims was completed from userinfo",
              older.authenticatedAfter,
            ),
            check(
              "It was not asked in the other logins",
              asked.length === 1,
              `asked ${asked.length} time(s)`,
            ),
          ]),
    ],
  });
}
