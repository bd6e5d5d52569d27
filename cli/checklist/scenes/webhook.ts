import type { Webhook } from "../seen.ts";
import { isLoggedIn, logIn, type Stage } from "./stage.ts";

/** Somebody who is logged in withdraws the consent in the app, and Vipps tells the webhook. */
export async function revokeConsent(stage: Stage): Promise<Webhook | undefined> {
  const { simulator } = stage;
  const secret = stage.values.CONSENT_WEBHOOK_SECRET;
  if (simulator === undefined || secret === undefined) return undefined;
  const page = await stage.browsers.open();
  await logIn(stage, page, "Jonas Berg", stage.buttonPath);
  const before = await isLoggedIn(stage, page);
  const tell = async (word: string) => {
    const address = `${stage.site}${stage.authPath}/webhooks/consent/${word}`;
    const answer = await fetch(await simulator.revokeConsent({ user: "jonas" }, address));
    await answer.body?.cancel();
    return answer.status;
  };
  const wrongSecretStatus = await tell(`${secret.slice(0, -1)}_`);
  const stillIn = await isLoggedIn(stage, page);
  const status = await tell(secret);
  const after = await isLoggedIn(stage, page);
  await page.context().close();
  return { status, wrongSecretStatus, sessionEnded: before && stillIn && !after };
}
