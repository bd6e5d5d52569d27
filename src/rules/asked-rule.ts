import { Failure } from "../failure.ts";
import type { Settings } from "../settings/types.ts";
import { claimOf, distinct, type Requirement, readRequirement } from "./requirement.ts";

/**
 * Reads what a proxy, a route or a link requires, requirements with blanks or commas between.
 * @param texts as often as it was said; never for nothing.
 * @param jsonOnly whether a program reads the failure.
 * @throws {Failure} `rule_unknown` for what is no requirement, for a text without any, and for one that no token here could meet because
 *   SESSION_CLAIMS does not name the claim by which it is judged. Nobody is let through by a rule that was mistyped.
 * @example readRequired(settings, ["group:board fresh:600"])
 */
export function readRequired(
  { session }: Settings,
  texts: readonly string[],
  jsonOnly = false,
): readonly Requirement[] {
  const unknown = (reason?: string) => new Failure("rule_unknown", { stage: "site", reason, jsonOnly });
  const words = texts.flatMap((text) => {
    const named = text.split(/[\s,]+/).filter((word) => word !== "");
    if (named.length === 0) throw unknown("nothing is required");
    return named;
  });
  return distinct(
    words.map((word) => {
      const requirement = readRequirement(word);
      if (requirement === undefined) throw unknown();
      const claim = claimOf(requirement);
      if (claim !== undefined && !session.claims.includes(claim))
        throw unknown(`SESSION_CLAIMS does not name ${claim}`);
      return requirement;
    }),
  );
}
