import type { Page } from "@playwright/test";
import { acceptTerms, inBrowser, isLoggedIn, loginAddress, PATIENCE, type Stage } from "./stage.ts";

const CAPTION = "The login came back in another browser: the question there";

/**
 * Begins a login in one browser and brings its return address to another, as a phone does when the app opens the
 * return address in the phone's own browser.
 */
export async function returnElsewhere(stage: Stage) {
  const seen = await inTwoBrowsers(stage, "phone", async (began, there, callback) => {
    const answer = await there.goto(callback, { timeout: PATIENCE });
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
      await there.waitForURL(isElsewhere, { timeout: PATIENCE }).catch(() => undefined);
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
    await there.goto(callback, { timeout: PATIENCE });
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
  await page.goto(loginAddress(stage, stage.buttonPath), { timeout: PATIENCE });
  const walked = stage.person.logIn(page, "Kari Nordmann");
  const givenUp = walked.then(() => {
    throw new Error("The login did not come back.");
  });
  const callback = await Promise.race([returning, givenUp]);
  // The person's way ends at a page of the site, and the 204 was none.
  await page.goto(`${stage.site}${stage.authPath}/vipps-login.js`, { timeout: PATIENCE });
  await walked.catch(() => undefined);
  return callback;
}
