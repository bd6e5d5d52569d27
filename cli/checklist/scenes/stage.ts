import type { Page } from "@playwright/test";
import type { BehaviourUpdate } from "../../../simulator/behaviour.ts";
import { jsonObject } from "../../doctor/bounded-request.ts";
import type { Browsers, Device } from "../browser.ts";
import type { Picture } from "../evidence.ts";
import type { Surroundings } from "../surroundings.ts";

/** What scenes play on. */
export interface Stage extends Surroundings {
  /** Where the worker's own pages are: the site's origin and AUTH_PATH. */
  readonly auth: string;
  /** The page with the login button. */
  readonly buttonPath: string;
  readonly browsers: Browsers;
  /** Those that the scene has taken. */
  readonly pictures: Picture[];
}

export type Visitor = ReturnType<typeof visitorOf>;

/** Lets somebody visit the site in a new browser, which is closed when the part that needs it is over. */
export async function visit<Value>(
  stage: Stage,
  device: Device,
  part: (visitor: Visitor) => Promise<Value>,
): Promise<Value> {
  const page = await stage.browsers.open(device);
  try {
    return await part(visitorOf(stage, page, device));
  } finally {
    await page.context().close();
  }
}

function visitorOf(stage: Stage, page: Page, device: Device) {
  const visitor = {
    page,
    /** Takes a picture of the page as it is. */
    async picture(name: string, caption: string): Promise<void> {
      stage.pictures.push(await stage.browsers.picture(page, device, name, caption));
    },
    count: (selector: string): Promise<number> => page.locator(selector).count(),
    textOf: async (selector: string): Promise<string> =>
      (await page.locator(selector).first().innerText()).trim(),
    /** Asked beside the page. */
    async isLoggedIn(): Promise<boolean> {
      const answer = await page.request.get(`${stage.auth}/session`);
      return jsonObject(await answer.text())?.authenticated === true;
    },
    /** Opens the link to the login. @param returnTo where it ends; the page with the button, where absent */
    async openLogin(returnTo = stage.buttonPath): Promise<void> {
      await page.goto(`${stage.auth}/login?return_to=${encodeURIComponent(returnTo)}`);
    },
    /** Accepts the terms, if the page presents them. @returns whether it does */
    async acceptTerms(whenShown?: () => Promise<void>): Promise<boolean> {
      await page.waitForLoadState("domcontentloaded");
      const answer = page.locator('form:has(input[name="question"][value="terms"])');
      if ((await answer.count()) === 0) return false;
      await whenShown?.();
      const box = answer.locator('input[name="terms"]');
      if ((await box.count()) > 0) await box.check();
      await answer.locator('button[value="accept"]').click();
      await page.waitForLoadState("domcontentloaded");
      return true;
    },
    /** Logs in at Vipps, and is sent back to the site. */
    async comeBack(name: string, returnTo?: string): Promise<void> {
      await visitor.openLogin(returnTo);
      if (new URL(page.url()).origin !== stage.site) await stage.person.logIn(page, name);
    },
    /** Logs in at the site, over the terms if they are in the way. */
    async logIn(name: string, returnTo?: string): Promise<void> {
      await visitor.comeBack(name, returnTo);
      await visitor.acceptTerms();
    },
  };
  return visitor;
}

/** Whether it is the address to which Vipps sends browsers back. */
export const isCallback = ({ auth }: Stage, url: URL | string): boolean =>
  String(url).split("?")[0] === `${auth}/callback`;

/** Lets the simulator misbehave until the part is over. Vipps itself cannot be made to. */
export async function misbehaving<Value>(
  { simulator }: Stage,
  behaviour: BehaviourUpdate,
  part: () => Promise<Value>,
): Promise<Value> {
  simulator?.setBehaviour(behaviour);
  try {
    return await part();
  } finally {
    simulator?.resetBehaviour();
  }
}
