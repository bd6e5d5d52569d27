import type { Page } from "@playwright/test";
import { acceptTerms, inBrowser, isLoggedIn, logIn, loginAddress, PATIENCE, type Stage } from "./stage.ts";

/** One login from the link to the session, at a desk. */
export const logInOnce = (stage: Stage) => inBrowser(stage, "desktop", (page) => seeLogin(stage, page));

async function seeLogin(stage: Stage, page: Page) {
  let topLevel = false;
  page.on("request", (request) => {
    if (new URL(request.url()).pathname.endsWith("/oauth2/auth"))
      topLevel = request.isNavigationRequest() && request.frame() === page.mainFrame();
  });
  const authenticatedBefore = await isLoggedIn(stage, page);
  await page.goto(loginAddress(stage, stage.buttonPath), { timeout: PATIENCE });
  await stage.person.logIn(page, "Kari Nordmann");
  const demonstrated =
    stage.own.values.TERMS_URL === undefined ? " (demonstration: TERMS_URL is not set)" : "";
  const pictureOf = (at: Page, caption: string) =>
    stage.browsers.picture(at, "terms", `${caption}${demonstrated}`);
  const pictures = [];
  let ticked = 0;
  const shown = await acceptTerms(page, async (boxes) => {
    ticked = boxes;
    const caption = "The terms, before the first session: no box is ticked beforehand, desktop";
    pictures.push(await pictureOf(page, caption));
  });
  const authenticatedAfter = await isLoggedIn(stage, page);
  // Another newcomer meets the same page on a phone; the login is left there.
  if (shown && stage.simulator !== undefined)
    pictures.push(
      await inBrowser(stage, "phone", async (phone) => {
        await phone.goto(loginAddress(stage, stage.buttonPath), { timeout: PATIENCE });
        await stage.person.logIn(phone, "Sofie Dahl");
        await phone.waitForLoadState("domcontentloaded");
        return pictureOf(phone, "The same, phone");
      }),
    );
  const sent = (await stage.browsers.exchanges()).filter(({ from }) => from === "browser");
  return {
    /** What the browser was sent to and what it was sent back with. */
    authorize: sent.findLast(({ url }) => new URL(url).pathname.endsWith("/oauth2/auth")),
    callback: sent.findLast(({ url }) => new URL(url).pathname === `${stage.authPath}/callback`),
    /** Whether the browser was at Vipps in the top-level window, never in a frame. */
    topLevel,
    authenticatedBefore,
    authenticatedAfter,
    /** The page that presents the terms, if there was one on the way. */
    terms: shown ? { ticked } : undefined,
    pictures,
  };
}

/** One login as Vipps did it before September 2025: the ID token carried so little that userinfo has to be asked. */
export async function logInWithOlderToken(stage: Stage) {
  const { simulator } = stage;
  if (simulator === undefined) return undefined;
  simulator.setBehaviour({ idTokenClaims: "emailOnly" });
  try {
    return await inBrowser(stage, "desktop", async (page) => {
      await logIn(stage, page, "Kari Nordmann", stage.buttonPath);
      return { authenticatedAfter: await isLoggedIn(stage, page) };
    });
  } finally {
    simulator.resetBehaviour();
  }
}
