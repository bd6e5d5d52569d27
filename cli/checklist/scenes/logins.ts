import type { Page } from "@playwright/test";
import { acceptTerms, inBrowser, isLoggedIn, logIn, openLogin, type Stage } from "./stage.ts";

/** One login from the link to the session, at a desk. */
export const logInOnce = (stage: Stage) => inBrowser(stage, "desktop", (page) => seeLogin(stage, page));

async function seeLogin(stage: Stage, page: Page) {
  let topLevel = false;
  page.on("request", (request) => {
    if (new URL(request.url()).pathname.endsWith("/oauth2/auth"))
      topLevel = request.isNavigationRequest() && request.frame() === page.mainFrame();
  });
  const authenticatedBefore = await isLoggedIn(stage, page);
  await openLogin(stage, page);
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
        await openLogin(stage, phone);
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
      await logIn(stage, page, "Kari Nordmann");
      return { authenticatedAfter: await isLoggedIn(stage, page) };
    });
  } finally {
    simulator.resetBehaviour();
  }
}

const CAPTION = "The login came back in another browser: the question there";

/**
 * Begins a login in one browser and brings its return address to another, as a phone does when the app opens the
 * return address in the phone's own browser.
 */
export async function returnElsewhere(stage: Stage) {
  const seen = await inTwoBrowsers(stage, "phone", async (began, there, callback) => {
    const answer = await there.goto(callback);
    const confirm = there.locator('button[name="answer"][value="yes"]');
    const asked = (await confirm.count()) > 0;
    const picture = await stage.browsers.picture(there, "other-browser", `${CAPTION}, phone`);
    const heading = (await there.locator("h1").first().innerText()).trim();
    if (asked) {
      // The button takes no tap in its first moments (docs/different-browser.md).
      await there.waitForTimeout(1_000);
      await confirm.tap();
      // The answer leads away from the return address; a question that stays is seen by who is logged in.
      const isElsewhere = ({ pathname }: URL) => !pathname.endsWith("/callback");
      await there.waitForURL(isElsewhere).catch(() => undefined);
      await acceptTerms(there);
    }
    return {
      ...{ status: answer?.status() ?? 0, heading, asked },
      authenticatedThere: await isLoggedIn(stage, there),
      authenticatedWhereItBegan: await isLoggedIn(stage, began),
      pictures: [picture],
    };
  });
  if (stage.simulator === undefined) return seen;
  const atDesk = await inTwoBrowsers(stage, "desktop", async (_, there, callback) => {
    await there.goto(callback);
    return stage.browsers.picture(there, "other-browser", `${CAPTION}, desktop`);
  });
  return { ...seen, pictures: [...seen.pictures, atDesk] };
}

/** A login that began at a desk, and another browser that gets its return address. */
const inTwoBrowsers = <Value>(
  stage: Stage,
  device: "desktop" | "phone",
  part: (began: Page, there: Page, callback: string) => Promise<Value>,
): Promise<Value> =>
  inBrowser(stage, "desktop", async (began) => {
    const callback = await loginUpToReturn(stage, began);
    return inBrowser(stage, device, (there) => part(began, there, callback));
  });

/** @returns the address that brings the browser back, which this browser never opens */
async function loginUpToReturn(stage: Stage, page: Page): Promise<string> {
  const devtools = await page.context().newCDPSession(page);
  const returning = new Promise<string>((resolve) => {
    devtools.on("Fetch.requestPaused", ({ requestId, request }) => {
      // Playwright's own routes do not see redirects. A 204 leaves the browser where it is.
      void devtools.send("Fetch.fulfillRequest", { requestId, responseCode: 204 });
      resolve(request.url);
    });
  });
  const urlPattern = `${stage.site}${stage.authPath}/callback*`;
  await devtools.send("Fetch.enable", { patterns: [{ urlPattern }] });
  await openLogin(stage, page);
  const walked = stage.person.logIn(page, "Kari Nordmann");
  const givenUp = walked.then(() => {
    throw new Error("The login did not come back.");
  });
  const callback = await Promise.race([returning, givenUp]);
  // The person's way ends at a page of the site, and the 204 was none.
  await page.goto(`${stage.site}${stage.authPath}/vipps-login.js`);
  await walked.catch(() => undefined);
  return callback;
}

/** How many logins are begun to compare what differs; a deployed site is spared most of them. */
const COUNT = { simulator: 20, test: 20, deployed: 5 } as const;

/** What a stranger might try to slip into the login link. */
const TAMPERED =
  "?redirect_uri=https://attacker.example/&scope=openid%20nin&client_id=stranger&state=12345678";

/** Begins logins that nobody finishes. Vipps hears of none of them: only the redirect is looked at. */
export async function beginLogins(stage: Stage) {
  const begin = async (query: string) => {
    const answer = await fetch(`${stage.site}${stage.authPath}/login${query}`, { redirect: "manual" });
    await answer.body?.cancel();
    return answer.headers.get("location") ?? `(${answer.status}, no redirect)`;
  };
  const urls: string[] = [];
  for (let count = 0; count < COUNT[stage.environment]; count += 1) urls.push(await begin("?return_to=/"));
  /** The last was begun with parameters of a stranger's: another redirect URI, scope and client. */
  return { urls, tampered: await begin(TAMPERED) };
}
