import { requestText } from "./request-text.ts";

/** Whether a request carries a form as browsers send it. */
export function isForm(headers: Headers): boolean {
  return /^application\/x-www-form-urlencoded\b/i.test(headers.get("content-type") ?? "");
}

/**
 * The fields of a small form.
 * @returns `undefined` where the body is not a form, or larger than any form of ours.
 */
export async function formBody(request: Request): Promise<URLSearchParams | undefined> {
  if (!isForm(request.headers)) return undefined;
  const text = await requestText(request);
  return text === undefined ? undefined : new URLSearchParams(text);
}
