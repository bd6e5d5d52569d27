/** What a code begins with whose token request hangs: the provider takes it and says nothing. */
export const HANGING = "hang.";

/** How long the provider says nothing, in milliseconds: longer than anybody waits for it. */
export const HANGS_FOR = 60_000;

/** The same redirect back with a code that hangs. @param back its path and query */
export function withHangingCode(back: string): string {
  const url = new URL(back, "https://site.example");
  url.searchParams.set("code", HANGING + (url.searchParams.get("code") ?? ""));
  return url.pathname + url.search;
}
