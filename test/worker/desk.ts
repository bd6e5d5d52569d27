import { d1Registry } from "../../src/accounts/site-accounts.ts";
import { type Browser, openBrowser } from "./browser.ts";
import { accountsDatabase } from "./database.ts";
import { openSite, type TestSite } from "./site.ts";

export const ENGLISH = { "accept-language": "en" };
/** As browsers say that a page of the same site led to this one. */
export const FROM_HERE = {
  "sec-fetch-site": "same-origin",
  "sec-fetch-mode": "navigate",
  "sec-fetch-dest": "document",
};
/** The box that a form of the console wants ticked. */
export const TICKED = { confirm: "yes" };

export const records = () => ({ database: accountsDatabase(), site: "default" });
export const registry = () => d1Registry(accountsDatabase(), "default");
export const accountPath = (id: string) => `/auth/support/accounts/${id}`;

/** A person, logged in, who accepts whatever terms there are. */
export async function loggedIn(
  site: TestSite,
  user: string,
): Promise<{ browser: Browser; id: string; sid: string }> {
  const browser = openBrowser(site, { ...ENGLISH, ...FROM_HERE });
  const response = await browser.logIn({ user });
  if (response.status === 200) {
    const attempt = /name="attempt" value="([\w.-]{100,})"/.exec(await response.text())?.[1] ?? "";
    await browser.post("/auth/continue", {
      attempt,
      question: "terms",
      answer: "accept",
      terms: "accepted",
      consent: "newsletter",
    });
  }
  const { user: who, session } = await browser.session();
  return { browser, id: who?.sub ?? "", sid: session?.id ?? "" };
}

interface Desk {
  readonly site: TestSite;
  readonly staff: Browser;
  readonly staffId: string;
}

/** A site where Kari, who answers the phone, is at the desk. */
export async function desk(vars: Partial<Cloudflare.Env> = {}): Promise<Desk> {
  const site = openSite({ vars: { SUPPORT_STAFF: "+4799999901", ...vars } });
  const { browser, id } = await loggedIn(site, "kari");
  return { site, staff: browser, staffId: id };
}

export async function subOf(id: string): Promise<string> {
  return (await registry().get(id))?.identities[0]?.sub ?? "";
}

/** Sofie knocks with a Vipps user that fits her account but for the name; gives the reference she is shown. */
export async function waitToBeLinked(site: TestSite, accountId: string): Promise<string> {
  await registry().unlink(accountId, "123456", await subOf(accountId));
  await registry().correct(accountId, { name: "Bjarne Olsen" });
  const page = await (await openBrowser(site, ENGLISH).logIn({ user: "sofie" })).text();
  return /<code>([\w-]{9})<\/code>/.exec(page)?.[1] ?? "";
}
