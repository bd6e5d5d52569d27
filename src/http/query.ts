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
export function queryOf({ url }: Pick<Request, "url">): URLSearchParams | undefined {
  const [address = ""] = url.split("#", 1);
  const start = address.indexOf("?");
  return start < 0 ? undefined : new URLSearchParams(address.slice(start));
}
