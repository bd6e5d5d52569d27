import { faultsIn, requirement, workerTest } from "./fault.ts";

const identity = requirement("r23-identity-headers");
const loginNeeded = requirement("r24-login-needed");
const verify = workerTest("verify");

export const SITE_FAULTS = [
  ...faultsIn("src/site/identity-headers.ts", [
    [
      "an assertion begins the moment it is signed",
      "from: signedAt - CLOCK_DIFFERENCE,",
      "from: signedAt,",
      [identity],
    ],
    [
      "an assertion ends too early for a clock that is ahead",
      "+ ON_THE_WAY + CLOCK_DIFFERENCE",
      "+ ON_THE_WAY",
      [identity],
    ],
    [
      "an assertion has a session's audience",
      "site.authPath}/verify`;",
      "site.authPath.slice(0, 0)}`;",
      [identity, verify],
    ],
    [
      "an origin at the site's own address gets a session's audience",
      "site.originUrl !== undefined && site.originUrl !== site.origin",
      "site.originUrl !== undefined",
      [verify],
    ],
  ]),
  ...faultsIn("src/site/serve-site.ts", [
    [
      "a project's own code is told by visitors who they are",
      "return behind(withoutIdentity(canonical),",
      "return behind(canonical,",
      [workerTest("package-options")],
    ],
  ]),
  ...faultsIn("src/http/request.ts", [
    [
      "the last of several forwarded values counts",
      'header?.split(",", 1)[0]',
      'header?.split(",").at(-1)',
      [verify],
    ],
  ]),
  ...faultsIn("src/site/verify-route.ts", [
    [
      "every proxy lets preflights pass",
      'query.get("preflight") === "allow" && isPreflight',
      "isPreflight",
      [verify],
    ],
    [
      "a list of methods may begin with OPTIONS",
      'const method = headers.get("x-forwarded-method") ?? c.req.method;',
      'const method = headers.get("x-forwarded-method")?.split(",")[0] ?? c.req.method;',
      [verify],
    ],
  ]),
  ...faultsIn("src/http/cross-origin.ts", [
    [
      "anybody's preflight is answered",
      "login.returnToOrigins.has(origin) ? origin : undefined",
      "login.returnToOrigins ? origin : undefined",
      [loginNeeded],
    ],
    [
      "every OPTIONS is a preflight",
      ' && headers.has("access-control-request-method")',
      "",
      [loginNeeded, verify],
    ],
  ]),
];
