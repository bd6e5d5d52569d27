import type { NativeApp } from "../seen.ts";
import type { Stage } from "./stage.ts";

/** Begins a login as a native app does. Nobody finishes it. */
export async function beginInApp(stage: Stage): Promise<NativeApp> {
  const answer = await fetch(`${stage.site}${stage.authPath}/app/start`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: "{}",
    redirect: "manual",
  });
  const body: unknown = await answer.json().catch(() => undefined);
  const url =
    typeof body === "object" && body !== null && "authorize_url" in body ? body.authorize_url : undefined;
  return { status: answer.status, authorizeUrl: typeof url === "string" ? url : undefined };
}
