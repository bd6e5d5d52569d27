/**
 * The whole body of an answer, if it is small enough.
 * @param sizeLimit bytes.
 * @returns `undefined` for a larger body, of which no more than the limit is read.
 */
export async function boundedText(response: Response, sizeLimit: number): Promise<string | undefined> {
  if (response.body === null) return "";
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const chunk of response.body as ReadableStream<Uint8Array>) {
    size += chunk.byteLength;
    if (size > sizeLimit) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
