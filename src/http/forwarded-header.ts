/** What the proxy nearest to the visitor said in an `X-Forwarded-…` header: each one behind it adds its own, after a comma. */
export function firstOf(header: string | null): string | undefined {
  return header?.split(",", 1)[0]?.trim() || undefined;
}
