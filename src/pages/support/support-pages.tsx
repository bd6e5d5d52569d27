import { filled } from "../language.ts";
import { LoginChart } from "./login-chart.tsx";
import { AccountList, contactLine, DeedTable, LoginEntry, RequestList } from "./people.tsx";
import type { ShownAccount, ShownDeed, ShownFigures, ShownLogin, ShownRequest } from "./shown.ts";
import { supportTextsIn } from "./support-language.ts";
import { SupportLayout, type SupportPageProps } from "./support-layout.tsx";

interface FinderProps extends SupportPageProps {
  readonly autofocus?: boolean;
}

/** The one field for everything that a person may be found by. A POST: what is typed is in no address. */
function Finder({ language, home, autofocus }: FinderProps) {
  const texts = supportTextsIn(language);
  return (
    <search class="panel">
      <form method="post" action={`${home}/search`}>
        <label for="query">{texts.search}</label>
        <div class="finder">
          <input
            class="field"
            id="query"
            name="query"
            type="search"
            required
            maxlength={200}
            autocomplete="off"
            autofocus={autofocus}
            aria-describedby="query-help"
          />
          <button class="button primary" type="submit">
            {texts.searchButton}
          </button>
        </div>
        <p class="help" id="query-help">
          {texts.searchHelp}
        </p>
      </form>
    </search>
  );
}

interface SupportPageContents extends SupportPageProps {
  readonly figures: ShownFigures;
  readonly requests: readonly ShownRequest[];
}

/** Where the console begins: the search, who waits, and how the day goes. */
export function SupportPage(props: SupportPageContents) {
  const { language, figures, requests } = props;
  const texts = supportTextsIn(language);
  return (
    <SupportLayout {...props} title={texts.title}>
      <div class="panels">
        <div class="column">
          <Finder {...props} autofocus />
          {requests.length > 0 && (
            <section class="panel">
              <h2>{texts.requests}</h2>
              <RequestList language={language} requests={requests} />
            </section>
          )}
        </div>
        <LoginChart language={language} figures={figures} />
      </div>
    </SupportLayout>
  );
}

interface ResultsPageProps extends SupportPageProps {
  readonly accounts: readonly ShownAccount[];
  readonly isCut: boolean;
  /** The login behind a reference. */
  readonly login: ShownLogin | undefined;
  /** The waiting person behind a reference. */
  readonly request: ShownRequest | undefined;
}

/** What a search has found. */
export function ResultsPage(props: ResultsPageProps) {
  const { language, accounts, isCut, login, request } = props;
  const texts = supportTextsIn(language);
  const nothing = accounts.length === 0 && login === undefined && request === undefined;
  return (
    <SupportLayout {...props} title={texts.results}>
      <div class="panels">
        <div class="column">
          <Finder {...props} />
        </div>
        <div class="column" role="status">
          {nothing && <p class="panel">{texts.nothing}</p>}
          {login !== undefined && (
            <section class="panel">
              <LoginEntry language={language} login={login} />
              {accounts.length === 0 && request === undefined && <p class="soft">{texts.nobody}</p>}
            </section>
          )}
          {request !== undefined && (
            <section class="panel">
              <h2>{texts.requests}</h2>
              <RequestList language={language} requests={[request]} />
            </section>
          )}
          {accounts.length > 0 && (
            <section class="panel">
              <AccountList language={language} accounts={accounts} />
              {isCut && <p class="soft">{texts.limit}</p>}
            </section>
          )}
        </div>
      </div>
    </SupportLayout>
  );
}

interface RequestPageProps extends SupportPageProps {
  readonly request: ShownRequest;
  readonly accounts: readonly ShownAccount[];
}

/** A person who waits to be linked, beside the accounts that may be theirs. */
export function RequestPage(props: RequestPageProps) {
  const { language, request, accounts } = props;
  const texts = supportTextsIn(language);
  return (
    <SupportLayout {...props} title={texts.requests}>
      <div class="panels">
        <section class="panel">
          <p class="person">
            <strong>{request.name ?? texts.noName}</strong>
            {contactLine(request)}
          </p>
          <p>{request.reason}</p>
          <p class="meta">
            {request.reference} · {request.when}
          </p>
          <p class="note">{texts.requestHelp}</p>
        </section>
        <section class="panel">
          <h2>{texts.candidates}</h2>
          {accounts.length === 0 && <p class="soft">{texts.noCandidates}</p>}
          <AccountList
            language={language}
            accounts={accounts}
            actionOf={({ id, name }) => (
              <form method="post" action={`${request.href}/link`}>
                <input type="hidden" name="account" value={id} />
                <button class="button" type="submit" aria-label={`${texts.link}: ${name ?? id}`}>
                  {texts.link}
                </button>
              </form>
            )}
          />
        </section>
      </div>
    </SupportLayout>
  );
}

interface ErasePageProps extends SupportPageProps {
  readonly account: ShownAccount;
}

/** Names what goes, and asks once more. */
export function ErasePage(props: ErasePageProps) {
  const { language, brand, account } = props;
  const texts = supportTextsIn(language);
  return (
    <SupportLayout {...props} title={filled(texts.eraseTitle, { name: account.name ?? texts.noName })}>
      <section class="panel">
        <p class="soft">
          {contactLine(
            account,
            account.memberNumber && `${texts.memberNumber} ${account.memberNumber}`,
            account.id,
          )}
        </p>
        <p>{texts.eraseLead}</p>
        <ul>
          {texts.eraseList.map((gone) => (
            <li>{filled(gone, { brand })}</li>
          ))}
        </ul>
        <p>{texts.eraseKept}</p>
        <form method="post" action={`${account.href}/erase`}>
          <label class="choice">
            <input type="checkbox" name="confirm" value="yes" required />
            <span>{texts.eraseConfirm}</span>
          </label>
          <p class="actions">
            <button class="button danger" type="submit">
              {texts.erase}
            </button>
            <a class="button" href={account.href}>
              {texts.cancel}
            </a>
          </p>
        </form>
      </section>
    </SupportLayout>
  );
}

interface LogPageProps extends SupportPageProps {
  readonly deeds: readonly ShownDeed[];
}

/** The newest lines of the audit log, of all accounts. */
export function LogPage(props: LogPageProps) {
  const texts = supportTextsIn(props.language);
  return (
    <SupportLayout {...props} title={texts.audit}>
      <section class="panel">
        <p class="soft">{texts.auditHelp}</p>
        <DeedTable language={props.language} deeds={props.deeds} />
      </section>
    </SupportLayout>
  );
}
