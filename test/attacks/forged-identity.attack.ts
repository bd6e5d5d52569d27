import { findProgram, type ProgramName, whyMissing } from "../../cli/test-programs.mjs";
import { logInAsPerson } from "../../simulator/person.ts";
import { startApplications } from "../node/applications-behind-proxy.ts";
import { startCaddy } from "../node/caddy-example.ts";
import { sendForged, type Variables } from "../node/forged-identity.ts";
import { startNginx } from "../node/nginx-example.ts";
import { createVisitor, redirectOf } from "../node/visitor.ts";
import { type Attack, outcomeOf } from "./attack.ts";

const NEEDED: readonly ProgramName[] = ["nginx", "caddy", "phpFpm", "gunicorn"];
const PROXIES = { nginx: startNginx, Caddy: startCaddy };
const APPLICATIONS = {
  "php-fpm": ["/php/who.php", "/php/open/who.php"],
  WSGI: ["/wsgi/who", "/wsgi/open/who"],
} as const;

const attack: Attack = {
  does: "says to be somebody else, in every spelling, to PHP and Python behind the nginx and Caddy examples",
  run: async ({ site, authPath }) => {
    const missing = NEEDED.filter((name) => findProgram(name) === undefined);
    if (missing.length > 0) throw new Error(missing.map((name) => whyMissing(name)).join("; "));
    // The attacker has a session of their own.
    const visitor = createVisitor(site.origin);
    const toVipps = redirectOf(await visitor.request(`${authPath}/login`));
    const back = await logInAsPerson((request) => fetch(request), toVipps);
    await visitor.request(back.href);
    const session = await visitor.session();
    if (!session.authenticated) throw new Error("the attacker could not even log in");
    const cookie = [`Cookie: ${visitor.cookies()}`];
    const seen: (readonly [boolean, string])[] = [];
    for (const [proxyName, start] of Object.entries(PROXIES)) {
      const applications = await startApplications();
      const proxy = await start(applications, site);
      try {
        for (const [name, paths] of Object.entries(APPLICATIONS)) {
          for (const [index, path] of paths.entries()) {
            const isGuarded = index === 0;
            const { sent, reached } = await sendForged(
              new URL(path, applications.url),
              cookie,
              expected(proxyName, name, isGuarded ? session.user : undefined),
            );
            const where = `${name} behind ${proxyName}${isGuarded ? "" : ", path for everybody"}`;
            const line = `${where}: ${reached.length} of ${sent} spellings reach the application`;
            seen.push(
              [reached.length === 0, line],
              ...reached.slice(0, 3).map((one) => [false, one] as const),
            );
          }
        }
      } finally {
        await proxy.end();
        await applications.close();
      }
    }
    return outcomeOf(seen);
  },
};

/** What an application has to see of who is asking, whatever the request says. */
function expected(
  proxy: string,
  application: string,
  user: { readonly sub: string; readonly name?: string } | undefined,
): Variables {
  const ours: Record<string, string> = {};
  if (user !== undefined) {
    ours.HTTP_REMOTE_USER = user.sub;
    if (user.name !== undefined) ours.HTTP_REMOTE_NAME = user.name;
    ours.HTTP_SESSION_ASSERTION = "ey";
  }
  // Caddy always sets this variable of CGI, and nginx where somebody is logged in.
  if (application === "php-fpm" && proxy === "Caddy") ours.REMOTE_USER = "";
  if (application === "php-fpm" && proxy === "nginx" && user !== undefined) ours.REMOTE_USER = user.sub;
  return ours;
}

export default attack;
