import { inBrowser, isLoggedIn, logIn, type Stage } from "./stage.ts";

/** Somebody who is logged in withdraws the consent in the app, and Vipps tells the webhook. */
export async function revokeConsent(stage: Stage) {
  const { simulator } = stage;
  const secret = stage.values.CONSENT_WEBHOOK_SECRET;
  if (simulator === undefined || secret === undefined) return undefined;
  const tell = async (word: string) => {
    const address = `${stage.site}${stage.authPath}/webhooks/consent/${word}`;
    const answer = await fetch(await simulator.revokeConsent({ user: "jonas" }, address));
    await answer.body?.cancel();
    return answer.status;
  };
  return inBrowser(stage, "desktop", async (page) => {
    await logIn(stage, page, "Jonas Berg", stage.buttonPath);
    const before = await isLoggedIn(stage, page);
    const wrongSecretStatus = await tell(`${secret.slice(0, -1)}_`);
    const stillIn = await isLoggedIn(stage, page);
    const status = await tell(secret);
    return { status, wrongSecretStatus, sessionEnded: before && stillIn && !(await isLoggedIn(stage, page)) };
  });
}
