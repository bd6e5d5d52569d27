import type { Locator, Page } from "@playwright/test";
import { expect } from "./browser.ts";

/** A page of the attacker's. Its popup sends the page that opened it away, and closes under the first press. */
const TRAP = `<!doctype html><link rel="icon" href="data:,"><title>A game</title><button>Play</button><script>
document.querySelector("button").onclick = () => {
  const popup = open("about:blank", "", "width=700,height=600");
  popup.document.write("<body style='height:100vh'>Double click me<script>onpointerdown = () => close()<\\/script>");
  popup.document.close();
  setTimeout(() => { location.href = new URLSearchParams(location.search).get("to") }, 50);
};</script>`;

/**
 * Double clicks in a popup that lies over the page it has sent to an address: the first press closes it, the second
 * lands on a button of that page. Playwright tells every page that it has the focus, so the page cannot know from
 * that when it was uncovered: the attacker has the best of it.
 * @param address where the page below is sent.
 * @param find the button that the second press is meant for.
 * @param pause milliseconds between the presses.
 */
export async function doubleClickThroughPopup(
  page: Page,
  address: string,
  find: (page: Page) => Locator,
  { pause = 19 } = {},
): Promise<void> {
  const trap = new URL("http://evil.localhost:1/game");
  await page
    .context()
    .route(`${trap.origin}/**`, (route) => route.fulfill({ contentType: "text/html", body: TRAP }));
  trap.searchParams.set("to", address);
  await page.goto(trap.href);
  const opening = page.waitForEvent("popup");
  await page.getByRole("button", { name: "Play" }).click();
  const popup = await opening;
  const button = find(page);
  await button.waitFor();
  const box = await button.boundingBox();
  const [x, y] = [(box?.x ?? 0) + (box?.width ?? 0) / 2, (box?.y ?? 0) + (box?.height ?? 0) / 2];
  // The page below has been there for a while: it takes presses.
  await expect(page.locator("html")).not.toHaveClass(/unsettled/);
  await expect(async () => expect(await takesPresses(button)).toBe(true)).toPass({ intervals: [50] });
  await popup.mouse.move(x, y);
  const closed = popup.waitForEvent("close");
  await popup.mouse.down().catch(() => undefined);
  await closed;
  // As a browser tells the page below by itself, and then a hand that does not stand quite still.
  await page.mouse.move(x, y);
  await page.waitForTimeout(pause);
  await page.mouse.move(x + 1, y);
  await page.mouse.down();
  await page.mouse.up();
  await page.waitForTimeout(500);
}

const takesPresses = (button: Locator): Promise<boolean> =>
  button.evaluate((element) => getComputedStyle(element).pointerEvents !== "none");

/** Brings the pointer over a page, as a hand does, until its questions can be answered. */
export async function moveAbout(page: Page): Promise<void> {
  let step = 0;
  await expect(async () => {
    step += 1;
    await page.mouse.move(40 + (step % 20) * 5, 40 + (step % 7) * 3);
    expect(await page.locator("html").getAttribute("class")).not.toMatch(/unmoved|unsettled/);
  }).toPass({ intervals: [40] });
}

/** Presses a button as a person with a mouse does who has read the page. */
export async function pressWithMouse(page: Page, button: Locator): Promise<void> {
  await button.waitFor();
  await moveAbout(page);
  await button.click();
}
