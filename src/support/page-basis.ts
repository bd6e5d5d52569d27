import { queryParameter } from "../http/query.ts";
import { supportTextsIn } from "../pages/support/support-language.ts";
import type { Notice } from "../pages/texts/support/support-texts.ts";
import { consolePath } from "./answers.ts";
import type { StaffRequest } from "./staff.ts";

/** What every page of the console begins with: language and names, the way home, what the last action led to. */
export function pageBasis({ c, page, settings }: StaffRequest) {
  const named = queryParameter(c.req.raw, "notice");
  return { ...page, home: consolePath(settings), notice: isNotice(page, named) ? named : undefined };
}

/** The address may say anything; only notices of ours are shown. */
function isNotice({ language }: StaffRequest["page"], text: string | undefined): text is Notice {
  return text !== undefined && Object.hasOwn(supportTextsIn(language).notices, text);
}
