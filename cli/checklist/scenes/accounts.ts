import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { logInAsPerson } from "../../../simulator/person.ts";
import { runCommandLine } from "../../command-line.ts";
import { jsonObject } from "../../doctor/bounded-request.ts";
import { type Stage, visit } from "../browser.ts";

/** A test user of the simulator as the site's member list has her: her number as people write it. */
const MEMBER = "Aino Mäkelä";
const MEMBER_LIST = `Member number;Name;Phone;Email\n1001;${MEMBER};050 999 9903;aino.makela@example.net\n`;

/** Puts a made-up member into the database of the run, as `vipps-login members import` does with a real list. */
async function importMember({ root, state }: Stage): Promise<void> {
  const list = join(state, "members.csv");
  writeFileSync(list, MEMBER_LIST);
  const stderr = new PassThrough().setEncoding("utf8");
  const code = await runCommandLine(["members", "import", list, "--persist-to", state, "--country", "FI"], {
    ...{ cwd: root, env: process.env, stdin: process.stdin, stdout: new PassThrough(), stderr },
  });
  if (code !== 0) throw new Error(`The member could not be imported: ${stderr.read()}`);
}

/** The member logs in for the first time and again; then two people who share one email address. */
export async function linkMembers(stage: Stage) {
  await importMember(stage);
  const logInAs = (name: string) =>
    visit(stage, "desktop", async ({ logIn, page }) => {
      await logIn(name);
      const data = await page.request.get(`${stage.auth}/me/download`);
      return (data.ok() ? await data.json() : {}) as {
        readonly accountId?: string;
        readonly account?: { readonly memberNumber?: string };
      };
    });
  const first = await logInAs(MEMBER);
  const second = await logInAs(MEMBER);
  await logInAs("Per Haugen");
  return {
    linked: first.account?.memberNumber === "1001",
    /** Whether the second login of the same person came to the same account. */
    sameAccount: first.accountId !== undefined && second.accountId === first.accountId,
    /** Whether somebody else under the same email address was asked to prove it, and not let in. */
    strangerAsked: await visit(stage, "phone", async ({ logIn, picture, count, isLoggedIn }) => {
      await logIn("Ingrid Haugen");
      const caption = "Somebody else has an account with the same email address: the page asks, phone";
      await picture("proof", caption);
      const isAsked = await count('form input[name="question"][value="proof"], button[value="new"]');
      return isAsked > 0 && !(await isLoggedIn());
    }),
  };
}

/** Logs in as a native app does; at Vipps itself, where only a phone can answer, it is only begun. */
export async function logInFromApp(stage: Stage) {
  const post = async (step: "start" | "finish", told: object) => {
    const headers = { "Content-Type": "application/json" };
    const request = { method: "POST", headers, body: JSON.stringify(told), redirect: "manual" } as const;
    const answer = await fetch(`${stage.auth}/app/${step}`, request);
    return { status: answer.status, body: jsonObject(await answer.text()) ?? {} };
  };
  const { status, body } = await post("start", {});
  const authorizeUrl = typeof body.authorize_url === "string" ? body.authorize_url : undefined;
  const begun = {
    /** The addresses that apps may come back to. */
    redirectUris: (stage.values.APP_REDIRECT_URIS ?? "").split(/[\s,]+/),
    ...{ status, authorizeUrl },
    /** Whether another app, without the secret of the start, was refused; undefined where nobody could log in. */
    strangerRefused: undefined,
    /** Whether the login ended with a session token that the site takes; undefined likewise. */
    tokenAccepted: undefined,
  };
  if (stage.simulator === undefined || authorizeUrl === undefined) return begun;
  const back = await logInAsPerson((request) => fetch(request), authorizeUrl, { user: "sofie" });
  const brought = Object.fromEntries(back.searchParams);
  const stranger = await post("finish", { ...brought, app_secret: "of another app" });
  const finish = await post("finish", { ...brought, app_secret: body.app_secret });
  const { token } = (finish.body.session ?? {}) as { readonly token?: unknown };
  const answer = await fetch(`${stage.auth}/session`, { headers: { Authorization: `Bearer ${token}` } });
  const session = jsonObject(await answer.text());
  return {
    ...begun,
    strangerRefused: stranger.status === 403 || stranger.status === 400,
    // Nobody can be asked in an app: a person who has yet to accept terms is told so, and logs in on the site first.
    tokenAccepted: session?.authenticated === true || finish.body.code === "terms_not_accepted",
  };
}

/** Somebody who is logged in withdraws the consent in the app, and Vipps tells the webhook. */
export async function revokeConsent(stage: Stage) {
  const { simulator } = stage;
  const secret = stage.values.CONSENT_WEBHOOK_SECRET;
  if (simulator === undefined || secret === undefined) return undefined;
  const tell = async (word: string) => {
    const address = `${stage.auth}/webhooks/consent/${word}`;
    const answer = await fetch(await simulator.revokeConsent({ user: "jonas" }, address));
    await answer.body?.cancel();
    return answer.status;
  };
  return visit(stage, "desktop", async ({ logIn, isLoggedIn }) => {
    await logIn("Jonas Berg");
    const before = await isLoggedIn();
    const wrongSecretStatus = await tell(`${secret.slice(0, -1)}_`);
    const stillIn = await isLoggedIn();
    const status = await tell(secret);
    return { status, wrongSecretStatus, sessionEnded: before && stillIn && !(await isLoggedIn()) };
  });
}
