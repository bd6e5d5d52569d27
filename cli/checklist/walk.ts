import type { Environment } from "./evidence.ts";
import type { Exchange } from "./exchange.ts";
import type { LogLine } from "./log-lines.ts";
import { ROWS, type RowId, scenesOf } from "./rows.ts";
import { seeButton } from "./scenes/button.ts";
import { findAsStaff } from "./scenes/console.ts";
import { meetErrors } from "./scenes/errors.ts";
import { logInOnce, logInWithOlderToken } from "./scenes/login.ts";
import { linkMembers } from "./scenes/members.ts";
import { logInFromApp } from "./scenes/native-app.ts";
import { returnElsewhere } from "./scenes/other-browser.ts";
import type { Stage } from "./scenes/stage.ts";
import { beginLogins } from "./scenes/starts.ts";
import { revokeConsent } from "./scenes/webhook.ts";
import type { SiteValues } from "./site-values.ts";

/** What the walk is made of, in its order; a row names the scenes it needs. */
const SCENES = {
  button: { words: "the page with the button", play: seeButton },
  starts: { words: "logins begun, to compare what differs", play: beginLogins },
  login: { words: "a login from the link to the session", play: logInOnce },
  olderToken: { words: "a login whose ID token lacks what was asked for", play: logInWithOlderToken },
  errors: { words: "errors as customers meet them", play: meetErrors },
  otherBrowser: { words: "a login that comes back in another browser", play: returnElsewhere },
  members: { words: "a member the site knew before", play: linkMembers },
  console: { words: "customer service", play: findAsStaff },
  nativeApp: { words: "a native app", play: logInFromApp },
  webhook: { words: "a consent withdrawn", play: revokeConsent },
} as const;

export type SceneName = keyof typeof SCENES;

type Played<Name extends SceneName> = Awaited<ReturnType<(typeof SCENES)[Name]["play"]>>;

/** What the scenes saw. One that could not be played here saw nothing. */
type Scenes = { readonly [Name in SceneName]?: Exclude<Played<Name>, undefined> };

/** Everything a run saw, secrets included. Kept in memory alone; rows judge it and show it blanked. */
export interface Seen extends Scenes {
  readonly environment: Environment;
  /** The site's origin. */
  readonly site: string;
  readonly issuer: string;
  /** The redirect URI that follows from the settings of the run. */
  readonly redirectUri: string;
  /** The site's own settings. */
  readonly own: SiteValues;
  readonly exchanges: readonly Exchange[];
  /** The worker's log, where it can be seen. */
  readonly log: readonly LogLine[] | undefined;
  /** What must never reach a browser, by name. */
  readonly secrets: Readonly<Record<string, string>>;
}

/** What the scenes saw, and why a scene came to no end. */
export interface Walk {
  readonly scenes: Scenes;
  readonly failed: Readonly<Partial<Record<SceneName, string>>>;
}

/** What has to be walked for some rows, in the order of the walk. */
export function scenesFor(ids: readonly RowId[]): readonly SceneName[] {
  const wanted = new Set(ids.flatMap((id) => scenesOf(ROWS[id])));
  return (Object.keys(SCENES) as SceneName[]).filter((scene) => wanted.has(scene));
}

/** Whether a scene can be played: some need people who are made up, others a setting. */
function isPlayable(name: SceneName, { simulator, own, values }: Stage): boolean {
  const needed = {
    members: simulator !== undefined && own.values.ACCOUNTS !== "none",
    console: simulator !== undefined,
    olderToken: simulator !== undefined,
    nativeApp: values.APP_REDIRECT_URIS !== undefined,
    webhook: simulator !== undefined && values.CONSENT_WEBHOOK_SECRET !== undefined,
  };
  return !(name in needed) || needed[name as keyof typeof needed];
}

/**
 * Plays scenes one after the other. One that fails is noted, and the next one is played.
 * @param progress hears of each scene before it begins, in words
 */
export async function walk(
  stage: Stage,
  names: readonly SceneName[],
  progress: (scene: string) => void,
): Promise<Walk> {
  const scenes: Partial<Record<SceneName, unknown>> = {};
  const failed: Partial<Record<SceneName, string>> = {};
  for (const name of names) {
    const { words, play } = SCENES[name];
    if (!isPlayable(name, stage)) continue;
    progress(words);
    try {
      scenes[name] = await play(stage);
    } catch (error) {
      // What follows the first line quotes addresses, with all that is in them.
      failed[name] = (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
    }
  }
  return { scenes: scenes as Scenes, failed };
}
