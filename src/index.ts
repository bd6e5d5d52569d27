import { handleRequest } from "./app.ts";
import { runScheduledWork } from "./scheduled-work.ts";

export { LoginAttempts } from "./login/login-attempts.ts";
export { UserSessions } from "./session/user-sessions.ts";

export default {
  fetch: handleRequest,
  scheduled: runScheduledWork,
} satisfies ExportedHandler<Cloudflare.Env>;
