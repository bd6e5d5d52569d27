import { faultsIn, requirement, workerTest } from "./fault.ts";

const repeated = requirement("r13-repeated-callback");
const otherBrowser = requirement("r14-other-browser");
const histories = requirement("histories");
const nativeApp = workerTest("native-app");
const login = workerTest("login");

export const LOGIN_FAULTS = [
  ...faultsIn("src/login/login-attempt.ts", [
    [
      "a login can be consumed again and again",
      "    this.#finish({ site, broughtBy: browser, returnTo, sid, declined: false });\n",
      "",
      [repeated],
    ],
    [
      "CROSS_BROWSER=deny lets other browsers in",
      'if (!sameBrowser && otherBrowsers === "refused")',
      'if (otherBrowsers === "refused" && browser === "")',
      [otherBrowser],
    ],
    [
      "every browser takes part in a login that began elsewhere as if it were its own",
      "const sameBrowser = attempt.browser === browser;",
      "const sameBrowser = true;",
      [otherBrowser],
    ],
    [
      "a stranger is shown the question that waits for another browser",
      "      if (attempt.broughtBy !== browser) return usedBefore(attempt, browser);\n",
      "",
      [histories],
    ],
    [
      "anybody may answer the question",
      'if (attempt.status === "used" || attempt.broughtBy !== browser)',
      'if (attempt.status === "used")',
      [otherBrowser],
    ],
    ["no means yes", 'const declined = answer === "no";', "const declined = false;", [otherBrowser]],
    [
      "an answer counts for whatever question",
      "if (answer === undefined || question !== asked)",
      "if (answer === undefined)",
      [workerTest("terms")],
    ],
    [
      "an attempt never expires",
      "return Date.now() - begun > ATTEMPT_LIFETIME ? undefined : attempt;",
      "return attempt;",
      [otherBrowser, requirement("r08-state")],
    ],
    [
      "an attempt is kept for ever",
      "await this.ctx.storage.deleteAll();",
      "await this.ctx.storage.getAlarm();",
      [repeated],
    ],
    [
      "a finished login is forgotten after ten minutes",
      "usedAt + MEMORY_LIFETIME",
      "usedAt + ATTEMPT_LIFETIME",
      [repeated],
    ],
    [
      "an app may finish with any secret",
      "if (attempt.appSecret !== appSecret)",
      'if (appSecret === "")',
      [nativeApp],
    ],
    [
      "an app may finish a login twice",
      '    this.#writeOfApp({ status: "used", site }, Date.now() + ATTEMPT_LIFETIME);\n',
      "",
      [nativeApp],
    ],
    [
      "an app's login never expires",
      "if (Date.now() - attempt.startedAt > ATTEMPT_LIFETIME)",
      "if (attempt.startedAt === 0)",
      [nativeApp],
    ],
  ]),
  ...faultsIn("src/login/used-login.ts", [
    [
      "a declined login looks like a used one",
      '  if (used.declined) throw new Failure("login_declined", { stage, returnTo });\n',
      "",
      [otherBrowser],
    ],
    [
      "a used login takes anybody home who is logged in",
      "(broughtHere || session.sid === used.sid)",
      "(broughtHere || session.sid !== used.sid)",
      [repeated],
    ],
    [
      "a reload leads to an error",
      "if (session !== undefined && (",
      "if (session === undefined && (",
      [repeated],
    ],
    [
      "the browser that began the login is sent on to a new one",
      "const resume = broughtHere && ",
      "const resume = ",
      [otherBrowser],
    ],
    [
      "an old link begins a new login by itself",
      "Date.now() - used.usedAt < IN_FLIGHT",
      "Date.now() - used.usedAt < Number.POSITIVE_INFINITY",
      [repeated],
    ],
  ]),
  ...faultsIn("src/login/finish-login.ts", [
    [
      "a cancelled login asks Vipps for a token",
      "    if (response.error !== undefined) throw providerFailure(response.error);\n",
      "",
      [repeated, requirement("r12-provider-errors")],
    ],
    [
      "ten tabs ask ten questions",
      'if (settings.login.crossBrowser === "confirm" && alreadyIn)',
      'if (settings.login.crossBrowser === "deny" && alreadyIn)',
      [otherBrowser],
    ],
    [
      "CROSS_BROWSER=allow replaces another user's session in silence",
      '"confirm" || (session !== undefined && !alreadyIn);',
      '"confirm";',
      [otherBrowser],
    ],
    [
      "CROSS_BROWSER=confirm does not ask",
      'const asks = settings.login.crossBrowser === "confirm" || ',
      "const asks = ",
      [otherBrowser],
    ],
    [
      "a browser is asked without being able to answer",
      "if (here.isNew && !sameBrowser)",
      "if (!here.isNew && !sameBrowser)",
      [otherBrowser],
    ],
    [
      "a preview of the callback uses the login up",
      'if (c.req.method === "HEAD")',
      'if (c.req.method === "TRACE")',
      [workerTest("login")],
    ],
  ]),
  ...faultsIn("src/login/continue-login.ts", [
    [
      "another website may answer the question",
      '  refuseCrossSite(settings, headers, "continue");\n',
      "",
      [otherBrowser],
    ],
    [
      "a yes counts for a session that the page did not name",
      'current.session.sid !== form.get("replaces")',
      'current.session.sid === form.get("replaces")',
      [otherBrowser],
    ],
  ]),
  ...faultsIn("src/login/confirm-login.ts", [
    [
      "the question does not say whom it would replace",
      "replaced: session === undefined || isSame ?",
      "replaced: session === undefined || !isSame ?",
      [otherBrowser],
    ],
    [
      "the question forgets the session it named",
      "shownSession: session?.sid,",
      "shownSession: undefined,",
      [otherBrowser],
    ],
  ]),
  ...faultsIn("src/login/start-login.ts", [
    ["a prefetch begins a login", "if (isPrefetch(c.req.raw))", 'if (c.req.raw.method === "TRACE")', [login]],
    [
      "a login that is asked for does not begin",
      'queryParameter(c.req.raw, "prompt") !== "login"',
      'queryParameter(c.req.raw, "prompt") !== "never"',
      [login],
    ],
    [
      "a login may end on any website",
      'safeReturnUrl(settings, queryParameter(c.req.raw, "return_to"))',
      'queryParameter(c.req.raw, "return_to") ?? "/"',
      [requirement("r16-return-url")],
    ],
  ]),
  ...faultsIn("src/login/attempt-id.ts", [
    [
      "a state is taken in any spelling",
      "if (!/^[0-9a-f]{64}$/.test(state))",
      'if (state === "")',
      [requirement("r08-state")],
    ],
  ]),
  ...faultsIn("src/login/start-app-login.ts", [
    [
      "an app may name any redirect URI",
      "if (allowed.includes(asked)) return asked;",
      "if (allowed.length > 0) return asked;",
      [nativeApp],
    ],
    ["an app is sent through the web flow", "nativeApp: true,", "nativeApp: false,", [nativeApp]],
  ]),
  ...faultsIn("src/login/finish-app-login.ts", [
    [
      "another website may finish an app's login",
      '  refuseCrossSite(settings, c.req.raw.headers, "callback");\n',
      "",
      [nativeApp],
    ],
  ]),
  ...faultsIn("src/login/session-response.ts", [
    [
      "the session that a login replaces lives on",
      "  c.executionCtx.waitUntil(endReplacedSession(settings, c.req.raw.headers));\n",
      "",
      [login, histories],
    ],
  ]),
  ...faultsIn("src/accounts/vipps-consents.ts", [
    [
      "consents that come again undo a withdrawal",
      "AND later.consent = 'vipps:' || (answer.value ->> 'id') AND later.answered_at > waiting.answered_at)",
      "AND later.consent = '' AND later.answered_at > waiting.answered_at)",
      [workerTest("vipps-consents")],
    ],
  ]),
  ...faultsIn("src/login/finish-login.ts", [
    [
      "consents wait for the end of the login they came with",
      "  await namingPerson(identity, () => keepArrivedConsents(c.env.settings, identity));\n",
      "",
      [workerTest("vipps-consents")],
    ],
  ]),
  ...faultsIn("src/login/release-attempt.ts", [
    [
      "consents outlive a no",
      "    await forgetArrivedConsents(settings, waiting.identity);\n",
      "",
      [workerTest("vipps-consents")],
    ],
  ]),
];
