import type { Child } from "hono/jsx";
import type { Language } from "../language.ts";
import type { ShownAccount, ShownDeed, ShownLogin, ShownPerson, ShownRequest } from "./shown.ts";
import { supportTextsIn } from "./support-language.ts";

/** What tells one person from another, on one line. */
export function contactLine({ phone, email }: ShownPerson, ...more: readonly (string | undefined)[]): string {
  return [phone, email, ...more].filter((part) => part !== undefined).join(" · ");
}

interface AccountListProps {
  readonly language: Language;
  readonly accounts: readonly ShownAccount[];
  /** What can be done with each account, beside opening it. */
  readonly actionOf?: (account: ShownAccount) => Child;
}

/** Accounts to choose from. */
export function AccountList({ language, accounts, actionOf }: AccountListProps) {
  const texts = supportTextsIn(language);
  return (
    <ul class="rows">
      {accounts.map((account) => (
        <li>
          <a class="who" href={account.href}>
            {account.name ?? texts.noName}
          </a>
          <p>
            {contactLine(account, account.memberNumber && `${texts.memberNumber} ${account.memberNumber}`)}
          </p>
          <p class="meta">
            {texts.lastLogin}: {account.lastLogin ?? texts.never}
          </p>
          {actionOf?.(account)}
        </li>
      ))}
    </ul>
  );
}

/** People who wait to be linked. */
export function RequestList(props: {
  readonly language: Language;
  readonly requests: readonly ShownRequest[];
}) {
  const texts = supportTextsIn(props.language);
  return (
    <ul class="rows">
      {props.requests.map((request) => (
        <li>
          <a class="who" href={request.href}>
            {request.name ?? texts.noName}
          </a>
          <p>{request.reason}</p>
          <p class="meta">
            {request.reference} · {request.when}
          </p>
        </li>
      ))}
    </ul>
  );
}

/** One login: how it ended, and what to tell the customer. */
export function LoginEntry({ language, login }: { readonly language: Language; readonly login: ShownLogin }) {
  const texts = supportTextsIn(language);
  return (
    <>
      <p class={login.loggedIn ? "state" : "state not"}>{login.outcome}</p>
      <p class="meta">
        {login.when}
        {login.byBrowser && ` · ${texts.sameBrowser}`}
      </p>
      {login.tell !== undefined && (
        <p class="tell">
          <strong>{texts.tellThem}</strong> {login.tell}
        </p>
      )}
      <p class="meta">{[login.reference, login.technical].filter(Boolean).join(" · ")}</p>
    </>
  );
}

/** What was done, by whom. */
export function DeedTable({
  language,
  deeds,
}: {
  readonly language: Language;
  readonly deeds: readonly ShownDeed[];
}) {
  const texts = supportTextsIn(language);
  return (
    <ul class="rows">
      {deeds.map((deed) => (
        <li>
          <p>
            <strong>{deed.action}</strong>
            {deed.times > 1 && ` ×${deed.times}`}
            {deed.details !== "" && `: ${deed.details}`}
          </p>
          <p class="meta">
            {deed.when} ·{" "}
            {deed.actorHref === undefined ? deed.actor : <a href={deed.actorHref}>{deed.actor}</a>}
            {deed.accountHref !== undefined && (
              <>
                {" "}
                → <a href={deed.accountHref}>{texts.account}</a>
              </>
            )}
          </p>
        </li>
      ))}
    </ul>
  );
}
