import type { BehaviourUpdate } from "../../../simulator/behaviour.ts";
import { type Device, isCallback, misbehaving, type Stage, visit } from "../browser.ts";

/** Looks at the page with the login button, at a desk and on a phone. */
export async function seeButton(stage: Stage) {
  const { site, own, buttonPath: path } = stage;
  const loginPath = `${own.authPath}/login`;
  const look = (device: Device) =>
    visit(stage, device, async ({ page, picture }) => {
      await page.goto(`${site}${path}`, { waitUntil: "domcontentloaded" });
      const found = await page.evaluate(lookForButton, loginPath);
      const frames = page.frames().filter((frame) => frame !== page.mainFrame());
      const addresses = frames.map((frame) => new URL(frame.url(), page.url()));
      await picture("button", `The page ${path} with the login button, ${device}`);
      return {
        ...{ path, ...found },
        /** Addresses of frames on the page that hold the login; none if all is well. */
        loginFrames: addresses
          .filter(({ pathname }) => pathname.startsWith(loginPath) || pathname.endsWith("/oauth2/auth"))
          .map(({ origin, pathname }) => origin + pathname),
      };
    });
  const found = await look("desktop");
  await look("phone");
  return found;
}

/** Runs in the page. */
async function lookForButton(loginPath: string) {
  const component = "vipps-mobilepay-button";
  const official = document.querySelector("vipps-login[official]");
  const isAsked = (official ?? document.querySelector(component)) !== null;
  // Its script comes from Vipps, in a moment or never.
  const enough = new Promise((resolve) => setTimeout(resolve, isAsked ? 2_500 : 0));
  await Promise.race([customElements.whenDefined(component), enough]);
  const link =
    document.querySelector("vipps-login") ??
    document.querySelector(component) ??
    document.querySelector(`a[href*="${loginPath}"]`);
  const inside = link?.shadowRoot?.querySelector("[part=button]") ?? link;
  const attributes: Record<string, Record<string, string>> = {};
  // The languages of Vipps' component (Vipps, button documentation), as the element names them.
  for (const language of official === null ? [] : ["no", "da", "sv", "fi", "en"]) {
    const element = document.body.appendChild(official?.cloneNode() as HTMLElement);
    element.hidden = true;
    element.setAttribute("language", language);
    const asked = [...(element.shadowRoot?.querySelector(component)?.attributes ?? [])];
    attributes[language] = Object.fromEntries(asked.map(({ name, value }) => [name, value]));
    element.remove();
  }
  const isLoaded = customElements.get(component) !== undefined;
  return {
    /** Whether the page asks for Vipps' own component, and whether its script could be loaded. */
    official: isAsked ? (isLoaded ? "shown" : "asked for, script not loaded") : "not asked for",
    /** The words of the button or link that leads to the login; undefined if there is none. */
    words: inside?.textContent?.trim() || link?.textContent?.trim() || undefined,
    /** What `<vipps-login official>` asks of Vipps' component, by language; none without the element. */
    attributes,
  } as const;
}

/** What a reference looks like on a page (src/crypto-text.ts). */
const REFERENCE = /^[0-9A-Z]{4}-[0-9A-Z]{4}$/;

/** How something goes wrong at a login. */
interface Trouble {
  readonly device?: Device;
  /** What the simulator is made to do. */
  readonly behaviour?: BehaviourUpdate;
  /** What the customer does, who logs in where nothing else is said. */
  readonly act?: "return uninvited" | "cancel";
  /** Name of the picture of the page that tells it, where it is shown. */
  readonly picture?: string;
}

/** By what is told of each; those that anybody can bring about come first. */
const TROUBLES: Readonly<Record<string, Trouble>> = {
  "A callback that belongs to no login": { act: "return uninvited" },
  "The customer cancels at Vipps (desktop)": { act: "cancel", picture: "cancelled" },
  "The customer cancels at Vipps (phone)": { act: "cancel", device: "phone", picture: "cancelled" },
  "Vipps' token endpoint is down": {
    ...{ device: "phone", picture: "unavailable" },
    behaviour: { endpoints: { token: { answer: "down" } } },
  },
  "The sales unit's keys are refused (invalid_client)": {
    behaviour: { endpoints: { token: { answer: "error", errorCode: "invalid_client", errorStatus: 401 } } },
  },
  "The ID token has another nonce": { behaviour: { idTokenFault: "wrongNonce" } },
  "Vipps sends the user back with server_error": { behaviour: { returnError: "server_error" } },
  "Vipps sends the user back with a code nobody has documented": {
    behaviour: { returnError: "a_code_of_tomorrow" },
  },
};

/** Errors as customers meet them: a stray callback, a cancelled login and, where it can be arranged, troubles. */
export async function meetErrors(stage: Stage) {
  // By hand a login is cancelled once, and Vipps itself makes no trouble to order.
  const troubles = Object.entries(TROUBLES).slice(0, stage.simulator === undefined ? 2 : undefined);
  const errors = [];
  for (const [cause, trouble] of troubles)
    errors.push(await misbehaving(stage, trouble.behaviour ?? {}, () => meetError(stage, cause, trouble)));
  return errors;
}

const meetError = (stage: Stage, cause: string, { device = "desktop", act, picture }: Trouble) =>
  visit(stage, device, async (visitor) => {
    const { page, count, textOf } = visitor;
    const answer = page
      .waitForResponse((response) => isCallback(stage, response.url()), { timeout: 0 })
      // The browser is closed before there is an answer: the person has given up.
      .catch(() => null);
    if (act === "return uninvited") await page.goto(`${stage.auth}/callback?code=none&state=of-no-login`);
    else await visitor.openLogin();
    if (act === "cancel") await stage.person.cancel(page);
    if (act === undefined) await stage.person.logIn(page, "Kari Nordmann");
    const status = (await answer)?.status() ?? 0;
    await page.waitForLoadState("domcontentloaded");
    const codes = await page.locator("code").allInnerTexts();
    const reference = codes.find((text) => REFERENCE.test(text)) ?? "";
    const told = {
      ...{ cause, status, reference, heading: await textOf("h1") },
      /** Whether the page offers to try again and to go back to the site. */
      offers: {
        retry: (await count(`main a[href*="${stage.own.authPath}/login"]`)) > 0,
        back: (await count(`main a[href="/"], main a[href="${stage.buttonPath}"]`)) > 0,
      },
      authenticatedAfter: await visitor.isLoggedIn(),
      /** The line of the worker's log under the same reference. */
      line: stage.log()?.find((line) => line.reference === reference),
    };
    if (picture !== undefined) await visitor.picture(`error-${picture}`, cause);
    return told;
  });

/** A customer's login fails; staff find it by the reference that the customer reads out. */
export async function findAsStaff(stage: Stage) {
  const { heading, reference } = await meetError(stage, "", { act: "cancel", device: "phone" });
  const refused = await visit(stage, "phone", ({ page }) => page.goto(`${stage.auth}/support`));
  const find = (device: Device) =>
    visit(stage, device, async ({ page, logIn, picture }) => {
      await logIn("Kari Nordmann", `${stage.own.authPath}/support`);
      const finder = page.getByRole("searchbox");
      await finder.waitFor();
      await picture("console", `The console, ${device}`);
      await finder.fill(reference);
      await finder.press("Enter");
      const told = page.getByText(heading).first();
      await told.waitFor().catch(() => undefined);
      await picture("console-reference", `What staff see under the reference of a failed login, ${device}`);
      return told.isVisible();
    });
  const [atDesk, onPhone] = [await find("desktop"), await find("phone")];
  return {
    /** Whether staff found the failed login by the reference on the customer's page. */
    foundByReference: atDesk && onPhone,
    /** What the console answers a customer with. */
    customerStatus: refused?.status() ?? 0,
  };
}
