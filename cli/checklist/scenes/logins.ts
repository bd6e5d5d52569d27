import {
  type Device,
  exchangesSoFar,
  isCallback,
  misbehaving,
  type Stage,
  type Visitor,
  visit,
} from "../browser.ts";

const isAuthorize = (url: string): boolean => new URL(url).pathname.endsWith("/oauth2/auth");

/** One login from the link to the session, at a desk. */
export const logInOnce = (stage: Stage) =>
  visit(stage, "desktop", async ({ page, picture, count, isLoggedIn, comeBack, acceptTerms }) => {
    let topLevel = false;
    page.on("request", (request) => {
      if (isAuthorize(request.url()))
        topLevel = request.isNavigationRequest() && request.frame() === page.mainFrame();
    });
    const authenticatedBefore = await isLoggedIn();
    await comeBack("Kari Nordmann");
    const isShown = stage.own.values.TERMS_URL !== undefined;
    const demonstrated = isShown ? "" : " (demonstration: TERMS_URL is not set)";
    let ticked = 0;
    const shown = await acceptTerms(async () => {
      ticked = await count("input[type=checkbox]:checked");
      const caption = "The terms, before the first session: no box is ticked beforehand, desktop";
      await picture("terms", `${caption}${demonstrated}`);
    });
    const authenticatedAfter = await isLoggedIn();
    // Another newcomer meets the same page on a phone; the login is left there.
    if (shown && stage.simulator !== undefined)
      await visit(stage, "phone", async (phone) => {
        await phone.comeBack("Sofie Dahl");
        await phone.page.waitForLoadState("domcontentloaded");
        await phone.picture("terms", `The same, phone${demonstrated}`);
      });
    const sent = (await exchangesSoFar(stage)).filter(({ from }) => from === "browser");
    return {
      /** What the browser was sent to and what it was sent back with. */
      authorize: sent.findLast(({ url }) => isAuthorize(url)),
      callback: sent.findLast(({ url }) => isCallback(stage, url)),
      /** Whether the browser was at Vipps in the top-level window, never in a frame. */
      topLevel,
      authenticatedBefore,
      authenticatedAfter,
      /** The page that presents the terms, if there was one on the way. */
      terms: shown ? { ticked } : undefined,
    };
  });

/** One login as Vipps did it before September 2025: the ID token carried so little that userinfo has to be asked. */
export const logInWithOlderToken = (stage: Stage) =>
  misbehaving(stage, { idTokenClaims: "emailOnly" }, () =>
    visit(stage, "desktop", async ({ logIn, isLoggedIn }) => {
      await logIn("Kari Nordmann");
      return { authenticatedAfter: await isLoggedIn() };
    }),
  );

/**
 * Begins a login at a desk and brings its return address to another browser, as a phone does when the app opens the
 * return address in the phone's own browser.
 */
export async function returnElsewhere(stage: Stage) {
  const onPhone = await returnTo(stage, "phone");
  if (stage.simulator !== undefined) await returnTo(stage, "desktop");
  return onPhone;
}

const returnTo = (stage: Stage, device: Device) =>
  visit(stage, "desktop", async (began) => {
    const callback = await loginUpToReturn(stage, began);
    return visit(stage, device, async ({ page, picture, textOf, acceptTerms, isLoggedIn }) => {
      const answer = await page.goto(callback);
      const heading = await textOf("h1");
      const confirm = page.locator('button[name="answer"][value="yes"]');
      const asked = (await confirm.count()) > 0;
      const what = asked ? "the question" : "what is shown";
      await picture("other-browser", `The login came back in another browser: ${what} there, ${device}`);
      // At a desk the question is only looked at.
      if (asked && device === "phone") {
        // The button takes no tap in its first moments (docs/different-browser.md).
        await page.waitForTimeout(1_000);
        await confirm.tap();
        // The answer leads away from the return address; a question that stays is seen by who is logged in.
        await page.waitForURL((url) => !isCallback(stage, url)).catch(() => undefined);
        await acceptTerms();
      }
      return {
        ...{ status: answer?.status() ?? 0, heading, asked },
        authenticatedThere: await isLoggedIn(),
        authenticatedWhereItBegan: await began.isLoggedIn(),
      };
    });
  });

/** @returns the address that brings the browser back, of which the site hears nothing */
async function loginUpToReturn(stage: Stage, { page, comeBack }: Visitor): Promise<string> {
  // Playwright's own routes do not see redirects.
  const devtools = await page.context().newCDPSession(page);
  devtools.on("Fetch.requestPaused", ({ requestId }) => {
    void devtools.send("Fetch.fulfillRequest", { requestId, responseCode: 200 });
  });
  await devtools.send("Fetch.enable", { patterns: [{ urlPattern: `${stage.auth}/callback*` }] });
  await comeBack("Kari Nordmann");
  return page.url();
}

/** Begins logins that nobody finishes. Vipps hears of none of them: only the redirect is looked at. */
export async function beginLogins(stage: Stage) {
  const begin = async (query: string) => {
    const answer = await fetch(`${stage.auth}/login${query}`, { redirect: "manual" });
    await answer.body?.cancel();
    return answer.headers.get("location") ?? `(${answer.status}, no redirect)`;
  };
  const urls: string[] = [];
  // So many, to compare what differs; a deployed site is spared most of them.
  const amount = stage.environment === "deployed" ? 5 : 20;
  while (urls.length < amount) urls.push(await begin("?return_to=/"));
  // What a stranger might try to slip into the login link: another redirect URI, scope and client.
  const query =
    "?redirect_uri=https://attacker.example/&scope=openid%20nin&client_id=stranger&state=12345678";
  return { urls, tampered: await begin(query) };
}
