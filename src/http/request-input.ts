import * as v from "valibot";
import { Failure, type Stage } from "../failure.ts";

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

/**
 * A parameter of a request's query, the first of its name. The platform's own parser reads the query once; the
 * router's looks for the end of every parameter through all that follow.
 */
export function queryParameter(request: Pick<Request, "url">, name: string): string | undefined {
  return queryOf(request)?.get(name) ?? undefined;
}

/** Every parameter of a request's query that has this name. */
export function queryParameters(request: Pick<Request, "url">, name: string): readonly string[] {
  return queryOf(request)?.getAll(name) ?? [];
}

/** The whole query of a request; `undefined` where its address has none. */
export function queryOf(request: Pick<Request, "url">): URLSearchParams | undefined {
  const query = queryText(request);
  return query === undefined ? undefined : new URLSearchParams(query);
}

/** The same as it came. */
export function queryText({ url }: Pick<Request, "url">): string | undefined {
  const [address = ""] = url.split("#", 1);
  const start = address.indexOf("?");
  return start < 0 ? undefined : address.slice(start + 1);
}

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

/**
 * The body of a small JSON request. A page elsewhere cannot send this content type without asking first, which
 * is refused (CORS); an empty body counts as an empty object.
 * @param schema what the body must be; members it does not name are ignored.
 * @throws {Failure} `request_malformed` for anything else.
 */
export async function jsonBody<Schema extends v.GenericSchema>(
  request: Request,
  schema: Schema,
  stage: Stage,
): Promise<v.InferOutput<Schema>> {
  const malformed = (reason: string) => new Failure("request_malformed", { stage, reason });
  const text = await requestText(request);
  if (text === undefined) throw malformed("body is too large");
  const isJson = /^application\/json\b/i.test(request.headers.get("content-type") ?? "");
  if (text !== "" && !isJson) throw malformed("body is not application/json");
  const value = text === "" ? {} : parseJson(text);
  if (Array.isArray(value)) throw malformed("body is not of the documented form");
  const parsed = v.safeParse(schema, value);
  if (!parsed.success) throw malformed("body is not of the documented form");
  return parsed.output;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
