import { handleRequest } from "./app.ts";
import { runScheduledWork } from "./scheduled-work.ts";

export { LoginAttempt } from "./login/login-attempt.ts";
export { UserSessions } from "./session/user-sessions.ts";

export default {
  fetch: handleRequest,
  scheduled: runScheduledWork,
} satisfies ExportedHandler<Cloudflare.Env>;
