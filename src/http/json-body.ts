import * as v from "valibot";
import { Failure, type Stage } from "../failure.ts";
import { requestText } from "./request-text.ts";

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
