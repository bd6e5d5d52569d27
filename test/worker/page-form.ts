/** The form of a page as a browser without script would send it: where to, its hidden fields, and the box ticked. */
export interface PageForm {
  readonly action: string;
  readonly fields: Readonly<Record<string, string>>;
  /** The values of the buttons, in order: `yes`, `no`. */
  readonly buttons: readonly string[];
}

/** @throws when the page has no form that posts */
export function formOf(page: string): PageForm {
  const [, action, content] =
    /<form [^>]*method="post" action="([^"]+)"[^>]*>(.*?)<\/form>/s.exec(page) ?? [];
  if (action === undefined || content === undefined)
    throw new Error(`the page has no form: ${page.slice(0, 300)}`);
  const hidden = content.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g);
  const buttons = content.matchAll(/<button [^>]*name="answer" value="([^"]+)"/g);
  return {
    action,
    fields: {
      ...Object.fromEntries(Array.from(hidden, ([, name = "", value = ""]) => [name, value])),
      ...(content.includes('name="confirm" value="yes" required') && { confirm: "yes" }),
    },
    buttons: Array.from(buttons, ([, value = ""]) => value),
  };
}

/** The words a page shows, without its markup. */
export function textOf(page: string): string {
  const body = page.slice(page.indexOf("<body"));
  return body
    .replace(/<script.*?<\/script>/gs, " ")
    .replace(/<[^>]+>/g, " ")
    .replaceAll("&#39;", "'")
    .replace(/\s+/g, " ")
    .trim();
}
