import { faultsIn, requirement, workerTest } from "./fault.ts";

const pageOrScript = requirement("r36-page-or-script");
const lookingAhead = requirement("r37-looking-ahead");
const cookiesNotKept = requirement("r38-cookies-not-kept");
const redirectUri = requirement("r17-redirect-uri");

export const BROWSERS_FAULTS = [
  ...faultsIn("src/http/request.ts", [
    [
      "an app's name makes a script of a page",
      'headers.get("x-requested-with")?.trim().toLowerCase() === "xmlhttprequest"',
      'headers.has("x-requested-with")',
      [pageOrScript, workerTest("verify")],
    ],
    [
      "a navigation that a service worker passes on is a script's",
      'if (mode === "navigate") return false;',
      'if (mode === "navigate" && headers.get("sec-fetch-dest") !== "empty") return false;',
      [pageOrScript],
    ],
    [
      "an app that calls itself XMLHttpRequest is believed",
      'if (mode === "navigate") return false;',
      'if (mode === "navigate" && !headers.has("x-requested-with")) return false;',
      [pageOrScript],
    ],
    [
      "whoever offers another protocol opens a websocket",
      'headers.get("upgrade")?.toLowerCase() === "websocket"',
      'headers.has("upgrade")',
      [pageOrScript],
    ],
    [
      "who takes anything is a script",
      '|| type === "*/*"',
      "",
      [pageOrScript, workerTest("page-or-problem")],
    ],
    [
      "a type that is refused counts as wanted",
      ".filter((range) => !/;\\s*q=0(?:\\.0*)?\\s*(?:;|$)/.test(range))",
      "",
      [pageOrScript, workerTest("page-or-problem")],
    ],
    [
      "a form's reader is a script",
      '(method === "POST" && type !== null && !isFormType(type))',
      'method === "POST"',
      [pageOrScript],
    ],
    ["asking for headers alone is asking", 'if (method === "HEAD") return true;', "", [lookingAhead]],
    [
      "a preview is asking",
      "purpose: /prefetch|prerender|preview/i,",
      "purpose: /prefetch/i,",
      [lookingAhead],
    ],
    [
      "a router's hint is not heard",
      '  "x-sec-purpose": /prefetch|prerender|preview/i,\n',
      "",
      [lookingAhead],
    ],
    [
      "a robot that says so is asking",
      'if (method !== "POST" && isRobot(agent)) return true;',
      "",
      [lookingAhead],
    ],
    ["a make of phones is a robot", "(?<!cu)bot", "bot", [lookingAhead]],
    ["a messenger's preview is asking", "if (isPreview(agent))", "if (agent === undefined)", [lookingAhead]],
    ["what only looked ahead is shown later", "status: 503", "status: 204", [lookingAhead]],
    [
      "what only looked ahead may be kept",
      '{ "cache-control": "no-store", "retry-after": "0" }',
      '{ "retry-after": "0" }',
      [lookingAhead],
    ],
    [
      "a picture takes a step of a login",
      "isSubresource(c.req.raw.headers) ? notAhead() : handle(c)",
      "handle(c)",
      [lookingAhead, workerTest("login")],
    ],
  ]),
  ...faultsIn("src/app.ts", [
    [
      "looking ahead does what a route does",
      "!isReading && route.guard",
      "isReading && route.guard",
      [lookingAhead],
    ],
    [
      "a slash at the end is another address",
      'if (route === undefined && address.endsWith("/")',
      'if (route === undefined && address.endsWith("//")',
      [pageOrScript],
    ],
    [
      "a link to the logout shows nothing to press",
      "if (route.byLink !== undefined &&",
      "if (route.byLink === undefined &&",
      [pageOrScript],
    ],
  ]),
  ...faultsIn("src/support/staff.ts", [
    [
      "looking ahead is written down as staff's look",
      "if (isLookAhead(c.req.raw)) return notAhead();",
      "",
      [lookingAhead],
    ],
    [
      "looking ahead at the console renews the session",
      "(isLookAhead(request) ? isLiving : renewSession)",
      "renewSession",
      [lookingAhead],
    ],
  ]),
  ...faultsIn("src/session/current-session.ts", [
    [
      "looking ahead renews a session",
      "  if (isLookAhead(request)) {\n    if",
      "  if (Number.isNaN(at)) {\n    if",
      [lookingAhead],
    ],
    [
      "looking ahead changes the cookie",
      "if (isRight || isLookAhead(request))",
      "if (isRight)",
      [lookingAhead],
    ],
    [
      "who looks ahead shows a server a token that is stale",
      "return { session: present, token: (await signedSession(settings, present)).token };",
      "return carried;",
      [lookingAhead],
    ],
  ]),
  ...faultsIn("src/login/start-login.ts", [
    ["a login begins in a frame", "if (isFramed(headers))", "if (isFramed(new Headers()))", [pageOrScript]],
    [
      "a login begins at another name of the site",
      "if (elsewhere !== undefined)",
      "if (elsewhere === address)",
      [redirectUri],
    ],
    ["a proxy's visitors go round in circles", "asked.search.includes(AT_OWN_ADDRESS) ||", "", [redirectUri]],
    [
      "a browser without cookies begins again and again",
      'if (hasNone) throw new Failure("cookies_not_kept"',
      'if (hasNone && expected === settings.site.origin) throw new Failure("cookies_not_kept"',
      [cookiesNotKept],
    ],
    [
      "anybody writes events of logins that never were",
      'opened?.standing === "begun" ? opened.login.id : undefined',
      'opened?.standing === "begun" ? opened.login.id : expected',
      [cookiesNotKept],
    ],
  ]),
  ...faultsIn("src/session/session-required.ts", [
    [
      "a login is led to in a frame",
      "if (isFramed(request.headers))",
      "if (isFramed(new Headers()))",
      [pageOrScript],
    ],
  ]),
  ...faultsIn("src/pages/page-response.ts", [
    [
      "the way out of a frame is shown in no frame",
      'isFramed ? "*" : "\'none\'"',
      "isFramed ? \"'none'\" : \"'none'\"",
      [pageOrScript],
    ],
  ]),
  ...faultsIn("src/login/continue-login.ts", [
    [
      "who keeps no cookies is told that the login was used",
      "  if (hasNone)\n",
      '  if (hasNone && login.id === "")\n',
      [cookiesNotKept],
    ],
    [
      "who logged out in another tab is told that the browser keeps no cookies",
      "if (loggedOutAt !== undefined) throw failureOfLogin(login, returnTo, loggedOutMeanwhile());",
      "",
      [workerTest("two-tabs")],
    ],
    [
      "a no that comes too late is passed over in silence",
      "!outcome.declined && saysNo(given)",
      "!outcome.declined && form.has(outcome.sid)",
      [workerTest("two-tabs")],
    ],
  ]),
  ...faultsIn("src/login/finish-login.ts", [
    [
      "nobody looks whether a browser keeps its session",
      "here.hasNone && answer.outcome.outcome",
      "here.isNew && !here.hasNone && answer.outcome.outcome",
      [cookiesNotKept],
    ],
  ]),
  ...faultsIn("src/vipps/authorization-code.ts", [
    [
      "a name in parts is none in the session",
      "claims: withFullName(all.claims)",
      "claims: all.claims",
      [requirement("r06-absent-claims")],
    ],
  ]),
  ...faultsIn("src/vipps/claims.ts", [
    ["a blank is a name", "saysSomething(value)", 'value !== ""', [requirement("r06-absent-claims")]],
    [
      "one form of consents stands in for the other",
      'customFlow: ["flowResult"]',
      'customFlow: ["flowResult", "delegatedConsents"]',
      [workerTest("vipps-consents")],
    ],
    [
      "what Vipps asked anew is not fetched",
      "(isCollected && isCollectedNow)",
      "isCollected === undefined",
      [workerTest("vipps-consents")],
    ],
  ]),
  ...faultsIn("src/site/origin.ts", [
    [
      "an origin's address without a scheme leads visitors away",
      "/^\\s*(?:https?:|[\\\\/]{2})/i",
      "/^\\s*https?:/i",
      [workerTest("origin")],
    ],
    [
      "an origin's own scheme leads visitors away",
      'target.port === "" || target.port === origin.port',
      "target.port === origin.port",
      [workerTest("origin")],
    ],
    [
      "an origin that takes the site's own port leads visitors away",
      "target.port === origin.port || target.port === site.port",
      "target.port === origin.port",
      [workerTest("origin")],
    ],
    [
      "another server of the same machine is taken for the origin",
      "return isNamed && isSame ?",
      "return isNamed ?",
      [workerTest("origin")],
    ],
    [
      "a cookie for the origin's host is dropped by browsers",
      'name !== "domain" || !belongsTo(origin, domain) || belongsTo(site, domain)',
      'name !== "" || !belongsTo(origin, domain) || belongsTo(site, domain)',
      [workerTest("origin")],
    ],
  ]),
  ...faultsIn("src/login/login-attempts.ts", [
    [
      "a callback that a browser brings twice is shown an error",
      "isDoubled !== true || used.browser !== browser",
      "isDoubled !== undefined || used.browser !== browser",
      [requirement("r13-repeated-callback")],
    ],
    [
      "another browser gets the session of a callback that was brought twice",
      "isDoubled !== true || used.browser !== browser",
      "isDoubled !== true",
      [requirement("r13-repeated-callback")],
    ],
  ]),
  ...faultsIn("src/login/finish-login.ts", [
    [
      "what a browser brings twice is written down twice",
      "if (isToldAgain) return sameSessionResponse(c, { ...outcome, sid, returnTo });",
      "",
      [requirement("r13-repeated-callback")],
    ],
  ]),
];
