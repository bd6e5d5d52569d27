import type { Page } from "@playwright/test";
import type { BehaviourUpdate } from "../../../simulator/behaviour.ts";
import type { Device } from "../browser.ts";
import { lineOf } from "../log-lines.ts";
import { inBrowser, isLoggedIn, loginAddress, PATIENCE, type Stage } from "./stage.ts";

/** What a reference looks like on a page (src/reference.ts). */
const REFERENCE = /^[0-9A-Z]{4}-[0-9A-Z]{4}$/;

/** Troubles that only a provider that can be made to misbehave lets us show. */
const TROUBLES: readonly { readonly cause: string; readonly behaviour: BehaviourUpdate }[] = [
  {
    cause: "Vipps' token endpoint is down",
    behaviour: { endpoints: { token: { answer: "down" } } },
  },
  {
    cause: "The sales unit's keys are refused (invalid_client)",
    behaviour: {
      endpoints: { token: { answer: "error", errorCode: "invalid_client", errorStatus: 401 } },
    },
  },
  { cause: "The ID token has another nonce", behaviour: { idTokenFault: "wrongNonce" } },
  { cause: "Vipps sends the user back with server_error", behaviour: { returnError: "server_error" } },
  {
    cause: "Vipps sends the user back with a code nobody has documented",
    behaviour: { returnError: "a_code_of_tomorrow" },
  },
];

/** Errors as customers meet them: a stray callback, a cancelled login and, where it can be arranged, troubles. */
export async function meetErrors(stage: Stage) {
  const errors = [await strayCallback(stage)];
  // By hand a login is cancelled once.
  const devices: readonly Device[] = stage.person.kind === "simulated" ? ["desktop", "phone"] : ["desktop"];
  for (const device of devices) {
    const cause = `The customer cancels at Vipps (${device})`;
    errors.push(await meetError(stage, device, cause, (page) => stage.person.cancel(page), "cancelled"));
  }
  for (const [number, { cause, behaviour }] of TROUBLES.entries()) {
    const { simulator } = stage;
    if (simulator === undefined) break;
    const walked = async (page: Page) => {
      simulator.setBehaviour(behaviour);
      await stage.person.logIn(page, "Kari Nordmann");
    };
    const [device, picture] = number === 0 ? (["phone", "unavailable"] as const) : (["desktop"] as const);
    try {
      errors.push(await meetError(stage, device, cause, walked, picture));
    } finally {
      simulator.resetBehaviour();
    }
  }
  return errors;
}

const strayCallback = (stage: Stage) =>
  inBrowser(stage, "desktop", async (page) => {
    const address = `${stage.site}${stage.authPath}/callback?code=none&state=of-no-login`;
    const answer = await page.goto(address, { timeout: PATIENCE });
    return seeError(stage, page, "A callback that belongs to no login", answer?.status() ?? 0);
  });

/** Begins a login and lets it go wrong. */
const meetError = (
  stage: Stage,
  device: Device,
  cause: string,
  goWrong: (page: Page) => Promise<void>,
  picture?: string,
) =>
  inBrowser(stage, device, async (page) => {
    await page.goto(loginAddress(stage, stage.buttonPath), { timeout: PATIENCE });
    const isCallback = ({ pathname }: URL) => pathname === `${stage.authPath}/callback`;
    const answer = page
      .waitForResponse((response) => isCallback(new URL(response.url())), { timeout: 0 })
      // The browser is closed before there is an answer: the person has given up.
      .catch(() => null);
    await goWrong(page);
    return seeError(stage, page, cause, (await answer)?.status() ?? 0, picture);
  });

/** @param cause what was done to bring the error about */
async function seeError(stage: Stage, page: Page, cause: string, status: number, picture?: string) {
  await page.waitForLoadState("domcontentloaded");
  const codes = await page.locator("code").allInnerTexts();
  const reference = codes.find((text) => REFERENCE.test(text)) ?? "";
  const count = async (selector: string) => (await page.locator(selector).count()) > 0;
  return {
    ...{ cause, status, reference },
    heading: (await page.locator("h1").first().innerText()).trim(),
    /** Whether the page offers to try again and to go back to the site. */
    offers: {
      retry: await count(`main a[href*="${stage.authPath}/login"]`),
      back: await count(`main a[href="/"], main a[href="${stage.buttonPath}"]`),
    },
    authenticatedAfter: await isLoggedIn(stage, page),
    /** The line of the worker's log under the same reference. */
    line: lineOf(stage.log() ?? [], reference),
    pictures: picture === undefined ? [] : [await stage.browsers.picture(page, `error-${picture}`, cause)],
  };
}
