import { type Env, siteWith } from "./better-auth.ts";

/** With D1, and the cookie cache its documentation advises against asking the database at every request. */
export default siteWith<Env & { readonly DB: D1Database }>((env) => ({
  database: env.DB,
  session: { cookieCache: { enabled: true, maxAge: 300 } },
}));
