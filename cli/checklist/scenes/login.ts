import type { Picture } from "../row.ts";
import type { CookieFlags, Login, OlderToken } from "../seen.ts";
import { acceptTerms, isLoggedIn, logIn, loginAddress, PATIENCE, type Stage } from "./stage.ts";

/** One login from the link to the session, at a desk. */
export async function logInOnce(stage: Stage): Promise<Login> {
  const page = await stage.browsers.open();
  let topLevel = false;
  page.on("request", (request) => {
    if (new URL(request.url()).pathname.endsWith("/oauth2/auth"))
      topLevel = request.isNavigationRequest() && request.frame() === page.mainFrame();
  });
  const authenticatedBefore = await isLoggedIn(stage, page);
  await page.goto(loginAddress(stage, stage.buttonPath), { timeout: PATIENCE });
  await stage.person.logIn(page, "Kari Nordmann");
  const pictures: Picture[] = [];
  let ticked = 0;
  const shown = await acceptTerms(page, async (boxes) => {
    ticked = boxes;
    const caption = "The terms, before the first session: no box is ticked beforehand";
    pictures.push(await stage.browsers.picture(page, "terms", `${caption}, desktop`));
  });
  const authenticatedAfter = await isLoggedIn(stage, page);
  const cookies = await page.context().cookies(stage.site);
  if (shown && stage.simulator !== undefined) pictures.push(await termsOnPhone(stage));
  const exchanges = (await stage.browsers.exchanges()).filter(({ from }) => from === "browser");
  await page.context().close();
  return {
    authorize: exchanges.findLast(({ url }) => new URL(url).pathname.endsWith("/oauth2/auth")),
    callback: exchanges.findLast(({ url }) => new URL(url).pathname === `${stage.authPath}/callback`),
    topLevel,
    authenticatedBefore,
    authenticatedAfter,
    cookies: cookies.filter(({ name }) => /^__(Host|Secure)-vipps-/.test(name)).map(flagsOf),
    terms: shown ? { ticked, pictures } : undefined,
  };
}

/** Another newcomer meets the same page on a phone; the login is left there. */
async function termsOnPhone(stage: Stage): Promise<Picture> {
  const page = await stage.browsers.open("phone");
  await page.goto(loginAddress(stage, stage.buttonPath), { timeout: PATIENCE });
  await stage.person.logIn(page, "Sofie Dahl");
  await page.waitForLoadState("domcontentloaded");
  const picture = await stage.browsers.picture(page, "terms", "The same, phone");
  await page.context().close();
  return picture;
}

/** One login as Vipps did it before its ID tokens carried all that was consented to. */
export async function logInWithOlderToken(stage: Stage): Promise<OlderToken | undefined> {
  const { simulator } = stage;
  if (simulator === undefined) return undefined;
  const page = await stage.browsers.open();
  simulator.setBehaviour({ idTokenClaims: "emailOnly" });
  try {
    await logIn(stage, page, "Kari Nordmann", stage.buttonPath);
    return { authenticatedAfter: await isLoggedIn(stage, page) };
  } finally {
    simulator.resetBehaviour();
    await page.context().close();
  }
}

function flagsOf({ name, httpOnly, secure, sameSite }: CookieFlags): CookieFlags {
  return { name, httpOnly, secure, sameSite };
}
