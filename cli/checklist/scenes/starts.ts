import type { Stage } from "./stage.ts";

/** How many logins are begun to compare what differs; a deployed site is spared most of them. */
const COUNT = { simulator: 20, test: 20, deployed: 5 } as const;

/** What a stranger might try to slip into the login link. */
const TAMPERED =
  "?redirect_uri=https://attacker.example/&scope=openid%20nin&client_id=stranger&state=12345678";

/** Begins logins that nobody finishes. Vipps hears of none of them: only the redirect is looked at. */
export async function beginLogins(stage: Stage) {
  const begin = async (query: string) => {
    const answer = await fetch(`${stage.site}${stage.authPath}/login${query}`, { redirect: "manual" });
    await answer.body?.cancel();
    return answer.headers.get("location") ?? `(${answer.status}, no redirect)`;
  };
  const urls: string[] = [];
  for (let count = 0; count < COUNT[stage.environment]; count += 1) urls.push(await begin("?return_to=/"));
  /** The last was begun with parameters of a stranger's: another redirect URI, scope and client. */
  return { urls, tampered: await begin(TAMPERED) };
}
