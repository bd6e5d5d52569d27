import { filled, textsIn } from "./language.ts";
import { Layout, type PageContext } from "./layout.tsx";

interface MyPageProps extends PageContext {
  readonly data: readonly { readonly label: string; readonly value: string }[];
  /** When the account was made, in words. */
  readonly memberSince: string | undefined;
  readonly consents: readonly {
    readonly id: string;
    readonly wording: string;
    readonly granted: boolean;
    readonly changeable: boolean;
  }[];
  readonly terms: readonly { readonly version: string; readonly url: string; readonly at: string }[];
  readonly privacyUrl: string | undefined;
  /** The consents have just been saved. */
  readonly saved: boolean;
  /** The person wanted to delete the account without ticking the box. */
  readonly unconfirmed: boolean;
  /** Whether anything is kept that could be downloaded and deleted here. */
  readonly canErase: boolean;
  readonly authPath: string;
}

/** A person's own page: their data, their consents, their sessions, and the way out. Needs no script. */
export function MyPage(props: MyPageProps) {
  const { language, brand, siteName, data, memberSince, consents, terms, privacyUrl, saved, authPath } =
    props;
  const { me, backToSite } = textsIn(language);
  const changeable = consents.filter((consent) => consent.changeable);
  const elsewhere = consents.filter((consent) => !consent.changeable);
  return (
    <Layout {...props} title={me.title}>
      <p class="soft">{filled(me.intro, { site: siteName, brand })}</p>
      <dl class="facts">
        {data.map(({ label, value }) => (
          <div>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
        {memberSince !== undefined && (
          <div>
            <dt>{me.since}</dt>
            <dd>{memberSince}</dd>
          </div>
        )}
      </dl>
      {(consents.length > 0 || saved) && (
        <section class="question">
          <h2>{me.consents}</h2>
          {saved && (
            <p class="note" role="status">
              {me.saved}
            </p>
          )}
          {changeable.length > 0 && (
            <form method="post" action={`${authPath}/me/consents`}>
              {changeable.map(({ id, wording, granted }) => (
                <label class="choice">
                  <input type="checkbox" name="consent" value={id} checked={granted} />
                  <span>{wording}</span>
                </label>
              ))}
              <p class="actions">
                <button class="button" type="submit">
                  {me.save}
                </button>
              </p>
            </form>
          )}
          {elsewhere.length > 0 && (
            <>
              <p class="soft">{filled(me.elsewhere, { brand })}</p>
              <ul>
                {elsewhere.map(({ wording, granted }) => (
                  <li>
                    {wording}: <strong>{granted ? me.yes : me.no}</strong>
                  </li>
                ))}
              </ul>
            </>
          )}
        </section>
      )}
      {(terms.length > 0 || privacyUrl !== undefined) && (
        <section class="question">
          <h2>{me.terms}</h2>
          {terms.length > 0 && (
            <ul>
              {terms.map(({ version, url, at }) => (
                <li>
                  <a href={url}>{filled(me.accepted, { version, at })}</a>
                </li>
              ))}
            </ul>
          )}
          {privacyUrl !== undefined && (
            <p>
              <a href={privacyUrl}>{textsIn(language).terms.privacy}</a>
            </p>
          )}
        </section>
      )}
      <section class="question">
        <p class="actions stacked">
          <a class="button" href={`${authPath}/sessions`}>
            {me.sessions}
          </a>
          {props.canErase && (
            <a class="button" href={`${authPath}/me/download`} download>
              {me.download}
            </a>
          )}
          <a class="button" href="/">
            {backToSite}
          </a>
        </p>
      </section>
      {props.canErase && (
        <section class="question" id="erase">
          <h2>{me.erase}</h2>
          <p>{filled(me.eraseHelp, { site: siteName })}</p>
          <form method="post" action={`${authPath}/me/erase`}>
            <label class="choice">
              <input
                type="checkbox"
                name="confirm"
                value="yes"
                required
                {...(props.unconfirmed && { "aria-invalid": "true", "aria-describedby": "unconfirmed" })}
              />
              <span>{me.eraseConfirm}</span>
            </label>
            {props.unconfirmed && (
              <p class="wrong" id="unconfirmed" role="alert">
                {me.unconfirmed}
              </p>
            )}
            <p class="actions">
              <button class="button danger" type="submit">
                {me.eraseSubmit}
              </button>
            </p>
          </form>
        </section>
      )}
    </Layout>
  );
}
