/** What a person does at the pages; everything is optional. */
export interface PersonChoices {
  /** Id of the test user; `kari` where absent. */
  readonly user?: string;
  /** Ticks 'remember me in this browser'. */
  readonly remember?: boolean;
  /** On which page the person gives up. */
  readonly cancelAt?: "landing" | "app" | "consent";
  /** Picks a wrong number in the app. */
  readonly wrongNumber?: boolean;
  /** Ids of the sales unit's own questions to tick; the required ones where absent. */
  readonly accept?: readonly string[];
  /** The browser's cookies at the simulator, by name; kept and filled for the next login. */
  readonly jar?: Map<string, string>;
  /** Further request headers, such as a phone's `User-Agent`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Walks through the simulator's pages as a person would: real requests, real forms, cookies kept.
 * @param fetch reaches the simulator; must not follow redirects of its own accord
 * @param authorizeUrl where the relying party sends the browser
 * @returns the redirect back to the relying party, with a code or an error; it is not followed
 * @throws Error when the simulator shows an error page instead
 */
export async function logInAsPerson(
  fetch: (request: Request) => Promise<Response>,
  authorizeUrl: string | URL,
  choices: PersonChoices = {},
): Promise<URL> {
  const jar = choices.jar ?? new Map<string, string>();
  const { origin } = new URL(authorizeUrl);
  let request = new Request(authorizeUrl, { redirect: "manual" });
  for (let steps = 0; steps < MOST_STEPS; steps += 1) {
    const response = await send(fetch, request, jar, choices);
    const location = response.headers.get("Location");
    if (location !== null) {
      await response.body?.cancel();
      const target = new URL(location, request.url);
      if (target.origin !== origin) return target;
      request = new Request(target, { redirect: "manual" });
      continue;
    }
    const page = await response.text();
    const returnLink = / href="([^"\s]+)" data-return-link/.exec(page)?.[1];
    if (returnLink !== undefined) return new URL(unescapeHtml(returnLink));
    request = fillForm(page, request.url, choices, response.status);
  }
  throw new Error(`The login did not end within ${MOST_STEPS} requests.`);
}

const MOST_STEPS = 12;

async function send(
  fetch: (request: Request) => Promise<Response>,
  request: Request,
  jar: Map<string, string>,
  choices: PersonChoices,
): Promise<Response> {
  for (const [name, value] of Object.entries(choices.headers ?? {})) request.headers.set(name, value);
  if (jar.size > 0) {
    request.headers.set("Cookie", Array.from(jar, ([name, value]) => `${name}=${value}`).join("; "));
  }
  const response = await fetch(request);
  for (const cookie of response.headers.getSetCookie()) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
    if (name !== undefined && value !== undefined) jar.set(name, value);
  }
  return response;
}

/** The request a browser would make of the page's form, filled as the person chooses. */
function fillForm(page: string, pageUrl: string, choices: PersonChoices, status: number): Request {
  const [, action, step] = / action="([^"\s]+)" data-step="([^"\s]+)"/.exec(page) ?? [];
  if (action === undefined || status >= 400) {
    const heading = /<h1>([^<]*)<\/h1>\s*<p>([^<]*)<\/p>/.exec(page);
    const text = heading === null ? page.slice(0, 200) : `${heading[1]}: ${heading[2]}`;
    throw new Error(`The simulator answered ${status}: ${unescapeHtml(text)}`);
  }
  const body = step === choices.cancelAt ? { action: "cancel" } : fieldsFor(step, page, choices);
  return new Request(new URL(action, pageUrl), {
    method: "POST",
    redirect: "manual",
    headers: { "Content-Type": "application/x-www-form-urlencoded", Origin: new URL(pageUrl).origin },
    body: new URLSearchParams(body).toString(),
  });
}

function fieldsFor(step: string | undefined, page: string, choices: PersonChoices): string[][] {
  switch (step) {
    case "landing":
      return [["user", choices.user ?? "kari"], ...(choices.remember === true ? [["remember", "yes"]] : [])];
    case "app": {
      const shown = /data-challenge>(\d+)</.exec(page)?.[1];
      if (shown === undefined) return [["action", "confirm"]];
      const offered = [...page.matchAll(/name="number" value="(\d+)"/g)].map(([, number = ""]) => number);
      const wrong = offered.find((number) => number !== shown) ?? "0";
      return [["number", choices.wrongNumber === true ? wrong : shown]];
    }
    case "consent": {
      const boxes = [...page.matchAll(/name="consent" value="([^"]+)"( required)?/g)];
      const required = boxes.filter(([, , mark]) => mark !== undefined).map(([, id = ""]) => id);
      return [["action", "share"], ...(choices.accept ?? required).map((id) => ["consent", id])];
    }
    default:
      throw new Error(`The simulator shows an unknown step ${step}.`);
  }
}

export function unescapeHtml(text: string): string {
  return text
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&");
}
