import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { runCommandLine } from "../../command-line.ts";
import type { Members } from "../seen.ts";
import { logIn, type Stage, sessionOf } from "./stage.ts";

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
export async function linkMembers(stage: Stage): Promise<Members> {
  const first = await stage.browsers.open();
  await logIn(stage, first, MEMBER.name, stage.buttonPath);
  const { account } = await sessionOf(stage, first);
  const data = await first.context().request.get(`${stage.site}${stage.authPath}/me/download`);
  const known: unknown = data.ok() ? await data.json() : undefined;
  const second = await stage.browsers.open();
  await logIn(stage, second, MEMBER.name, stage.buttonPath);
  const again = await sessionOf(stage, second);

  const husband = await stage.browsers.open();
  await logIn(stage, husband, "Per Haugen", stage.buttonPath);
  const wife = await stage.browsers.open("phone");
  await logIn(stage, wife, "Ingrid Haugen", stage.buttonPath);
  const strangerAsked =
    (await wife.locator('form input[name="question"][value="proof"], button[value="new"]').count()) > 0 &&
    !(await sessionOf(stage, wife)).authenticated;
  const caption = "Somebody else has an account with the same email address: the page asks, phone";
  const picture = await stage.browsers.picture(wife, "proof", caption);
  for (const page of [first, second, husband, wife]) await page.context().close();
  return {
    linked: memberNumberOf(known) === MEMBER.number,
    sameAccount: account !== undefined && again.account === account,
    strangerAsked,
    pictures: [picture],
  };
}

function memberNumberOf(data: unknown): unknown {
  if (typeof data !== "object" || data === null || !("account" in data)) return undefined;
  const { account } = data;
  return typeof account === "object" && account !== null && "memberNumber" in account
    ? account.memberNumber
    : undefined;
}
