import { handleRequest } from "./app.ts";

export { LoginAttempt } from "./login/login-attempt.ts";
export { UserSessions } from "./session/user-sessions.ts";

export default { fetch: handleRequest } satisfies ExportedHandler<Cloudflare.Env>;
