import { mkdirSync } from "node:fs";
import { exchangesSoFar, launchChromium, type Stage } from "./browser.ts";
import { type Environment, type JudgedRow, type Picture, picturesFolder, type Stored } from "./evidence.ts";
import { createRedactor } from "./redaction.ts";
import { judgeRows, ROWS, type RowId, scenesOf } from "./rows.ts";
import { linkMembers, logInFromApp, revokeConsent } from "./scenes/accounts.ts";
import { beginLogins, logInOnce, logInWithOlderToken, returnElsewhere } from "./scenes/logins.ts";
import { findAsStaff, meetErrors, seeButton } from "./scenes/pages.ts";
import type { Place, Surroundings } from "./surroundings.ts";
import type { Exchange, LogLine } from "./traffic.ts";

/** `needs`: whether it can be played there; always, where absent. */
type Scene = readonly [
  words: string,
  play: (stage: Stage) => Promise<unknown>,
  needs?: (stage: Stage) => boolean,
];

const atSimulator = ({ simulator }: Stage): boolean => simulator !== undefined;
const hasMembers = (stage: Stage) => atSimulator(stage) && stage.own.values.ACCOUNTS !== "none";

/** What the walk is made of, in its order; a row names the scenes it needs. */
const SCENES = {
  button: ["the page with the button", seeButton],
  starts: ["logins begun, to compare what differs", beginLogins],
  login: ["a login from the link to the session", logInOnce],
  olderToken: ["a login whose ID token lacks what was asked for", logInWithOlderToken, atSimulator],
  errors: ["errors as customers meet them", meetErrors],
  otherBrowser: ["a login that comes back in another browser", returnElsewhere],
  members: ["a member the site knew before", linkMembers, hasMembers],
  console: ["customer service", findAsStaff, atSimulator],
  nativeApp: ["a native app", logInFromApp, ({ values }) => values.APP_REDIRECT_URIS !== undefined],
  webhook: ["a consent withdrawn", revokeConsent, atSimulator],
} as const satisfies Record<string, Scene>;

export type SceneName = keyof typeof SCENES;

type Played<Name extends SceneName> = Awaited<ReturnType<(typeof SCENES)[Name][1]>>;

/** What the scenes saw. One that could not be played here saw nothing. */
type Scenes = { readonly [Name in SceneName]?: Exclude<Played<Name>, undefined> };

/** Everything a run saw, secrets included. Kept in memory alone; rows judge it and show it blanked. */
export interface Seen extends Scenes, Pick<Surroundings, "environment" | "site" | "issuer" | "own"> {
  /** The redirect URI that follows from the settings of the run. */
  readonly redirectUri: string;
  readonly exchanges: readonly Exchange[];
  /** The worker's log, where it can be seen. */
  readonly log: readonly LogLine[] | undefined;
  /** What must never reach a browser, by name. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly pictures: Partial<Record<SceneName, readonly Picture[]>>;
  /** Why scenes came to no end. */
  readonly failed: Partial<Record<SceneName, string>>;
}

/** What has to be walked for some rows, in the order of the walk. */
export function scenesFor(ids: readonly RowId[]): readonly SceneName[] {
  const wanted = new Set(ids.flatMap((id) => scenesOf(ROWS[id])));
  return (Object.keys(SCENES) as SceneName[]).filter((scene) => wanted.has(scene));
}

export interface RunOptions {
  readonly rows: readonly RowId[];
  readonly output: string;
  readonly buttonPath: string;
  readonly chromium: string;
  /** Hears of each scene before it begins, in words. */
  readonly progress: (scene: string) => void;
}

/** Settings that must never leave the server, or never be shown. */
const SECRET = /SECRET|SUBSCRIPTION_KEY|^SESSION_KEYS$|^SITES_KEYS$/;

/** Walks through what the rows need where that can be done, and judges them. */
export async function run(there: Surroundings, options: RunOptions): Promise<JudgedRow[]> {
  const { environment, site, issuer, own, values } = there;
  const { rows, output, buttonPath, chromium, progress } = options;
  const secrets = Object.entries(values).filter(([name]) => SECRET.test(name));
  const redactor = createRedactor();
  for (const [, value] of secrets) redactor.conceal(value);
  for (const phone of (values.SUPPORT_STAFF ?? "").split(/[\s,]+/)) redactor.conceal(phone);
  // The private halves in a key set, each of which is a secret by itself.
  for (const [, part = ""] of (values.SESSION_KEYS ?? "").matchAll(/"d"\s*:\s*"([\w-]+)"/g))
    redactor.conceal(part);
  // It is a word, or a date, that captions and the reports of other rows may use as well.
  if (values.TERMS_VERSION !== undefined) redactor.leaveOpen(values.TERMS_VERSION);
  const folder = picturesFolder(output, environment);
  mkdirSync(folder, { recursive: true });
  // Whoever logs in by hand needs a window.
  const browser = await launchChromium(chromium, there.person.kind === "simulated");
  const auth = `${site}${own.authPath}`;
  const common: Stage = { ...there, auth, buttonPath, browser, redactor, folder, reading: [], pictures: [] };
  const scenes: Partial<Record<SceneName, unknown>> = {};
  const pictures: Partial<Record<SceneName, Picture[]>> = {};
  const failed: Partial<Record<SceneName, string>> = {};
  try {
    for (const name of scenesFor(rows)) {
      const [words, play, needs]: Scene = SCENES[name];
      const stage = { ...common, pictures: [] };
      if (needs?.(stage) === false) continue;
      progress(words);
      pictures[name] = stage.pictures;
      try {
        scenes[name] = await play(stage);
      } catch (error) {
        // The next one is played all the same. What follows the first line quotes addresses, with all in them.
        const [reason = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
        // The report puts it at the end of a sentence of its own.
        failed[name] = reason.replace(/\.+$/, "");
      }
    }
    const seen: Seen = {
      ...(scenes as Scenes),
      ...{ environment, site, issuer, own, log: there.log(), pictures, failed },
      redirectUri: `${auth}/callback`,
      exchanges: await exchangesSoFar(common),
      secrets: Object.fromEntries(secrets.filter(([name]) => name !== "CONSENT_WEBHOOK_SECRET")),
    };
    return judgeRows(seen, rows, redactor);
  } finally {
    await browser.close();
  }
}

/** Makes the surroundings of a run, and runs there. */
export async function walkThrough(kind: Environment, place: Place, options: RunOptions): Promise<Stored> {
  // wrangler takes a second to load, which nobody who wants the help should wait for.
  const { SURROUNDINGS } = await import("./surroundings.ts");
  const there = await SURROUNDINGS[kind](place);
  try {
    const rows = await run(there, options);
    return { runs: { [kind]: { changed: there.changed } }, rows };
  } finally {
    await there.stop();
  }
}
