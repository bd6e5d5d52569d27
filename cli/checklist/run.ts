import { mkdirSync, readFileSync } from "node:fs";
import { openBrowsers } from "./browser.ts";
import { type JudgedRow, picturesFolder } from "./evidence.ts";
import { createRedactor } from "./redaction.ts";
import type { RowId } from "./rows.ts";
import { judgeRows } from "./rows.ts";
import type { Stage } from "./scenes/stage.ts";
import type { Surroundings } from "./surroundings.ts";
import { scenesFor, walk } from "./walk.ts";

export interface RunOptions {
  readonly rows: readonly RowId[];
  readonly output: string;
  readonly buttonPath: string;
  readonly chromium: string;
  readonly progress: (scene: string) => void;
}

/** Settings that must never leave the server, or never be shown. */
const SECRET = /SECRET|SUBSCRIPTION_KEY|^SESSION_KEYS$|^SITES_KEYS$/;
const PERSONAL = /^SUPPORT_STAFF$/;

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  readonly version: string;
};

/** Walks through what the rows need, and judges them. */
export async function run(there: Surroundings, options: RunOptions): Promise<JudgedRow[]> {
  const { environment, site, issuer, own, values } = there;
  const redactor = createRedactor();
  for (const [name, value] of Object.entries(values)) {
    if (SECRET.test(name)) redactor.conceal(value);
    if (PERSONAL.test(name)) for (const one of value.split(/[\s,]+/)) redactor.conceal(one);
  }
  // The private halves in a key set, each of which is a secret by itself.
  for (const [, part = ""] of (values.SESSION_KEYS ?? "").matchAll(/"d"\s*:\s*"([\w-]+)"/g))
    redactor.conceal(part);
  const folder = picturesFolder(options.output, environment);
  mkdirSync(folder, { recursive: true });
  const browsers = await openBrowsers({
    ...{ site, redactor, folder, mayBeSeen: there.mayBeSeen, elsewhere: there.exchanges },
    executablePath: options.chromium,
    visible: there.person.kind === "by hand",
    provider: new URL(issuer).origin,
  });
  const stage: Stage = { ...there, authPath: own.authPath, buttonPath: options.buttonPath, browsers };
  try {
    const { scenes, failed } = await walk(stage, scenesFor(options.rows), options.progress);
    const exchanges = [...there.exchanges(), ...(await browsers.exchanges())];
    const seen = {
      ...{ ...scenes, environment, site, issuer, own },
      redirectUri: `${site}${own.authPath}/callback`,
      exchanges: exchanges.toSorted((one, other) => one.at - other.at),
      log: there.log(),
      secrets: Object.fromEntries(
        Object.entries(values).filter(([name]) => SECRET.test(name) && name !== "CONSENT_WEBHOOK_SECRET"),
      ),
    };
    return judgeRows(seen, options.rows, redactor, { now: Date.now(), version, failed });
  } finally {
    await browsers.close();
  }
}
