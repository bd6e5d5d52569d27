import { Failure } from "../failure.ts";
import { GROUP_LIMIT, groupName, readGroups } from "../group-name.ts";
import { formBody, isTicked, typedText } from "../http/request.ts";
import type { GroupForm } from "../pages/support/account-page.ts";
import { answerAccountPage } from "./account-route.ts";
import { accountPath, seeOther } from "./answers.ts";
import { withAccount } from "./known-account.ts";
import { groupForm } from "./shown-groups.ts";
import { noteDeed, type StaffRequest } from "./staff.ts";

/**
 * `POST /auth/support/accounts/:id/groups`: the fields `group` are the groups that the person is to be in, `new` is
 * one more, typed. Nothing is taken over without the tick, or when the account has changed since the form was made
 * (`basis`). Groups whose members are staff stay as they are: who is staff is for the owner of the site to say.
 * @throws {Failure} `request_malformed` when the body is not a form; `not_found` where the site keeps its groups
 *   elsewhere; `storage_unavailable`.
 */
export const changeGroups = (request: StaffRequest): Promise<Response> =>
  withAccount(request, async (known) => {
    const { c, settings, registry } = request;
    const { id, record } = known;
    const form = await formBody(c.req.raw);
    if (form === undefined) throw new Failure("request_malformed", { stage: "support", reason: "no form" });
    if (record === undefined || !registry.keepsGroups) throw new Failure("not_found", { stage: "support" });
    const page = accountPath(request, id);
    const { account } = record;
    if (form.get("basis") !== String(account.updatedAt)) return seeOther(page, "changedMeanwhile");
    const typed = typedText(form.get("new"));
    const added = typed === "" ? undefined : groupName(typed);
    const { staffGroups } = settings.support;
    // In the spelling in which groups are kept: in another one a group of staff would not be known for one.
    const ticked = form.getAll("group").flatMap((name) => groupName(name) ?? []);
    const chosen = [
      ...[...ticked, ...(added === undefined ? [] : [added])].filter((name) => !staffGroups.has(name)),
      ...account.groups.filter((name) => staffGroups.has(name)),
    ];
    const wanted = readGroups(chosen);
    const comeBack = async (wrong: GroupForm["wrong"]) => {
      const groups = await groupForm(request, known);
      const again = groups && { ...chosenIn(groups, wanted), typed, wrong };
      return answerAccountPage(request, known, again && { groups: again });
    };
    if (typed !== "" && added === undefined) return comeBack("name");
    if (added !== undefined && staffGroups.has(added)) return comeBack("staff");
    if (new Set(chosen).size > GROUP_LIMIT) return comeBack("many");
    if (wanted.join() === account.groups.join()) return seeOther(page, "unchanged");
    if (!isTicked(form)) return comeBack("unticked");
    await noteDeed(request, "groups_changed", id, { groups: changes(account.groups, wanted) });
    const isDone = await registry.setGroups(id, wanted, account.updatedAt);
    return seeOther(page, isDone ? "groupsChanged" : "changedMeanwhile");
  });

/** What is changed, as the audit log shows it: `+board`, `-trainers`. */
function changes(before: readonly string[], after: readonly string[]): readonly string[] {
  const added = after.filter((name) => !before.includes(name)).map((name) => `+${name}`);
  const removed = before.filter((name) => !after.includes(name)).map((name) => `-${name}`);
  return [...added, ...removed];
}

function chosenIn(form: GroupForm, chosen: readonly string[]): GroupForm {
  return { ...form, choices: form.choices.map((one) => ({ ...one, isIn: chosen.includes(one.name) })) };
}
