import { faultsIn, requirement, workerTest } from "./fault.ts";

const cookie = requirement("r18-session-cookie");
const token = requirement("r19-session-token");
const end = requirement("r20-session-end");
const crossSite = requirement("r21-cross-site");
const histories = requirement("histories");
const session = workerTest("session");

export const SESSION_FAULTS = [
  ...faultsIn("src/session/session.ts", [
    ["any signed JWT is a session", "        typ: TOKEN_TYPE,\n", "", [token]],
    ["another site's token is a session", "        audience,\n", "", [token]],
    ["another issuer's token is a session", "        issuer,\n", "", [token]],
    ["a token has sixteen spellings", "[AQgw]$/", "[\\w-]$/", [token]],
    [
      "a claim of the profile may stand in for the account",
      "    ...profile,\n    ...registered,\n    auth_time: authTime,",
      "    ...registered,\n    auth_time: authTime,\n    ...profile,",
      [workerTest("session-token")],
    ],
    [
      "a token is believed for as long as it could be renewed",
      "Math.min(fresh, idle / 2);",
      "idle;",
      [histories, session],
    ],
  ]),
  ...faultsIn("src/session/current-session.ts", [
    [
      "a session that ended here is believed until its token is stale",
      "  if (hasEnded(settings.session, session.sid)) return undefined;\n  const at",
      "  const at",
      [end, histories],
    ],
    [
      "the store's no is not heard",
      "if (!lives || hasEnded(settings.session, session.sid)) return undefined;",
      "if (lives && hasEnded(settings.session, session.sid)) return undefined;",
      [histories, end],
    ],
    ["a planted cookie may win", "  if (another !== undefined) return NOBODY;\n", "", [cookie]],
    [
      "a renewed token does not reach the browser",
      "living === undefined ? expiredSessionCookie(settings.session) : cookieFor(settings, living);",
      "living === undefined ? expiredSessionCookie(settings.session) : undefined;",
      [session],
    ],
  ]),
  ...faultsIn("src/http/cookie.ts", [
    ["scripts can read the session", "; HttpOnly", "", [cookie]],
    ["other sites' requests carry the session", "; SameSite=Lax", "; SameSite=None", [cookie]],
    ["the session goes over plain http", "; Secure", "", [cookie]],
  ]),
  ...faultsIn("src/session/session-routes.ts", [
    [
      "another website can log people out",
      '  refuseCrossSite(settings, headers, "session", settings.login.returnToOrigins);\n',
      "",
      [crossSite],
    ],
    [
      "the browser keeps its name after logging out",
      '  answer.append("set-cookie", forgetBrowser());\n',
      "",
      [requirement("r13-repeated-callback")],
    ],
    [
      "logging out may lead anywhere",
      "wanted ? safeReturnUrl(settings, wanted) :",
      "wanted ? wanted :",
      [requirement("r16-return-url"), session],
    ],
  ]),
  ...faultsIn("src/session/session-store.ts", [
    [
      "logging out leaves the session in the store",
      "await asked(settings, accountId, (sessions) => sessions.end(sid, ...told));",
      "await Promise.resolve(accountId);",
      [histories, end],
    ],
    [
      "an ended session is believed here while its token is fresh",
      "  noteEnded(settings.session, sid);\n  await",
      "  await",
      [end],
    ],
  ]),
  ...faultsIn("src/session/user-sessions.ts", [
    [
      "ending the others ends one's own too",
      'target === "others" ? sid !== by : sid === target.sid',
      'target === "others" ? sid !== "" : sid === target.sid',
      [workerTest("sessions-route"), end],
    ],
    [
      "a session that has ended can end others",
      "if (!living.includes(by)) return undefined;",
      'if (living.includes("")) return undefined;',
      [workerTest("sessions-route"), histories],
    ],
  ]),
  ...faultsIn("src/session/session-store.ts", [
    [
      "a session is handed out that the store does not know",
      "    client === undefined\n",
      "    client !== null\n",
      [requirement("r25-failing-storage")],
    ],
  ]),
  ...faultsIn("src/session/session.ts", [
    [
      "a site's own Bearer token locks people out",
      "return { bearer: ofApp, cookies:",
      "return { bearer: ofApp, cookies: bearer !== undefined ? [] :",
      [session],
    ],
  ]),
];
