import { type Browser, chromium, type Page } from "@playwright/test";
import { findChromium } from "../../cli/chromium.mjs";
import { logInAsPerson } from "../../simulator/person.ts";
import { doubleClickThroughPopup } from "../e2e/stolen-press.ts";
import { type Attack, outcomeOf, type Target } from "./attack.ts";

/** A finished login at Vipps, up to the address that brings it back. Begun in the browser of a page, where given. */
async function callbackOf({ site, authPath }: Target, user: string, page?: Page): Promise<URL> {
  const address = new URL(`${authPath}/login?return_to=/about`, site).href;
  const location =
    page === undefined
      ? (await fetch(address, { redirect: "manual" })).headers.get("location")
      : (await page.context().request.get(address, { maxRedirects: 0 })).headers().location;
  return logInAsPerson((request) => fetch(request), location ?? "", { user });
}

/** Logs a browser in as one of the simulator's people, without showing it. */
async function logIn(target: Target, page: Page, user: string): Promise<void> {
  await page.context().request.get((await callbackOf(target, user, page)).href, { maxRedirects: 0 });
}

interface Told {
  readonly authenticated: boolean;
  readonly user?: { readonly sub: string };
}

async function session({ site, authPath }: Target, page: Page): Promise<Told> {
  const answer = await page.context().request.get(new URL(`${authPath}/session`, site).href);
  return answer.json();
}

type Observation = readonly [boolean, string];

/** The attacker's login comes back in the visitor's browser: the second press would say 'yes, log me in'. */
async function overConfirmPage(target: Target, browser: Browser, pause: number): Promise<Observation> {
  const page = await (await browser.newContext({ locale: "en-GB" })).newPage();
  const { href } = await callbackOf(target, "jonas");
  await doubleClickThroughPopup(page, href, (on) => on.locator('button[value="yes"]'), { pause });
  const { authenticated } = await session(target, page);
  const shown = await page.locator("h1").innerText();
  await page.context().close();
  const what = authenticated ? "logged in as the attacker" : `still asked '${shown}'`;
  return [!authenticated, `confirm page, second press after ${pause} ms: ${what}`];
}

/** Staff at the desk: the second press would do something to a member, in their name. */
async function overConsole(target: Target, browser: Browser): Promise<readonly Observation[]> {
  const member = await (await browser.newContext()).newPage();
  await logIn(target, member, "sofie");
  const id = (await session(target, member)).user?.sub ?? "";
  const staff = await (await browser.newContext({ locale: "en-GB" })).newPage();
  await logIn(target, staff, "kari");
  const desk = new URL(`${target.authPath}/support`, target.site).href;
  const seen: Observation[] = [];
  for (const path of [`/accounts/${id}`, `/accounts/${id}/erase`, "/requests/K7QF-3M2P", "/log"]) {
    await doubleClickThroughPopup(staff, desk + path, (on) =>
      on.locator('main form:not([action$="/logout"]) button').first(),
    );
    const shown = await staff.locator("h1").innerText();
    const named = (await staff.locator("main").innerText()).includes("Sofie");
    const line = `console ${path.replace(id, "<id>")}: shows '${shown}'${named ? " with the member's name" : ""}`;
    seen.push([!named && shown === "Customer service", line]);
  }
  await staff.goto(desk);
  await staff.getByRole("searchbox").fill("Sofie Dahl");
  await staff.keyboard.press("Enter");
  await staff.getByRole("heading", { level: 1, name: "Sofie Dahl" }).waitFor();
  const lines = await staff.locator("li", { hasText: "Looked" }).allInnerTexts();
  const honest = lines.length === 1 && !lines.some((line) => line.includes("×"));
  seen.push([honest, `looks in the audit log: ${lines.length}, the honest one`]);
  for (const name of ["Log out everywhere", "Unlink"]) {
    const button = staff.getByRole("button", { name }).first();
    await button.dblclick();
    await button.dblclick();
  }
  const { authenticated } = await session(target, member);
  seen.push([authenticated, "double clicks on the account's own page end no session and unlink nobody"]);
  return seen;
}

const attack: Attack = {
  does: "closes a popup under the first press of a double click, over the console and the confirm page",
  settings: { SUPPORT_STAFF: "+4799999901" },
  run: async (target) => {
    const executablePath = process.env.CHROMIUM_PATH || (await findChromium());
    const browser = await chromium.launch({
      ...(executablePath !== undefined && { executablePath }),
      args: ["--disable-gpu", "--no-first-run", "--disable-background-networking"],
    });
    try {
      const seen = [await overConfirmPage(target, browser, 19), await overConfirmPage(target, browser, 900)];
      return outcomeOf([...seen, ...(await overConsole(target, browser))]);
    } finally {
      await browser.close();
    }
  },
};

export default attack;
