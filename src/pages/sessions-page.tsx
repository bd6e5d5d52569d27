import { filled, textsIn } from "./language.ts";
import { Layout, type PageContext } from "./layout.tsx";

/** One session as a person reads it. */
export interface ListedSession {
  readonly id: string;
  readonly device: string;
  readonly isPhone: boolean;
  readonly place: string | undefined;
  /** Whether it is the session that asks. */
  readonly current: boolean;
  /** How long ago it was used, or `undefined` for just now. */
  readonly lastUsed: string | undefined;
  readonly begun: string;
}

/** What has just been ended from this page. */
export type JustEnded = "one" | "others";

interface SessionsPageProps extends PageContext {
  /** This one first. */
  readonly sessions: readonly ListedSession[];
  readonly justEnded: JustEnded | undefined;
  /** How long another device may take to notice, in words. */
  readonly delay: string;
  readonly endAction: string;
  readonly logoutAction: string;
}

/** Where a person is logged in, each with a button that ends it. Works without any script. */
export function SessionsPage(props: SessionsPageProps) {
  const { language, siteName, sessions, justEnded, delay, endAction, logoutAction } = props;
  const { sessions: texts, backToSite } = textsIn(language);
  const others = sessions.filter(({ current }) => !current);
  return (
    <Layout {...props} title={texts.title}>
      {justEnded !== undefined && (
        <p class="note" role="status">
          {filled(justEnded === "one" ? texts.endedOne : texts.endedOthers, { delay })}
        </p>
      )}
      <p class="soft">{filled(others.length > 0 ? texts.intro : texts.onlyHere, { site: siteName })}</p>
      <ul class="sessions">
        {sessions.map((session) => (
          <li>
            <DeviceIcon phone={session.isPhone} />
            <div>
              <h2>{session.device}</h2>
              {session.current && <p class="badge">{texts.thisDevice}</p>}
            </div>
            <p>
              {session.place !== undefined && (
                <>
                  {session.place}
                  <br />
                </>
              )}
              {session.lastUsed === undefined
                ? texts.usedNow
                : filled(texts.used, { when: session.lastUsed })}
              <br />
              {filled(texts.begun, { when: session.begun })}
            </p>
            <form method="post" action={session.current ? logoutAction : endAction}>
              {!session.current && <input type="hidden" name="session" value={session.id} />}
              <button class="button" type="submit" aria-label={`${texts.end}: ${session.device}`}>
                {texts.end}
              </button>
            </form>
          </li>
        ))}
      </ul>
      <div class="actions stacked">
        {others.length > 0 && (
          <form method="post" action={endAction}>
            <button class="button primary" type="submit" name="session" value="others">
              {texts.endOthers}
            </button>
          </form>
        )}
        <a class="button" href="/">
          {backToSite}
        </a>
      </div>
    </Layout>
  );
}

function DeviceIcon({ phone }: { readonly phone: boolean }) {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true">
      {phone ? (
        <path d="M8 2.8h8a1.2 1.2 0 0 1 1.2 1.2v16a1.2 1.2 0 0 1-1.2 1.2H8A1.2 1.2 0 0 1 6.8 20V4A1.2 1.2 0 0 1 8 2.8zM10.8 18.4h2.4" />
      ) : (
        <path d="M4.8 5h14.4a1 1 0 0 1 1 1v9.5H3.8V6a1 1 0 0 1 1-1zM2 18.8h20" />
      )}
    </svg>
  );
}
