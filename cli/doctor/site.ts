// What the deployed site answers to the doctor: whether it is there, and the beginning of a login.

import type { Settings } from "../../src/settings/types.ts";
import { error, type Found, ok, skipped } from "../findings/finding.ts";
import { type Answer, ask, jsonObject, locationOf, type Network } from "./bounded-request.ts";

/** A deployed site and what is known of it. */
export interface Site {
  readonly network: Network;
  /** Where it is asked: an origin. */
  readonly target: string;
  readonly settings: Settings;
  /** What is to be said of its address. */
  readonly address: Found;
  /** Whether the worker answers there, so that it can be asked further. */
  readonly answers: boolean;
}

/** Asks whether the address is the site's own and the worker answers there. */
export async function findSite(
  network: Network,
  target: string | undefined,
  settings: Settings,
): Promise<Site | Found> {
  if (target === undefined) return skipped("--url says which deployed site to look at.");
  const { site } = settings;
  const url = `${target}${site.authPath}/session`;
  const answer = await ask(network, url, { headers: { accept: "application/json" } });
  const found = (address: Found, answers = false): Site => ({ network, target, settings, address, answers });
  const stop = (what: string, todo: string) => found(error(what, todo));
  if ("failed" in answer)
    return stop(`${target} ${answer.failed}.`, "Check the address, its DNS record and its route.");
  const location = locationOf(answer, url);
  if (location !== null && answer.status >= 300 && answer.status < 400)
    return stop(
      `${target} sends visitors on to ${location.origin}.`,
      `Ask that address (--url ${location.origin}), and make it SITE_URL.`,
    );
  const body = jsonObject(answer.text);
  if (body?.code === "settings_invalid") {
    const faults = Array.isArray(body.errors) ? body.errors.filter((one) => typeof one === "string") : [];
    return stop(
      `The deployed worker's settings are wrong: ${faults.join("; ")}.`,
      "Set them right and deploy again.",
    );
  }
  if (answer.status !== 200 || typeof body?.authenticated !== "boolean")
    return stop(
      `${url} answers ${answer.status}, and not as this worker would.`,
      "Is the worker deployed, its route set, and AUTH_PATH the same in both places?",
    );
  return found(
    target === site.origin
      ? ok(`${target} is SITE_URL, and the worker answers.`)
      : error(
          `The worker answers at ${target}, but SITE_URL is ${site.origin}.`,
          "Logins end at SITE_URL, where the cookie of this address does not exist. Set SITE_URL to the address people use.",
        ),
    true,
  );
}

/** A login that the site has begun. */
export interface StartedLogin {
  readonly site: Site;
  readonly answer: Answer;
  readonly location: URL;
}

/** What the first click is answered with; what was found wrong where there is no login to look at. */
export async function startLoginAt(site: Site | Found): Promise<StartedLogin | Found> {
  if ("severity" in site) return site;
  const { network, target, settings } = site;
  const { authPath } = settings.site;
  const headers = { accept: "application/json" };
  const answer = await ask(network, `${target}${authPath}/login?return_to=/`, { headers });
  if ("failed" in answer) return error(`${authPath}/login ${answer.failed}.`, "npx wrangler tail");
  if (answer.status === 429) return skipped("The rate limiter answers; try again in a minute.");
  const location = locationOf(answer, target);
  if (answer.status === 302 && location !== null) return { site, answer, location };
  const { code, reference } = jsonObject(answer.text) ?? {};
  const named = typeof code === "string" ? `: ${code}, reference ${String(reference)}` : "";
  return error(
    `The login is answered with ${answer.status}${named}.`,
    "Look the code up in docs/operations.md, and the reference in the log.",
  );
}
