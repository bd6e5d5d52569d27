import type { Child } from "hono/jsx";
import { filled, textsIn } from "../language.ts";
import type { WrongField } from "../texts/support/support-texts.ts";
import { DeedTable, LoginEntry, RequestList } from "./people.tsx";
import type {
  ShownAccount,
  ShownConsent,
  ShownDeed,
  ShownIdentity,
  ShownLogin,
  ShownRequest,
  ShownSession,
} from "./shown.ts";
import { supportTextsIn } from "./support-language.ts";
import { SupportLayout, type SupportPageProps } from "./support-layout.tsx";

/** The form with which staff correct an account. */
export interface CorrectionForm {
  /** What stands in the fields: as kept, or as typed where something was wrong. */
  readonly name: string;
  readonly phone: string;
  readonly email: string;
  readonly memberNumber: string;
  readonly wrong: WrongField | undefined;
  /** Names the state of the account that the form was made from. */
  readonly basis: string;
}

interface AccountPageProps extends SupportPageProps {
  readonly account: ShownAccount;
  readonly facts: readonly { readonly label: string; readonly value: string }[];
  readonly identities: readonly ShownIdentity[];
  readonly sessions: readonly ShownSession[];
  /** How long a device may take to notice that its session has ended, in words. */
  readonly delay: string;
  readonly logins: readonly ShownLogin[];
  readonly requests: readonly ShownRequest[];
  readonly terms: readonly string[];
  readonly consents: readonly ShownConsent[];
  readonly deeds: readonly ShownDeed[];
  /** Not for a site without a registry. */
  readonly correction: CorrectionForm | undefined;
}

/** Everything customer service sees of an account, and does to it. */
export function AccountPage(props: AccountPageProps) {
  const { language, brand, account, correction } = props;
  const texts = supportTextsIn(language);
  return (
    <SupportLayout {...props} title={account.name ?? texts.noName}>
      <div class="panels">
        <div class="column">
          <Panel title={texts.account}>
            <dl class="facts">
              {props.facts.map(({ label, value }) => (
                <div>
                  <dt>{label}</dt>
                  <dd>{value}</dd>
                </div>
              ))}
            </dl>
            {correction !== undefined && <Correction {...props} correction={correction} />}
          </Panel>
          <Panel title={filled(texts.links, { brand })}>
            <Identities {...props} />
          </Panel>
          <Panel title={texts.terms}>
            {props.terms.length === 0 ? <p class="soft">{texts.none}</p> : <Lines lines={props.terms} />}
          </Panel>
          <Panel title={texts.consents}>
            {props.consents.length === 0 && <p class="soft">{texts.none}</p>}
            <ul class="rows">
              {props.consents.map(({ wording, granted, when }) => (
                <li>
                  {wording}: <strong>{granted ? texts.yes : texts.no}</strong>
                  <p class="meta">{when}</p>
                </li>
              ))}
            </ul>
          </Panel>
        </div>
        <div class="column">
          {props.requests.length > 0 && (
            <Panel title={texts.requests}>
              <RequestList language={language} requests={props.requests} />
            </Panel>
          )}
          <Panel title={texts.logins}>
            {props.logins.length === 0 && <p class="soft">{texts.none}</p>}
            <ul class="rows">
              {props.logins.map((login) => (
                <li>
                  <LoginEntry language={language} login={login} />
                </li>
              ))}
            </ul>
          </Panel>
          <Panel title={texts.sessions}>
            <Sessions {...props} />
          </Panel>
          <Panel title={texts.audit}>
            <DeedTable language={language} deeds={props.deeds} />
          </Panel>
          <p class="actions">
            <a class="button danger" href={`${account.href}/erase`}>
              {texts.erase}
            </a>
          </p>
        </div>
      </div>
    </SupportLayout>
  );
}

function Panel({ title, children }: { readonly title: string; readonly children: Child }) {
  return (
    <section class="panel">
      <h2>{title}</h2>
      {children}
    </section>
  );
}

function Lines({ lines }: { readonly lines: readonly string[] }) {
  return (
    <ul class="rows">
      {lines.map((line) => (
        <li>{line}</li>
      ))}
    </ul>
  );
}

function Identities({ language, account, identities, correction }: AccountPageProps) {
  const texts = supportTextsIn(language);
  return (
    <>
      {identities.length === 0 && <p class="soft">{texts.noLinks}</p>}
      <ul class="rows">
        {identities.map(({ msn, sub, linked, lastLogin, revoked }) => (
          <li>
            <p>{linked}</p>
            {revoked !== undefined && <p class="wrong">{revoked}</p>}
            <p class="meta">
              {texts.lastLogin}: {lastLogin ?? texts.never}
              <br />
              {sub} (MSN {msn})
            </p>
            <form method="post" action={`${account.href}/unlink`}>
              <input type="hidden" name="msn" value={msn} />
              <button
                class="button"
                type="submit"
                name="sub"
                value={sub}
                aria-label={`${texts.unlink}: ${sub}`}
              >
                {texts.unlink}
              </button>
            </form>
          </li>
        ))}
      </ul>
      {identities.length > 0 && <p class="help">{texts.unlinkHelp}</p>}
      {correction !== undefined && (
        <details>
          <summary>{texts.linkByReference}</summary>
          <form class="finder" method="post" action={`${account.href}/link`}>
            <input
              class="field"
              name="reference"
              required
              maxlength={20}
              autocomplete="off"
              aria-label={texts.linkByReference}
            />
            <button class="button" type="submit">
              {texts.next}
            </button>
          </form>
        </details>
      )}
    </>
  );
}

function Sessions({ language, account, sessions, delay }: AccountPageProps) {
  const texts = supportTextsIn(language);
  const { end } = textsIn(language).sessions;
  const action = `${account.href}/sessions`;
  if (sessions.length === 0) return <p class="soft">{texts.none}</p>;
  return (
    <>
      <ul class="rows">
        {sessions.map(({ id, device, place, used, begun }) => (
          <li>
            <strong>{device}</strong>
            <p class="meta">{[place, used, begun].filter(Boolean).join(" · ")}</p>
            <form method="post" action={action}>
              <button class="button" type="submit" name="session" value={id} aria-label={`${end}: ${device}`}>
                {end}
              </button>
            </form>
          </li>
        ))}
      </ul>
      <form class="actions" method="post" action={action}>
        <button class="button" type="submit" name="session" value="all">
          {texts.endAll}
        </button>
      </form>
      <p class="help">{filled(texts.endHelp, { delay })}</p>
    </>
  );
}

type Correctable = "name" | "phone" | "email" | "memberNumber";

function Correction({
  language,
  account,
  correction,
}: AccountPageProps & { readonly correction: CorrectionForm }) {
  const texts = supportTextsIn(language);
  const { wrong } = correction;
  const wrongField = wrong === "staffPhone" ? "phone" : wrong;
  const field = (name: Correctable, type: "text" | "tel" | "email") => (
    <div>
      <label for={name}>{texts[name]}</label>
      <input
        class="field"
        id={name}
        name={name}
        type={type}
        value={correction[name]}
        maxlength={200}
        autocomplete="off"
        {...(wrongField === name && {
          "aria-invalid": "true",
          "aria-describedby": "wrong",
          autofocus: true,
        })}
      />
      {wrong !== undefined && wrongField === name && (
        <p class="wrong" id="wrong" role="alert">
          {texts.wrong[wrong]}
        </p>
      )}
    </div>
  );
  return (
    <details open={wrong !== undefined}>
      <summary>{texts.correct}</summary>
      <form class="fields" method="post" action={`${account.href}/correct`} novalidate>
        <input type="hidden" name="basis" value={correction.basis} />
        {field("name", "text")}
        {field("phone", "tel")}
        {field("email", "email")}
        {field("memberNumber", "text")}
        <p class="help">{texts.correctHelp}</p>
        <p>
          <button class="button primary small" type="submit">
            {texts.save}
          </button>
        </p>
      </form>
    </details>
  );
}
