/** A form or JSON body of ours is a few hundred characters. In bytes. */
const BODY_LIMIT = 16_384;

/**
 * The body of a request as text.
 * @returns `undefined` where it is larger than any body of ours.
 */
export async function requestText(request: Request): Promise<string | undefined> {
  if (Number(request.headers.get("content-length")) > BODY_LIMIT) return undefined;
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > BODY_LIMIT) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
