import type { Account } from "../accounts/account.ts";
import type { Correction } from "../accounts/registry.ts";
import { normalEmail, normalPhone } from "../accounts/vipps-person.ts";
import { Failure } from "../failure.ts";
import { formBody, isTicked, typedText } from "../http/request.ts";
import type { CorrectionForm } from "../pages/support/account-page.ts";
import type { WrongField } from "../pages/texts/support/support-texts.ts";
import { answerAccountPage } from "./account-route.ts";
import { accountPath, consolePath, seeOther } from "./answers.ts";
import { withAccount } from "./known-account.ts";
import { noteDeed, type StaffRequest } from "./staff.ts";

/**
 * `POST /auth/support/accounts/:id/correct`: the fields `name`, `phone`, `email` and `memberNumber` as they should
 * be; an empty one is removed. Nothing is taken over without the tick, when one of them cannot be, or when the
 * account has changed since the form was made (`basis`).
 * @throws {Failure} `request_malformed` when the body is not a form; `storage_unavailable`.
 */
export const correctAccount = (request: StaffRequest): Promise<Response> =>
  withAccount(request, async (known) => {
    const { c, settings, registry } = request;
    const { id, record } = known;
    const form = await formBody(c.req.raw);
    if (form === undefined) throw new Failure("request_malformed", { stage: "support", reason: "no form" });
    if (record === undefined) return seeOther(consolePath(settings), "noAccount");
    const typed = typedForm(form);
    const page = accountPath(request, id);
    if (typed.basis !== String(record.account.updatedAt)) return seeOther(page, "changedMeanwhile");
    const read = readCorrection(record.account, typed);
    const wrong = "wrong" in read ? read.wrong : await conflict(request, id, read.correction);
    if (wrong !== undefined || "wrong" in read)
      return answerAccountPage(request, known, { correction: { ...typed, wrong } });
    const fields = Object.keys(read.correction);
    if (fields.length === 0) return seeOther(page, "unchanged");
    if (!isTicked(form))
      return answerAccountPage(request, known, { correction: { ...typed, wrong: "unticked" } });
    await noteDeed(request, "corrected", id, { fields });
    const isDone = await registry.correct(id, read.correction, record.account.updatedAt);
    return seeOther(page, isDone ? "corrected" : "changedMeanwhile");
  });

function typedForm(form: URLSearchParams): CorrectionForm {
  const field = (name: string) => typedText(form.get(name));
  return {
    name: field("name"),
    phone: field("phone"),
    email: field("email"),
    memberNumber: field("memberNumber"),
    basis: field("basis"),
    wrong: undefined,
  };
}

/** What differs from the account, in the form in which the registry keeps it. */
function readCorrection(
  account: Account,
  typed: CorrectionForm,
): { readonly correction: Correction } | { readonly wrong: WrongField } {
  const phone = typed.phone === "" ? null : normalPhone(typed.phone.replace(/^00/, "+"));
  const email = typed.email === "" ? null : normalEmail(typed.email);
  // A number that is shorter has no country code.
  if (phone === undefined || (phone !== null && phone.length < 9)) return { wrong: "phone" };
  if (email === undefined) return { wrong: "email" };
  const wanted = { name: typed.name || null, phone, email, memberNumber: typed.memberNumber || null };
  // What was left as the form had it is no correction, whatever of it nobody sees.
  const changed = Object.entries(wanted).filter(
    ([field, value]) => value !== (typedText(account[field as keyof typeof wanted]) || null),
  );
  return { correction: Object.fromEntries(changed) };
}

/**
 * Why a correction must not be made: the member number is another account's, or it would make somebody staff,
 * which only the setting may.
 */
async function conflict(
  { registry, settings }: StaffRequest,
  accountId: string,
  { phone, memberNumber }: Correction,
): Promise<WrongField | undefined> {
  if (phone && (settings.support.staffPhones.has(phone) || settings.agency.staffPhones.has(phone)))
    return "staffPhone";
  if (!memberNumber) return undefined;
  const others = await registry.search({ memberNumber });
  return others.some(({ id }) => id !== accountId) ? "memberNumber" : undefined;
}
