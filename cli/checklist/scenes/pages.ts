import type { Page, Request } from "@playwright/test";
import type { BehaviourUpdate } from "../../../simulator/behaviour.ts";
import type { Device } from "../browser.ts";
import { isCallback, misbehaving, type Stage, type Visitor, visit } from "./stage.ts";

/** Milliseconds that Vipps' component gets to be there. */
const COMPONENT = 2_500;

/** The languages of Vipps' component (Vipps, button documentation), as the element names them. */
const LANGUAGES = ["no", "da", "sv", "fi", "en"];

/** Looks at the page with the login button, at a desk and on a phone. */
export async function seeButton(stage: Stage) {
  const { site, own, buttonPath: path } = stage;
  const loginPath = `${own.authPath}/login`;
  const look = (device: Device) =>
    visit(stage, device, async ({ page, picture }) => {
      await openWithComponent(page, `${site}${path}`);
      const frames = page.frames().filter((frame) => frame !== page.mainFrame());
      const addresses = frames.map((frame) => new URL(frame.url(), page.url()));
      const found = await page.evaluate(lookForButton, [loginPath, LANGUAGES] as const);
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

/** Opens the page, and waits for Vipps' component where the page asks for it: until it is there, or fails. */
async function openWithComponent(page: Page, address: string): Promise<void> {
  const predicate = (request: Request) => request.resourceType() === "script";
  const failed = page.waitForEvent("requestfailed", { predicate, timeout: 0 });
  await page.goto(address, { waitUntil: "domcontentloaded" });
  const isAsked = (await page.locator("vipps-mobilepay-button, vipps-login[official]").count()) > 0;
  const defined = page.evaluate(
    async () => void (await customElements.whenDefined("vipps-mobilepay-button")),
  );
  const enough = page.waitForTimeout(isAsked ? COMPONENT : 0);
  // What is waited for to the end is over when the page is closed.
  await Promise.race([failed, defined, enough].map((waiting) => waiting.catch(() => undefined)));
}

/** Runs in the page. */
function lookForButton([loginPath, languages]: readonly [string, readonly string[]]) {
  const component = "vipps-mobilepay-button";
  const official = document.querySelector("vipps-login[official]");
  const link =
    document.querySelector("vipps-login") ??
    document.querySelector(component) ??
    document.querySelector(`a[href*="${loginPath}"]`);
  const inside = link?.shadowRoot?.querySelector("[part=button]") ?? link;
  const attributesIn = (language: string) => {
    const element = document.body.appendChild(official?.cloneNode() as HTMLElement);
    element.hidden = true;
    element.setAttribute("language", language);
    const asked = [...(element.shadowRoot?.querySelector(component)?.attributes ?? [])];
    element.remove();
    return Object.fromEntries(asked.map(({ name, value }) => [name, value]));
  };
  const isAsked = (official ?? document.querySelector(component)) !== null;
  const isLoaded = customElements.get(component) !== undefined;
  return {
    /** Whether the page asks for Vipps' own component, and whether its script could be loaded. */
    official: isAsked ? (isLoaded ? "shown" : "asked for, script not loaded") : "not asked for",
    /** The words of the button or link that leads to the login; undefined if there is none. */
    words: inside?.textContent?.trim() || link?.textContent?.trim() || undefined,
    /** What `<vipps-login official>` asks of Vipps' component, by language; none without the element. */
    attributes: Object.fromEntries(
      languages.flatMap((language) => (official === null ? [] : [[language, attributesIn(language)]])),
    ),
  } as const;
}

/** What a reference looks like on a page (src/random.ts). */
const REFERENCE = /^[0-9A-Z]{4}-[0-9A-Z]{4}$/;

/** A login that goes wrong. */
interface Trouble {
  readonly cause: string;
  readonly device?: Device;
  /** What the simulator is made to do; without it the customer cancels at Vipps. */
  readonly behaviour?: BehaviourUpdate;
  /** Name of the picture of the page that tells it, where it is shown. */
  readonly picture?: string;
}

const TROUBLES: readonly Trouble[] = [
  { cause: "The customer cancels at Vipps (desktop)", picture: "cancelled" },
  { cause: "The customer cancels at Vipps (phone)", device: "phone", picture: "cancelled" },
  {
    ...{ cause: "Vipps' token endpoint is down", device: "phone", picture: "unavailable" },
    behaviour: { endpoints: { token: { answer: "down" } } },
  },
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
  const errors = [
    await visit(stage, "desktop", async (visitor) => {
      const answer = await visitor.page.goto(`${stage.auth}/callback?code=none&state=of-no-login`);
      return seeError(stage, visitor, "A callback that belongs to no login", answer?.status());
    }),
  ];
  // By hand a login is cancelled once, and Vipps itself makes no trouble to order.
  const troubles = stage.simulator === undefined ? TROUBLES.slice(0, 1) : TROUBLES;
  for (const trouble of troubles)
    errors.push(await misbehaving(stage, trouble.behaviour ?? {}, () => meetError(stage, trouble)));
  return errors;
}

/** Begins a login and lets it go wrong. */
const meetError = (stage: Stage, { cause, device = "desktop", behaviour, picture }: Trouble) =>
  visit(stage, device, async (visitor) => {
    const { page } = visitor;
    await visitor.openLogin();
    const answer = page
      .waitForResponse((response) => isCallback(stage, response.url()), { timeout: 0 })
      // The browser is closed before there is an answer: the person has given up.
      .catch(() => null);
    await (behaviour === undefined ? stage.person.cancel(page) : stage.person.logIn(page, "Kari Nordmann"));
    return seeError(stage, visitor, cause, (await answer)?.status(), picture);
  });

/** @param cause what was done to bring the error about */
async function seeError(stage: Stage, visitor: Visitor, cause: string, status = 0, picture?: string) {
  const { page, count, textOf } = visitor;
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
}

/** A customer's login fails; staff find it by the reference that the customer reads out. */
export async function findAsStaff(stage: Stage) {
  const customer = await visit(stage, "phone", async ({ page, openLogin, textOf }) => {
    await openLogin();
    await stage.person.cancel(page);
    const told = { heading: await textOf("h1"), reference: await textOf(".reference code") };
    return { ...told, refused: await page.goto(`${stage.auth}/support`) };
  });
  const find = (device: Device) =>
    visit(stage, device, async ({ page, logIn, picture }) => {
      await logIn("Kari Nordmann", `${stage.own.authPath}/support`);
      const finder = page.getByRole("searchbox");
      await finder.waitFor();
      await picture("console", `The console, ${device}`);
      await finder.fill(customer.reference);
      await finder.press("Enter");
      const told = page.getByText(customer.heading).first();
      const isFound = await told.waitFor().then(
        () => true,
        () => false,
      );
      const caption = `What staff see under the reference of a failed login, ${device}`;
      await picture("console-reference", caption);
      return isFound;
    });
  const [atDesk, onPhone] = [await find("desktop"), await find("phone")];
  return {
    /** Whether staff found the failed login by the reference on the customer's page. */
    foundByReference: atDesk && onPhone,
    /** What the console answers a customer with. */
    customerStatus: customer.refused?.status() ?? 0,
  };
}
