import { siteWith } from "./better-auth.ts";

/** Without a database better-auth keeps state, account and session in cookies ("Stateless Session Management"). */
export default siteWith(() => ({}));
