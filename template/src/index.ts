// The login in front of the site: https URLs below /auth are its own, everything else is the site's.
// Words, a registry or code of your own go here: export default vippsLogin({ texts, behind, registry });
export { default, LoginAttempts, UserSessions } from "vipps-login-worker";
