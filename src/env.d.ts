/** What the Worker is given. Only `settings.ts` reads it. */
declare namespace Cloudflare {
  interface Env extends VippsLoginEnv {}
}

type VippsLoginEnv = import("./environment.ts").VippsLoginEnv;

declare module "*.client.js" {
  const text: string;
  export default text;
}
