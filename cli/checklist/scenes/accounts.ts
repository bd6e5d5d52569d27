import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { logInAsPerson } from "../../../simulator/person.ts";
import { runCommandLine } from "../../command-line.ts";
import { jsonObject } from "../../doctor/bounded-request.ts";
import { inBrowser, isLoggedIn, logIn, type Stage, sessionOf } from "./stage.ts";

/** A test user of the simulator as the site's member list has her: her number as people write it. */
const MEMBER = {
  number: "1001",
  name: "Aino Mäkelä",
  phone: "050 999 9903",
  email: "aino.makela@example.net",
};

/**
 * Puts a made-up member into the database of the run, as `vipps-login members import` does with a real list.
 * @throws Error with what the import said
 */
export async function importMember(root: string, state: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "checklist-member-"));
  try {
    const list = join(folder, "members.csv");
    const { number, name, phone, email } = MEMBER;
    writeFileSync(list, `Member number;Name;Phone;Email\n${number};${name};${phone};${email}\n`);
    const stderr = new PassThrough().setEncoding("utf8");
    const code = await runCommandLine(["members", "import", list, "--persist-to", state, "--country", "FI"], {
      ...{ cwd: root, env: process.env, stdin: process.stdin, stdout: new PassThrough(), stderr },
    });
    if (code !== 0) throw new Error(`The member could not be imported: ${stderr.read()}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The member logs in for the first time and again; then two people who share one email address. */
export async function linkMembers(stage: Stage) {
  const logInAs = (name: string) =>
    inBrowser(stage, "desktop", async (page) => {
      await logIn(stage, page, name);
      const data = await page.context().request.get(`${stage.site}${stage.authPath}/me/download`);
      const known = (data.ok() ? await data.json() : {}) as {
        readonly account?: { readonly memberNumber?: unknown };
      };
      return { ...(await sessionOf(stage, page)), memberNumber: known.account?.memberNumber };
    });
  const first = await logInAs(MEMBER.name);
  const second = await logInAs(MEMBER.name);
  await logInAs("Per Haugen");
  const { picture, strangerAsked } = await inBrowser(stage, "phone", async (page) => {
    await logIn(stage, page, "Ingrid Haugen");
    const proof = page.locator('form input[name="question"][value="proof"], button[value="new"]');
    const caption = "Somebody else has an account with the same email address: the page asks, phone";
    return {
      strangerAsked: (await proof.count()) > 0 && !(await isLoggedIn(stage, page)),
      picture: await stage.browsers.picture(page, "proof", caption),
    };
  });
  return {
    linked: first.memberNumber === MEMBER.number,
    /** Whether the second login of the same person came to the same account. */
    sameAccount: first.account !== undefined && second.account === first.account,
    /** Whether somebody else under the same email address was asked to prove it, and not let in. */
    strangerAsked,
    pictures: [picture],
  };
}

/** Logs in as a native app does; at Vipps itself, where only a phone can answer, it is only begun. */
export async function logInFromApp(stage: Stage) {
  /** The addresses that apps may come back to. */
  const redirectUris = (stage.values.APP_REDIRECT_URIS ?? "").split(/[\s,]+/);
  const start = await post(stage, "start", {});
  const { authorize_url: authorizeUrl, app_secret: secret } = start.body;
  const begun = { redirectUris, status: start.status, authorizeUrl: textOf(authorizeUrl) };
  if (stage.simulator === undefined || begun.authorizeUrl === undefined)
    return { ...begun, strangerRefused: undefined, tokenAccepted: undefined };
  const back = await logInAsPerson((request) => fetch(request), begun.authorizeUrl, { user: "sofie" });
  const brought = Object.fromEntries(back.searchParams);
  const stranger = await post(stage, "finish", { ...brought, app_secret: "of another app" });
  const finish = await post(stage, "finish", { ...brought, app_secret: textOf(secret) });
  const session = finish.body.session as { readonly token?: unknown } | undefined;
  const answer = await fetch(`${stage.site}${stage.authPath}/session`, {
    headers: { Authorization: `Bearer ${textOf(session?.token)}` },
  });
  const { authenticated } = (await answer.json()) as { readonly authenticated?: unknown };
  return {
    ...begun,
    /** Whether another app, without the secret of the start, was refused; undefined where nobody could log in. */
    strangerRefused: stranger.status === 403 || stranger.status === 400,
    /** Whether the login ended with a session token that the site takes; undefined likewise. */
    // Nobody can be asked in an app: a person who has yet to accept terms is told so, and logs in on the site first.
    tokenAccepted: authenticated === true || finish.body.code === "terms_not_accepted",
  };
}

async function post({ site, authPath }: Stage, step: "start" | "finish", body: object) {
  const answer = await fetch(`${site}${authPath}/app/${step}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    redirect: "manual",
  });
  return { status: answer.status, body: jsonObject(await answer.text()) ?? {} };
}

const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

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
    await logIn(stage, page, "Jonas Berg");
    const before = await isLoggedIn(stage, page);
    const wrongSecretStatus = await tell(`${secret.slice(0, -1)}_`);
    const stillIn = await isLoggedIn(stage, page);
    const status = await tell(secret);
    return { status, wrongSecretStatus, sessionEnded: before && stillIn && !(await isLoggedIn(stage, page)) };
  });
}
