import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { openBrowsers } from "./browser.ts";
import { picturesFolder } from "./evidence-store.ts";
import type { Exchange } from "./exchange.ts";
import { type JudgedRow, judgeRows } from "./judge.ts";
import type { LogLine } from "./log-lines.ts";
import type { Person } from "./person.ts";
import { createRedactor } from "./redaction.ts";
import type { Environment } from "./row.ts";
import type { RowId } from "./row-ids.ts";
import { scenesFor } from "./rows.ts";
import type { ChangedSetting } from "./run-settings.ts";
import type { Stage } from "./scenes/stage.ts";
import type { SceneName } from "./seen.ts";
import type { SiteValues } from "./site-values.ts";
import { walk } from "./walk.ts";

/** A site and a provider that are there to be walked through. */
export interface Surroundings {
  readonly environment: Environment;
  /** The site's origin. */
  readonly site: string;
  readonly issuer: string;
  readonly own: SiteValues;
  /** Settings of the run. */
  readonly values: Readonly<Record<string, string>>;
  readonly changed: readonly ChangedSetting[];
  readonly person: Person;
  readonly simulator: Stage["simulator"];
  /** What went between the worker and the provider, and what this command asked by itself. */
  readonly exchanges: () => readonly Exchange[];
  /** Undefined where the log cannot be seen. */
  readonly log: () => readonly LogLine[] | undefined;
  /** Names of made-up people, which pictures may show. */
  readonly mayBeSeen: ReadonlySet<string>;
  readonly stop: () => Promise<void>;
}

export interface RunOptions {
  readonly rows: readonly RowId[];
  readonly output: string;
  readonly buttonPath: string;
  readonly chromium: string;
  readonly progress: (scene: SceneName) => void;
}

/** Settings that must never leave the server, or never be shown. */
const SECRET = /SECRET|SUBSCRIPTION_KEY|^SESSION_KEYS$|^SITES_KEYS$/;
const PERSONAL = /^SUPPORT_STAFF$/;

const { version } = JSON.parse(
  readFileSync(join(dirname(fileURLToPath(import.meta.url)), "../../package.json"), "utf8"),
) as { readonly version: string };

/** Walks through what the rows need, and judges them. */
export async function run(there: Surroundings, options: RunOptions): Promise<readonly JudgedRow[]> {
  const { environment, site, issuer, own, values } = there;
  const redactor = createRedactor();
  for (const [name, value] of Object.entries(values)) {
    if (SECRET.test(name)) redactor.conceal(value);
    if (PERSONAL.test(name)) for (const one of value.split(/[\s,]+/)) redactor.conceal(one);
  }
  for (const part of privateParts(values.SESSION_KEYS)) redactor.conceal(part);
  const folder = picturesFolder(options.output, environment);
  mkdirSync(folder, { recursive: true });
  const browsers = await openBrowsers({
    executablePath: options.chromium,
    visible: there.person.kind === "by hand",
    site,
    provider: new URL(issuer).origin,
    redactor,
    mayBeSeen: there.mayBeSeen,
    folder,
  });
  const stage: Stage = {
    environment,
    site,
    authPath: own.authPath,
    buttonPath: options.buttonPath,
    own,
    values,
    browsers: {
      ...browsers,
      picture(page, name, caption) {
        for (const exchange of there.exchanges()) redactor.learn(exchange);
        return browsers.picture(page, name, caption);
      },
    },
    person: there.person,
    simulator: there.simulator,
    log: () => there.log() ?? [],
  };
  try {
    const { scenes, failed } = await walk(stage, scenesFor(options.rows), options.progress);
    const exchanges = [...there.exchanges(), ...(await browsers.exchanges())];
    return judgeRows(
      {
        ...scenes,
        environment,
        site,
        issuer,
        redirectUri: `${site}${own.authPath}/callback`,
        own,
        changed: there.changed,
        exchanges: exchanges.toSorted((one, other) => one.at - other.at),
        log: there.log(),
        secrets: Object.fromEntries(
          Object.entries(values).filter(([name]) => SECRET.test(name) && name !== "CONSENT_WEBHOOK_SECRET"),
        ),
      },
      options.rows,
      redactor,
      { now: Date.now(), version, failed },
    );
  } finally {
    await browsers.close();
  }
}

/** The private halves in a key set, each of which is a secret by itself. */
function privateParts(keys: string | undefined): readonly string[] {
  return [...(keys ?? "").matchAll(/"d"\s*:\s*"([\w-]+)"/g)].map(([, part = ""]) => part);
}

/** A folder that is gone when the process ends, however it ends. */
export function goneAtExit(folder: string): string {
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
