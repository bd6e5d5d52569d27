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
import type { SceneName, Seen } from "./seen.ts";

/** What the scenes saw, and why a scene came to no end. */
export interface Walk {
  readonly scenes: Pick<Seen, SceneName>;
  readonly failed: Readonly<Partial<Record<SceneName, string>>>;
}

type Scenes = { -readonly [Name in SceneName]?: Seen[Name] };

const PLAY: { readonly [Name in SceneName]: (stage: Stage) => Promise<Seen[Name]> } = {
  button: seeButton,
  starts: beginLogins,
  login: logInOnce,
  olderToken: logInWithOlderToken,
  errors: meetErrors,
  otherBrowser: returnElsewhere,
  members: linkMembers,
  console: findAsStaff,
  nativeApp: logInFromApp,
  webhook: revokeConsent,
};

/** Whether a scene can be played: some need people who are made up, others a setting. */
function isPlayable(name: SceneName, { simulator, own, values }: Stage): boolean {
  switch (name) {
    case "members":
      return simulator !== undefined && own.values.ACCOUNTS !== "none";
    case "console":
    case "olderToken":
      return simulator !== undefined;
    case "nativeApp":
      return values.APP_REDIRECT_URIS !== undefined;
    case "webhook":
      return simulator !== undefined && values.CONSENT_WEBHOOK_SECRET !== undefined;
    default:
      return true;
  }
}

/**
 * Plays scenes one after the other, those that can be played here. One that fails is noted, and the next one is played.
 * @param progress hears of each scene before it begins
 */
export async function walk(
  stage: Stage,
  names: readonly SceneName[],
  progress: (scene: SceneName) => void,
): Promise<Walk> {
  const scenes: Scenes = {};
  const failed: Partial<Record<SceneName, string>> = {};
  const play = async <Name extends SceneName>(name: Name) => {
    scenes[name] = await (PLAY[name] as (stage: Stage) => Promise<Scenes[Name]>)(stage);
  };
  for (const name of names.filter((each) => isPlayable(each, stage))) {
    progress(name);
    try {
      await play(name);
    } catch (error) {
      // What follows the first line quotes addresses, with all that is in them.
      failed[name] = (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
    }
  }
  return { scenes: scenes as Pick<Seen, SceneName>, failed };
}
