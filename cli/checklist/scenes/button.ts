import type { Page } from "@playwright/test";
import type { ButtonPage } from "../seen.ts";
import { PATIENCE, type Stage } from "./stage.ts";

/** Milliseconds that Vipps' component gets to be there. */
const COMPONENT = 2_500;

/** The languages of Vipps' component (Vipps, button documentation), as the element names them. */
const LANGUAGES = ["no", "da", "sv", "fi", "en"];

/** Looks at the page with the login button, at a desk and on a phone. */
export async function seeButton(stage: Stage): Promise<ButtonPage> {
  const pictures = [];
  let found: Omit<ButtonPage, "path" | "pictures"> | undefined;
  for (const device of ["desktop", "phone"] as const) {
    const page = await stage.browsers.open(device);
    await page.goto(`${stage.site}${stage.buttonPath}`, { timeout: PATIENCE });
    await page.waitForTimeout(COMPONENT);
    found ??= await lookAt(page, `${stage.authPath}/login`);
    const caption = `The page ${stage.buttonPath} with the login button, ${device}`;
    pictures.push(await stage.browsers.picture(page, "button", caption));
    await page.context().close();
  }
  const nothing = { official: "not asked for", words: undefined, loginFrames: [], attributes: {} } as const;
  return { path: stage.buttonPath, ...(found ?? nothing), pictures };
}

async function lookAt(page: Page, loginPath: string): Promise<Omit<ButtonPage, "path" | "pictures">> {
  const loginFrames = page
    .frames()
    .filter((frame) => frame !== page.mainFrame())
    .map((frame) => new URL(frame.url(), page.url()))
    .filter(({ pathname }) => pathname.startsWith(loginPath) || pathname.endsWith("/oauth2/auth"))
    .map(({ origin, pathname }) => origin + pathname);
  const seen = await page.evaluate((path) => {
    const component = "vipps-mobilepay-button";
    const asked = document.querySelector(`${component}, vipps-login[official]`) !== null;
    const link =
      document.querySelector("vipps-login") ??
      document.querySelector(`${component}`) ??
      document.querySelector(`a[href*="${path}"]`);
    const inside = link?.shadowRoot?.querySelector("[part=button]") ?? link;
    return {
      asked,
      loaded: customElements.get(component) !== undefined,
      words: inside?.textContent?.trim() || link?.textContent?.trim(),
    };
  }, loginPath);
  const attributes = await page.evaluate(attributesByLanguage, LANGUAGES);
  const official = seen.loaded ? "shown" : "asked for, script not loaded";
  return {
    official: seen.asked ? official : "not asked for",
    words: seen.words || undefined,
    loginFrames,
    attributes,
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
