import type { Page } from "@playwright/test";
import type { BehaviourUpdate } from "../../../simulator/behaviour.ts";
import type { Device } from "../browser.ts";
import { lineOf } from "../log-lines.ts";
import type { ShownError } from "../seen.ts";
import { isLoggedIn, loginAddress, PATIENCE, type Stage } from "./stage.ts";

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
export async function meetErrors(stage: Stage): Promise<readonly ShownError[]> {
  return [await strayCallback(stage), ...(await cancelled(stage)), ...(await troubles(stage))];
}

async function strayCallback(stage: Stage): Promise<ShownError> {
  const page = await stage.browsers.open();
  const answer = page.goto(`${stage.site}${stage.authPath}/callback?code=none&state=of-no-login`, {
    timeout: PATIENCE,
  });
  return seeError(stage, page, "A callback that belongs to no login", await statusOf(answer));
}

/** The customer cancels at Vipps: on a phone and at a desk, or once by hand. */
async function cancelled(stage: Stage): Promise<readonly ShownError[]> {
  const devices: readonly Device[] = stage.person.kind === "simulated" ? ["desktop", "phone"] : ["desktop"];
  const errors: ShownError[] = [];
  for (const device of devices) {
    const page = await stage.browsers.open(device);
    await page.goto(loginAddress(stage, stage.buttonPath), { timeout: PATIENCE });
    const answer = answerOfCallback(stage, page);
    await stage.person.cancel(page);
    const cause = `The customer cancels at Vipps (${device})`;
    errors.push(await seeError(stage, page, cause, await statusOf(answer), "cancelled"));
  }
  return errors;
}

async function troubles(stage: Stage): Promise<readonly ShownError[]> {
  const { simulator } = stage;
  if (simulator === undefined) return [];
  const errors: ShownError[] = [];
  for (const [number, { cause, behaviour }] of TROUBLES.entries()) {
    const page = await stage.browsers.open(number === 0 ? "phone" : "desktop");
    await page.goto(loginAddress(stage, stage.buttonPath), { timeout: PATIENCE });
    simulator.setBehaviour(behaviour);
    try {
      const answer = answerOfCallback(stage, page);
      await stage.person.logIn(page, "Kari Nordmann");
      const picture = number === 0 ? "unavailable" : undefined;
      errors.push(await seeError(stage, page, cause, await statusOf(answer), picture));
    } finally {
      simulator.resetBehaviour();
    }
  }
  return errors;
}

/** Null when the browser is closed before there is an answer: the person has given up. */
const answerOfCallback = (stage: Stage, page: Page) =>
  page
    .waitForResponse((response) => new URL(response.url()).pathname === `${stage.authPath}/callback`, {
      timeout: 0,
    })
    .catch(() => null);

const statusOf = async (answer: Promise<{ status(): number } | null>): Promise<number> =>
  (await answer)?.status() ?? 0;

async function seeError(
  stage: Stage,
  page: Page,
  cause: string,
  status: number,
  picture?: string,
): Promise<ShownError> {
  await page.waitForLoadState("domcontentloaded");
  const codes = await page.locator("code").allInnerTexts();
  const reference = codes.find((text) => REFERENCE.test(text)) ?? "";
  const count = async (selector: string) => (await page.locator(selector).count()) > 0;
  const error: ShownError = {
    cause,
    status,
    heading: (await page.locator("h1").first().innerText()).trim(),
    reference,
    offers: {
      retry: await count(`main a[href*="${stage.authPath}/login"]`),
      back: await count(`main a[href="/"], main a[href="${stage.buttonPath}"]`),
    },
    authenticatedAfter: await isLoggedIn(stage, page),
    line: lineOf(stage.log(), reference),
    pictures: picture === undefined ? [] : [await stage.browsers.picture(page, `error-${picture}`, cause)],
  };
  await page.context().close();
  return error;
}
