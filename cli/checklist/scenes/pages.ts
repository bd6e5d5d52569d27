import type { Page } from "@playwright/test";
import type { BehaviourUpdate } from "../../../simulator/behaviour.ts";
import type { Device } from "../browser.ts";
import { lineOf } from "../traffic.ts";
import { inBrowser, isLoggedIn, logIn, openLogin, type Stage } from "./stage.ts";

/** Milliseconds that Vipps' component gets to be there. */
const COMPONENT = 2_500;

/** The languages of Vipps' component (Vipps, button documentation), as the element names them. */
const LANGUAGES = ["no", "da", "sv", "fi", "en"];

/** Looks at the page with the login button, at a desk and on a phone. */
export async function seeButton(stage: Stage) {
  const look = (device: Device) =>
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
  await page.goto(address, { waitUntil: "domcontentloaded" });
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

/** What a reference looks like on a page (src/random.ts). */
const REFERENCE = /^[0-9A-Z]{4}-[0-9A-Z]{4}$/;

/** Troubles that only a provider that can be made to misbehave lets us show. */
const TROUBLES: readonly { readonly cause: string; readonly behaviour: BehaviourUpdate }[] = [
  { cause: "Vipps' token endpoint is down", behaviour: { endpoints: { token: { answer: "down" } } } },
  {
    cause: "The sales unit's keys are refused (invalid_client)",
    behaviour: { endpoints: { token: { answer: "error", errorCode: "invalid_client", errorStatus: 401 } } },
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
    const answer = await page.goto(address);
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
    await openLogin(stage, page);
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

/** A customer's login fails; staff find it by the reference that the customer reads out. */
export async function findAsStaff(stage: Stage) {
  const { heading, reference, status } = await inBrowser(stage, "phone", async (page) => {
    await openLogin(stage, page);
    await stage.person.cancel(page);
    const textOf = (selector: string) => page.locator(selector).first().innerText();
    const [told, number] = [await textOf("h1"), await textOf(".reference code")];
    const refused = await page.goto(`${stage.site}${stage.authPath}/support`);
    return { heading: told.trim(), reference: number.trim(), status: refused?.status() ?? 0 };
  });
  const find = (device: Device) =>
    inBrowser(stage, device, async (staff) => {
      await logIn(stage, staff, "Kari Nordmann", `${stage.authPath}/support`);
      const finder = staff.getByRole("searchbox");
      await finder.waitFor();
      const console = await stage.browsers.picture(staff, "console", `The console, ${device}`);
      await finder.fill(reference);
      await finder.press("Enter");
      const told = staff.getByText(heading).first();
      const isFound = await told.waitFor().then(
        () => true,
        () => false,
      );
      const caption = `What staff see under the reference of a failed login, ${device}`;
      const found = await stage.browsers.picture(staff, "console-reference", caption);
      return { isFound, pictures: [console, found] };
    });
  const [desktop, phone] = [await find("desktop"), await find("phone")];
  return {
    /** Whether staff found the failed login by the reference on the customer's page. */
    foundByReference: desktop.isFound && phone.isFound,
    /** What the console answers a customer with. */
    customerStatus: status,
    pictures: [...desktop.pictures, ...phone.pictures],
  };
}
