import type { BrowserContext } from "@playwright/test";

interface Session {
  readonly authenticated: boolean;
  readonly user?: { readonly name: string };
}

/**
 * What `/auth/session` tells this browser, asked in a tab of its own.
 * @param origin of another site than the one that the tests share.
 */
export async function session(context: BrowserContext, origin = ""): Promise<Session> {
  const tab = await context.newPage();
  const answer = await tab.goto(`${origin}/auth/session`);
  const told = (await answer?.json()) as Session;
  await tab.close();
  return told;
}
