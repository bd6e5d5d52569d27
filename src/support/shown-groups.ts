import type { GroupForm } from "../pages/support/account-page.ts";
import { allRequirements } from "../rules/path-rules.ts";
import type { KnownAccount } from "./known-account.ts";
import type { StaffRequest } from "./staff.ts";

/**
 * The groups there are, with those of an account ticked: those that somebody is in, and those that a rule names.
 * @returns `undefined` where the site keeps its groups elsewhere.
 * @throws {Failure} `storage_unavailable`.
 */
export async function groupForm(
  { settings, registry }: StaffRequest,
  { record }: KnownAccount,
): Promise<GroupForm | undefined> {
  if (record === undefined || !registry.keepsGroups) return undefined;
  const { account } = record;
  const { staffGroups } = settings.support;
  const ruled = allRequirements(settings.site.protectedPaths).flatMap((requirement) =>
    requirement.kind === "group" ? requirement.groups : [],
  );
  const names = new Set([...(await registry.groupNames()), ...ruled, ...account.groups]);
  return {
    choices: [...names].sort().map((name) => ({
      name,
      isIn: account.groups.includes(name),
      isStaff: staffGroups.has(name),
    })),
    typed: "",
    basis: String(account.updatedAt),
    wrong: undefined,
  };
}
