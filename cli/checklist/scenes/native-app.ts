import { logInAsPerson } from "../../../simulator/person.ts";
import type { Stage } from "./stage.ts";

/** Logs in as a native app does; at Vipps itself, where only a phone can answer, it is only begun. */
export async function logInFromApp(stage: Stage) {
  /** The addresses that apps may come back to. */
  const redirectUris = (stage.values.APP_REDIRECT_URIS ?? "").split(/[\s,]+/);
  const start = await post(stage, "start", {});
  const { authorize_url: authorizeUrl, app_secret: secret } = start.body;
  const begun = { redirectUris, status: start.status, authorizeUrl: textOf(authorizeUrl) };
  if (stage.simulator === undefined || begun.authorizeUrl === undefined)
    return { ...begun, strangerRefused: undefined, tokenAccepted: undefined };
  const back = await logInAsPerson((request) => fetch(request), begun.authorizeUrl, { user: "sofie" });
  const brought = Object.fromEntries(back.searchParams);
  const stranger = await post(stage, "finish", { ...brought, app_secret: "of another app" });
  const finish = await post(stage, "finish", { ...brought, app_secret: textOf(secret) });
  const session = finish.body.session as { readonly token?: unknown } | undefined;
  const answer = await fetch(`${stage.site}${stage.authPath}/session`, {
    headers: { Authorization: `Bearer ${textOf(session?.token)}` },
  });
  const { authenticated } = (await answer.json()) as { readonly authenticated?: unknown };
  return {
    ...begun,
    /** Whether another app, without the secret of the start, was refused; undefined where nobody could log in. */
    strangerRefused: stranger.status === 403 || stranger.status === 400,
    /** Whether the login ended with a session token that the site takes; undefined likewise. */
    // Nobody can be asked in an app: a person who has yet to accept terms is told so, and logs in on the site first.
    tokenAccepted: authenticated === true || finish.body.code === "terms_not_accepted",
  };
}

async function post({ site, authPath }: Stage, step: "start" | "finish", body: object) {
  const answer = await fetch(`${site}${authPath}/app/${step}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    redirect: "manual",
  });
  const read: unknown = await answer.json().catch(() => undefined);
  const record = typeof read === "object" && read !== null ? read : {};
  return { status: answer.status, body: record as Readonly<Record<string, unknown>> };
}

const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
