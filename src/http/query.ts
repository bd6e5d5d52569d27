/**
 * A parameter of a request's query, the first of its name. The platform's own parser reads the query once; the
 * router's looks for the end of every parameter through all that follow.
 */
export function queryParameter({ url }: Pick<Request, "url">, name: string): string | undefined {
  const [address = ""] = url.split("#", 1);
  const start = address.indexOf("?");
  return start < 0 ? undefined : (new URLSearchParams(address.slice(start)).get(name) ?? undefined);
}
