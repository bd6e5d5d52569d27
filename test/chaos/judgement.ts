import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openConnection } from "../../bench/load/connection.ts";
import { newVisitor } from "../../bench/load/visitor.ts";
import { accountOf, type Browser, eachOf, type People, SESSION } from "./people.ts";

/** What is wrong afterwards, without faults. All of it has to be none. */
export interface Damage {
  /** People with more than one account. */
  doubled: number;
  /** Accounts without anybody, people without an account, logins that are noted or counted twice. */
  halfMade: number;
  /** Sessions that a browser received, and that are gone. */
  lost: number;
  /** Sessions that live on though another one took their place. */
  outlived: number;
  /** Sessions that are listed though no browser has them. */
  unheld: number;
}

/** Browsers that are asked at a time. */
const AT_A_TIME = 8;

/** Uses every session that was received, and each whose place another took; then looks at the lists of sessions. */
export async function judgeSessions(port: number, { all }: People): Promise<Damage> {
  const damage: Damage = { doubled: 0, halfMade: 0, lost: 0, outlived: 0, unheld: 0 };
  const holders = all.filter(({ cookies }) => cookies.has(SESSION));
  const connections = Array.from({ length: AT_A_TIME }, () => openConnection(port));
  const withConnection = async (
    send: (connection: ReturnType<typeof openConnection>) => Promise<void>,
  ): Promise<void> => {
    const connection = connections.pop() ?? openConnection(port);
    await send(connection);
    connections.push(connection);
  };
  const livesWith = async (cookies: Map<string, string>): Promise<boolean> => {
    let status = 0;
    await withConnection(async (connection) => {
      const page = { path: "/auth/me", headers: { accept: "text/html" } };
      status = (await newVisitor(connection, cookies).send(page)).status;
    });
    return status === 200;
  };
  await eachOf(holders, AT_A_TIME, async ({ cookies }) => {
    if (!(await livesWith(new Map(cookies)))) damage.lost += 1;
  });
  await eachOf(
    all.flatMap(({ replaced }) => replaced),
    AT_A_TIME,
    async (token) => {
      if (await livesWith(new Map([[SESSION, token]]))) damage.outlived += 1;
    },
  );
  const people = Map.groupBy(holders, ({ person }) => person);
  await eachOf([...people.values()], AT_A_TIME, async (browsers) => {
    const [browser] = browsers;
    if (new Set(browsers.map(accountHeld)).size > 1) damage.doubled += 1;
    await withConnection(async (connection) => {
      const list = { path: "/auth/sessions", headers: { accept: "application/json" } };
      const { body } = await newVisitor(connection, new Map(browser?.cookies)).send(list);
      const { sessions = [] } = JSON.parse(body) as { sessions?: readonly unknown[] };
      damage.unheld += Math.max(0, sessions.length - browsers.length);
    });
  });
  await Promise.all(connections.map((connection) => connection.close()));
  return damage;
}

const accountHeld = ({ cookies }: Browser): string => accountOf(cookies.get(SESSION) ?? "");

/** Logins that the figures have counted: an earlier release's when they were written, others up to the mark. */
const COUNTED_LOGINS = `SELECT count(*) AS n FROM logins l
  WHERE l.uncounted IS NULL OR l.id < coalesce((SELECT until FROM counted_logins c WHERE c.site = l.site), 0)`;

/** Counts, in the database of a process that has ended, what no fault may leave. */
export function judgeDatabase(folder: string, { all }: People, damage: Damage): Damage {
  const database = new DatabaseSync(fileOfDatabase(folder));
  const count = (sql: string): number => Number(database.prepare(sql).get()?.n ?? 0);
  const persons = new Set(all.filter(({ cookies }) => cookies.has(SESSION)).map(({ person }) => person)).size;
  damage.halfMade +=
    Math.max(0, persons - count("SELECT count(*) AS n FROM accounts")) +
    count("SELECT count(*) AS n FROM accounts WHERE id NOT IN (SELECT account_id FROM identities)") +
    count("SELECT count(*) AS n FROM identities WHERE account_id NOT IN (SELECT id FROM accounts)") +
    count("SELECT count(sid) - count(DISTINCT sid) AS n FROM logins WHERE outcome = 'logged_in'") +
    Math.abs(count(COUNTED_LOGINS) - count("SELECT sum(count) AS n FROM login_figures"));
  damage.doubled += count(
    "SELECT count(*) - count(DISTINCT phone) AS n FROM accounts WHERE phone IS NOT NULL",
  );
  database.close();
  return damage;
}

function fileOfDatabase(folder: string): string {
  const place = join(folder, "storage", "d1-Database");
  const file = readdirSync(place).find((name) => name.endsWith(".sqlite") && !name.startsWith("metadata"));
  if (file === undefined) throw new Error(`${place} has no database`);
  return join(place, file);
}
