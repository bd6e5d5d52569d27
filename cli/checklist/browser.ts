import { join } from "node:path";
import type { Browser, Page, Response } from "@playwright/test";
import type { BehaviourUpdate } from "../../simulator/behaviour.ts";
import { jsonObject } from "../doctor/bounded-request.ts";
import type { Picture } from "./evidence.ts";
import type { Redactor } from "./redaction.ts";
import type { Surroundings } from "./surroundings.ts";
import type { Exchange } from "./traffic.ts";

export type Device = Picture["device"];

/** The least of a browser that makes a page look as on that device. */
const DEVICES = {
  desktop: { viewport: { width: 1024, height: 700 }, deviceScaleFactor: 1.5 },
  phone: {
    viewport: { width: 390, height: 780 },
    deviceScaleFactor: 2,
    isMobile: true,
    hasTouch: true,
    userAgent:
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/130.0 Mobile/15E148 Safari/604.1",
  },
} as const;

/** What scenes play on. */
export interface Stage extends Surroundings {
  readonly browser: Browser;
  /** Where the worker's own pages are: the site's origin and AUTH_PATH. */
  readonly auth: string;
  /** The page with the login button. */
  readonly buttonPath: string;
  readonly redactor: Redactor;
  /** What browsers sent and got, as far as it is read. */
  readonly reading: Promise<Exchange | undefined>[];
  /** Those that the scene has taken, and their folder. */
  readonly pictures: Picture[];
  readonly folder: string;
}

export async function launchChromium(executablePath: string, headless = true): Promise<Browser> {
  // The driver takes a second to load.
  const { chromium } = await import("@playwright/test");
  return chromium.launch({ executablePath, headless, args: ["--disable-gpu", "--disable-quic"] });
}

/** What was sent and answered so far, by browsers and whoever else, in its order. */
export async function exchangesSoFar({ exchanges, reading }: Stage): Promise<readonly Exchange[]> {
  const read = await Promise.all(reading);
  const all = [...exchanges, ...read.filter((exchange) => exchange !== undefined)];
  return all.sort((one, other) => one.at - other.at);
}

export type Visitor = ReturnType<typeof visitorOf>;

/**
 * Lets somebody visit the site in a new browser without cookies, which is closed when the part that needs it is over.
 * What it says to the site and the provider is recorded.
 */
export async function visit<Value>(stage: Stage, device: Device, part: (visitor: Visitor) => Promise<Value>) {
  const origins = { [stage.site]: "site", [new URL(stage.issuer).origin]: "provider" } as const;
  const look = { ...DEVICES[device], locale: "en-GB", reducedMotion: "reduce" } as const;
  const context = await stage.browser.newContext(look);
  context.on("response", (response) => {
    const to = origins[new URL(response.url()).origin];
    if (to !== undefined) stage.reading.push(exchangeOf(response, to));
  });
  try {
    return await part(visitorOf(stage, await context.newPage(), device));
  } finally {
    await context.close();
  }
}

function visitorOf(stage: Stage, page: Page, device: Device) {
  const visitor = {
    page,
    /** Takes a picture of the page, from its top to its end, with everything personal blanked. */
    async picture(name: string, caption: string): Promise<void> {
      const { redactor, mayBeSeen, folder } = stage;
      for (const exchange of await exchangesSoFar(stage)) redactor.learn(exchange);
      const blanked = [...redactor.concealed].filter((value) => !mayBeSeen.has(value));
      await page.evaluate(blankPage, blanked);
      const file = `${name}-${device}.png`;
      await page.screenshot({ path: join(folder, file), fullPage: true, animations: "disabled" });
      stage.pictures.push({ file, caption, device });
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
export async function misbehaving<Value>(stage: Stage, fault: BehaviourUpdate, part: () => Promise<Value>) {
  const { simulator } = stage;
  simulator?.setBehaviour(fault);
  try {
    return await part();
  } finally {
    simulator?.resetBehaviour();
  }
}

/** @returns undefined for an answer that can't be read any more, because its page is gone */
async function exchangeOf(response: Response, to: Exchange["to"]): Promise<Exchange | undefined> {
  const at = Date.now();
  const [request, status] = [response.request(), response.status()];
  try {
    const [requestHeaders, responseHeaders] = await Promise.all([
      request.allHeaders(),
      response.allHeaders(),
    ]);
    const isText = /^text\/html|json\b/.test(responseHeaders["content-type"] ?? "");
    const isRedirect = status >= 300 && status < 400;
    return {
      ...{ at, from: "browser", to, method: request.method(), url: request.url() },
      ...{ requestHeaders, requestBody: request.postData() ?? undefined, status, responseHeaders },
      responseBody: isText && !isRedirect ? await response.text().catch(() => undefined) : undefined,
    };
  } catch {
    return undefined;
  }
}

/** Runs in the page: puts bars in place of every value, in texts and fields. Digits may have spaces between. */
function blankPage(values: readonly string[]): void {
  const literally = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const digits = (text: string) => [...text].join("[\\s\\u00a0]?");
  const patterns = values.flatMap((value) =>
    /^\d{8,15}$/.test(value) ? [`\\+?${digits(value)}`, digits(value.slice(-8))] : [literally(value)],
  );
  // Whatever looks like one, known or not.
  patterns.push("[\\w.+-]+@[\\w-]+(?:\\.[\\w-]+)+", "\\+(?:45|46|47|358)(?:[\\s\\u00a0]?\\d){7,10}");
  const personal = new RegExp(patterns.join("|"), "g");
  const blank = (text: string) => text.replace(personal, (found) => "▇".repeat(Math.min(12, found.length)));
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const text = node.nodeValue ?? "";
    if (node.parentElement?.closest("script,style") || text.trim() === "") continue;
    const blanked = blank(text);
    if (blanked !== text) node.nodeValue = blanked;
  }
  for (const field of document.querySelectorAll("input")) {
    if (field.type !== "hidden" && field.value !== "") field.value = blank(field.value);
  }
}
