import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { runCommandLine } from "../../command-line.ts";
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
      await logIn(stage, page, name, stage.buttonPath);
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
    await logIn(stage, page, "Ingrid Haugen", stage.buttonPath);
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
