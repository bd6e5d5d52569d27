/** A form of ours is a few hundred characters. In bytes. */
const FORM_LIMIT = 16_384;

/** Whether a request carries a form as browsers send it. */
export function isForm(headers: Headers): boolean {
  return /^application\/x-www-form-urlencoded\b/i.test(headers.get("content-type") ?? "");
}

/**
 * The fields of a small form.
 * @returns `undefined` where the body is not a form, or larger than any form of ours.
 */
export async function formBody(request: Request): Promise<URLSearchParams | undefined> {
  if (!isForm(request.headers) || Number(request.headers.get("content-length")) > FORM_LIMIT)
    return undefined;
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > FORM_LIMIT) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return new URLSearchParams(text + decoder.decode());
}
