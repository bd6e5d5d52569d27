import type { Page } from "@playwright/test";
import { inBrowser, PATIENCE, type Stage } from "./stage.ts";

/** Milliseconds that Vipps' component gets to be there. */
const COMPONENT = 2_500;

/** The languages of Vipps' component (Vipps, button documentation), as the element names them. */
const LANGUAGES = ["no", "da", "sv", "fi", "en"];

/** Looks at the page with the login button, at a desk and on a phone. */
export async function seeButton(stage: Stage) {
  const look = (device: "desktop" | "phone") =>
    inBrowser(stage, device, async (page) => {
      await openWithComponent(page, `${stage.site}${stage.buttonPath}`);
      const caption = `The page ${stage.buttonPath} with the login button, ${device}`;
      const found = await lookAt(page, `${stage.authPath}/login`);
      return { ...found, picture: await stage.browsers.picture(page, "button", caption) };
    });
  const [{ picture, ...found }, phone] = await Promise.all([look("desktop"), look("phone")]);
  return { path: stage.buttonPath, ...found, pictures: [picture, phone.picture] };
}

/** Opens the page, and waits for Vipps' component where the page asks for it: until it is there, or fails. */
async function openWithComponent(page: Page, address: string): Promise<void> {
  const failed = page.waitForEvent("requestfailed", {
    predicate: (request) => request.resourceType() === "script",
    timeout: 0,
  });
  await page.goto(address, { timeout: PATIENCE, waitUntil: "domcontentloaded" });
  const isAsked = (await page.locator("vipps-mobilepay-button, vipps-login[official]").count()) > 0;
  const defined = page.evaluate(
    async () => void (await customElements.whenDefined("vipps-mobilepay-button")),
  );
  const enough = new Promise((resolve) => setTimeout(resolve, isAsked ? COMPONENT : 0));
  for (const waiting of [failed, defined]) waiting.catch(() => undefined);
  await Promise.race([failed, defined, enough]);
}

async function lookAt(page: Page, loginPath: string) {
  /** Addresses of frames on the page that hold the login; none if all is well. */
  const loginFrames = page
    .frames()
    .filter((frame) => frame !== page.mainFrame())
    .map((frame) => new URL(frame.url(), page.url()))
    .filter(({ pathname }) => pathname.startsWith(loginPath) || pathname.endsWith("/oauth2/auth"))
    .map(({ origin, pathname }) => origin + pathname);
  const seen = await page.evaluate((path) => {
    const component = "vipps-mobilepay-button";
    const link =
      document.querySelector("vipps-login") ??
      document.querySelector(`${component}`) ??
      document.querySelector(`a[href*="${path}"]`);
    const inside = link?.shadowRoot?.querySelector("[part=button]") ?? link;
    return {
      asked: document.querySelector(`${component}, vipps-login[official]`) !== null,
      loaded: customElements.get(component) !== undefined,
      words: inside?.textContent?.trim() || link?.textContent?.trim(),
    };
  }, loginPath);
  const official = seen.loaded ? ("shown" as const) : ("asked for, script not loaded" as const);
  return {
    /** Whether the page asks for Vipps' own component, and whether its script could be loaded. */
    official: seen.asked ? official : ("not asked for" as const),
    /** The words of the button or link that leads to the login; undefined if there is none. */
    words: seen.words || undefined,
    loginFrames,
    /** What `<vipps-login official>` asks of Vipps' component, by language; none without the element. */
    attributes: await page.evaluate(attributesByLanguage, LANGUAGES),
  };
}

/** Runs in the page: what the element on it would ask of Vipps' component in each language. */
function attributesByLanguage(languages: readonly string[]): Record<string, Record<string, string>> {
  const own = document.querySelector("vipps-login[official]");
  if (own === null) return {};
  const asked = languages.map((language) => {
    const element = own.cloneNode() as HTMLElement;
    element.setAttribute("language", language);
    element.hidden = true;
    document.body.append(element);
    const component = element.shadowRoot?.querySelector("vipps-mobilepay-button");
    const attributes = [...(component?.attributes ?? [])].map(({ name, value }) => [name, value] as const);
    element.remove();
    return [language, Object.fromEntries(attributes)] as const;
  });
  return Object.fromEntries(asked);
}
