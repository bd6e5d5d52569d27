import type { BrowserContext } from "@playwright/test";
import { logInAsPerson } from "../../simulator/person.ts";

interface Session {
  readonly authenticated: boolean;
  readonly user?: { readonly name: string };
}

/**
 * What `/auth/session` tells this browser, asked with its cookies.
 * @param origin of another site than the one that the tests share.
 */
export async function session(context: BrowserContext, origin = ""): Promise<Session> {
  if (!origin.includes(".localhost")) {
    const answer = await context.request.get(`${origin}/auth/session`);
    return (await answer.json()) as Session;
  }
  // By the browser, which knows what lies below localhost; not every system does.
  const page = await context.newPage();
  try {
    return await (await page.goto(`${origin}/auth/session`))?.json();
  } finally {
    await page.close();
  }
}

/** Logs a browser in without showing it: for tests of what is behind the login. */
export async function logInUnseen(context: BrowserContext): Promise<void> {
  const answer = await context.request.get("/auth/login", { maxRedirects: 0 });
  const callback = await logInAsPerson((request) => fetch(request), answer.headers().location ?? "", {
    user: "espen",
  });
  await context.request.get(callback.href, { maxRedirects: 0 });
}
