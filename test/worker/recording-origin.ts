import { type Browser, openBrowser } from "./browser.ts";
import { openSite, type TestSite } from "./site.ts";

export const ORIGIN = "https://origin.example";

/** A worker in front of an origin that writes down what reaches it. */
export interface GuardedOrigin {
  readonly site: TestSite;
  readonly browser: Browser;
  readonly requests: Request[];
  /** The last request that reached the origin. */
  last(): Request;
}

/**
 * @param vars settings that differ; by default there are no assets, and `/members/*` is protected.
 * @param answer what the origin says.
 */
export function openOrigin(
  vars: Partial<Cloudflare.Env> = {},
  answer: (request: Request) => Response | Promise<Response> = () => new Response("from the origin"),
): GuardedOrigin {
  const requests: Request[] = [];
  const site = openSite({
    vars: { PROTECTED_PATHS: "/members/*", ORIGIN_URL: ORIGIN, ASSETS: undefined as never, ...vars },
    origin: (request) => {
      requests.push(request);
      return answer(request);
    },
  });
  const last = () => {
    const request = requests.at(-1);
    if (request === undefined) throw new Error("nothing reached the origin");
    return request;
  };
  return { site, browser: openBrowser(site), requests, last };
}
