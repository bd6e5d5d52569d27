import { faultsIn, requirement, workerTest } from "./fault.ts";

const toldOnce = requirement("r06-told-once");
const knownPerson = requirement("r06-known-person");
const repeated = requirement("r13-repeated-callback");
const otherBrowser = requirement("r14-other-browser");
const histories = requirement("histories");
const state = requirement("r08-state");
const failing = requirement("r25-failing-storage");
const nativeApp = workerTest("native-app");
const login = workerTest("login");

export const LOGIN_FAULTS = [
  ...faultsIn("src/app.ts", [
    [
      "looking ahead at the callback uses a login up",
      "methods: { GET: finishLogin },\n    isStep: true,",
      "methods: { GET: finishLogin },\n    isReading: true,",
      [login],
    ],
    [
      "a route takes another method than the documents say",
      '{ path: "/continue", methods: { POST: continueLogin }',
      '{ path: "/continue", methods: { GET: continueLogin, POST: continueLogin }',
      [requirement("r27-malformed-input")],
    ],
  ]),
  ...faultsIn("src/crypto-text.ts", [
    ["random bytes are given twice", "  drawn = drawn.subarray(count);\n", "", [workerTest("crypto-text")]],
    [
      "a long text is cut before it is digested",
      "text.length * 3 > passing.byteLength",
      "text.length > passing.byteLength",
      [workerTest("crypto-text")],
    ],
  ]),
  ...faultsIn("src/login/login-state.ts", [
    [
      "a state is worth something at another site",
      'JSON.stringify(["login", purpose, session.issuer, site.partition])',
      'JSON.stringify(["login", purpose])',
      [state, requirement("site-walls")],
    ],
    [
      "an app's login may be finished by a browser, and the other way round",
      'JSON.stringify(["login", purpose, ',
      'JSON.stringify(["login", ',
      [nativeApp],
    ],
    [
      "a state is bound to whatever was sealed first",
      "const known = ofSite.get(purpose);",
      "const [known] = ofSite.values();",
      [nativeApp],
    ],
    ["a login never expires", "if (at - began <= LOGIN_LIFETIME) return", "if (at >= began) return", [state]],
    [
      "a state says something for ever",
      "return at - began <= LOGIN_LIFETIME + MEMORY_LIFETIME ?",
      "return at >= began ?",
      [state],
    ],
    [
      "a state has several spellings",
      "return toBase64url(bytes) === text ? bytes : undefined;",
      "return bytes;",
      [state],
    ],
    [
      "all logins share their secrets",
      'crypto.subtle.sign("HMAC", key.derive, passingBytes(id))',
      'crypto.subtle.sign("HMAC", key.derive, passingBytes(key.id))',
      [requirement("r09-fresh-secrets")],
    ],
    [
      "verifier and nonce are the same",
      "nonce: toBase64url(bits.subarray(32)),",
      "nonce: toBase64url(bits.subarray(0, 32)),",
      [requirement("r09-fresh-secrets")],
    ],
    [
      "a stolen key seals for ever after it was retired",
      "if (began > at + CLOCK_TOLERANCE || began > key.sealedUntil) return undefined;",
      "if (began > at + CLOCK_TOLERANCE) return undefined;",
      [state],
    ],
    ["a rotation ends the logins under way", "d === undefined ? [] : [", "d !== undefined ? [] : [", [state]],
    [
      "a long return URL makes a long state",
      "const RETURN_URL_BYTES = 260;",
      "const RETURN_URL_BYTES = 2_600;",
      [state],
    ],
  ]),
  ...faultsIn("src/login/login-attempts.ts", [
    [
      "a session is handed out that the store does not know",
      "const recorded = recordSession(settings, settled.accountId, session);",
      "const recorded = Promise.resolve(session);",
      [workerTest("session"), workerTest("login")],
    ],
    [
      "a session whose answer got lost for good lives on",
      "if (accountId !== undefined) await endSession(",
      'if (accountId === "") await endSession(',
      [failing],
    ],
    [
      "a login is finished as often as its code comes back",
      "      if (used !== undefined)\n        return (await this.#toldBefore(call, used)) ?? this.#resume({ ...call, id }, stepTimes);\n",
      "",
      [repeated, state],
    ],
    [
      "a call that is made again does everything twice",
      "    if (before !== undefined) return before.answer;\n",
      '    if (before === undefined && key === "") return work({}) as Promise<LoginAnswer>;\n',
      [failing],
    ],
    [
      "what an object has no room for is done twice",
      'if (!this.#hasRoom(call)) return { outcome: "consumed" };',
      'if (!this.#hasRoom(call)) await finishConsumed(settings, call, { stepTimes, background: () => {} });\n      if (!this.#hasRoom(call)) return { outcome: "consumed" };',
      [failing],
    ],
    [
      "an object never hands on what it has no room for",
      "const EXCHANGES_AT_ONCE = 4;",
      "const EXCHANGES_AT_ONCE = 4_000;",
      [failing],
    ],
    [
      "anybody may answer the question",
      "return this.#store.used(id)?.browser === browser ? this.#store.waiting(id) : undefined;",
      'return browser === "" ? undefined : this.#store.waiting(id);',
      [otherBrowser, histories],
    ],
    [
      "an answer counts for whatever question",
      "waiting.question !== call.question && !saysNo(given)",
      "given === undefined",
      [workerTest("terms")],
    ],
    [
      "two answers make two sessions",
      'if (!isTaken || verdict.kind === "decline")',
      'if (verdict.kind === "decline")',
      [workerTest("accounts-login")],
    ],
    [
      "a question that was never answered leads home",
      "if (used === undefined || (used.held && used.browser === browser)) return undefined;",
      "if (used === undefined) return undefined;",
      [histories],
    ],
    [
      "whoever began a login is taken for the one that brought it",
      "broughtHere: used.browser === browser };",
      'broughtHere: browser !== "" };',
      [repeated, otherBrowser],
    ],
    [
      "what came with a login outlives a no",
      '    if (verdict.kind === "decline") await forgetDeclined(settings, waiting.identity, beganAt(id));\n',
      "",
      [workerTest("vipps-consents")],
    ],
  ]),
  ...faultsIn("src/login/call-attempts.ts", [
    [
      "a session that nobody received lives on",
      'if (answer.outcome === "used") c.executionCtx',
      'if (answer.outcome === "expired") c.executionCtx',
      [failing],
    ],
    [
      "a session whose answer got lost for good lives on, where its object has forgotten it",
      "hasEnded ? undefined : endUnreceived()",
      "hasEnded ? endUnreceived() : undefined",
      [failing],
    ],
  ]),
  ...faultsIn("src/login/login-attempts.ts", [
    ["a declined login looks like a used one", "        declined ? 1 : 0,\n", "        0,\n", [otherBrowser]],
    [
      "an answer may come whenever it likes",
      "if (row === undefined || Date.now() - row.held_at > LOGIN_LIFETIME) return undefined;",
      "if (row === undefined) return undefined;",
      [otherBrowser, histories],
    ],
    [
      "a used login is kept for ever",
      'rows("DELETE FROM used_logins WHERE id < ?", forgotten);',
      'rows("DELETE FROM used_logins WHERE id < ?", "");',
      [repeated, histories],
    ],
    [
      "a used login is forgotten when its state has expired",
      "firstIdAt(now - LOGIN_LIFETIME - MEMORY_LIFETIME)",
      "firstIdAt(now - LOGIN_LIFETIME)",
      [repeated, histories],
    ],
    [
      "an object that was started anew forgets when to sweep",
      "(sweepAt === Number.POSITIVE_INFINITY ? sweepPeriod() : undefined) ?? SWEEP_LATER",
      "SWEEP_LATER",
      [otherBrowser],
    ],
    [
      "an identity is kept though nobody has answered",
      'rows("DELETE FROM waiting_logins WHERE held_at < ?", now - LOGIN_LIFETIME);',
      "",
      [histories],
    ],
  ]),
  ...faultsIn("src/login/confirm-question.ts", [
    [
      "no means yes",
      'if (answer === "no") return { kind: "decline" };',
      'if (answer === "no") return { kind: "goOn", answers };',
      [otherBrowser],
    ],
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
  ...faultsIn("src/login/finish-login.ts", [
    [
      "a login that is too late is finished all the same",
      "if (brought.isLate) {",
      'if (here.browser === "") {',
      [state],
    ],
    [
      "CROSS_BROWSER=deny lets other browsers in",
      'if (!isSameBrowser && settings.login.crossBrowser === "deny")',
      'if (!isSameBrowser && here.browser === "")',
      [otherBrowser],
    ],
    [
      "a declined login says that it was used",
      '  if (used.declined) throw new Failure("login_declined", { stage, returnTo });\n',
      "",
      [otherBrowser],
    ],
    [
      "a used login takes anybody home who is logged in",
      "(used.broughtHere || session.sid === used.sid)",
      "(used.broughtHere || session.sid !== used.sid)",
      [repeated],
    ],
    [
      "a reload leads to an error",
      "if (session !== undefined && (used.",
      "if (session === undefined && (used.",
      [repeated],
    ],
    [
      "the browser that began the login is sent on to a new one",
      "const resume = used.broughtHere && ",
      "const resume = ",
      [otherBrowser],
    ],
    [
      "an old link begins a new login by itself",
      "Date.now() - used.usedAt < IN_FLIGHT",
      "Date.now() - used.usedAt < Number.POSITIVE_INFINITY",
      [repeated],
    ],
    [
      "a cancelled login asks Vipps for a token",
      "    if (response.error !== undefined) throw await refusal(c, login, response, response.error);\n",
      "",
      [repeated, requirement("r12-provider-errors")],
    ],
    [
      "a browser is asked without being able to answer",
      "if (here.isNew && !isSameBrowser)",
      "if (!here.isNew && !isSameBrowser)",
      [otherBrowser],
    ],
  ]),
  ...faultsIn("src/login/settle-login.ts", [
    [
      "every browser takes part in a login that began elsewhere as if it were its own",
      "if (login.browser !== consumed.browser) {",
      'if (login.browser === "") {',
      [otherBrowser],
    ],
    [
      "ten tabs ask ten questions",
      'if (crossBrowser === "confirm" && isAlreadyIn)',
      'if (crossBrowser === "deny" && isAlreadyIn)',
      [otherBrowser],
    ],
    [
      "CROSS_BROWSER=allow replaces another user's session in silence",
      'crossBrowser === "confirm" || (loggedInAs !== undefined && !isAlreadyIn);',
      'crossBrowser === "confirm";',
      [otherBrowser],
    ],
    [
      "CROSS_BROWSER=confirm does not ask",
      'const asks = crossBrowser === "confirm" || ',
      "const asks = ",
      [otherBrowser],
    ],
    [
      "consents wait for the end of the login they came with",
      "    await keepArrivedConsents(settings, arrived, beganAt(login.id));\n",
      "",
      [workerTest("vipps-consents")],
    ],
  ]),
  ...faultsIn("src/login/missed-userinfo.ts", [
    [
      "nobody is let in by what is known of them",
      'if (sufficesFor === "known" && known === undefined)',
      'if (sufficesFor === "known")',
      [knownPerson],
    ],
    [
      "anybody is let in by a thin ID token",
      'if (sufficesFor === "known" && known === undefined) throw failure;\n',
      "",
      [knownPerson],
    ],
    [
      "what userinfo did not say is forgotten",
      "completedClaims(identity.claims, known ?? {}), partial: sufficesFor };",
      "identity.claims };",
      [knownPerson],
    ],
    [
      "a number is verified by what was said of another",
      "completedClaims(identity.claims, known ?? {})",
      "{ ...known, ...identity.claims }",
      [knownPerson],
    ],
    [
      "consents come for a stranger who has declined",
      "since?.declined === true && (await accountOnRecord",
      "since?.accountId !== undefined && (await accountOnRecord",
      [toldOnce],
    ],
    [
      "consents of a member who has declined do not come",
      "(since?.declined === true && (await accountOnRecord(settings, identity)) === undefined) ||",
      "since?.declined === true ||",
      [toldOnce],
    ],
    [
      "consents come for somebody who has been erased",
      " ||\n    (await isErasedSince(records, user, begunAt));",
      ";",
      [toldOnce],
    ],
    [
      "consents that came late wait for another login",
      "if (accountId !== undefined) await adopt",
      "if (accountId === null) await adopt",
      [toldOnce],
    ],
    ["userinfo is asked before it wants to be", "Math.max(first, wanted)", "first", [toldOnce]],
  ]),
  ...faultsIn("src/login/settle-login.ts", [
    [
      "what a member answered at Vipps waits for the login to be finished",
      "  if (accountId !== undefined) await adoptVippsConsents({ ...records, begunAt }, accountId, user);\n}",
      "}",
      [workerTest("vipps-consents")],
    ],
    [
      "a member's no in a browser takes back what they answered at Vipps",
      "if (accountId === undefined) await forgetStranger(records, user);\n  else await",
      "await forgetVippsConsents(records, user);\n  if (accountId !== undefined) await",
      [workerTest("vipps-consents")],
    ],
    [
      "an account is made of somebody who is not known any more",
      'if (partial === "known" && decision.linking.kind !== "known")',
      'if (partial === "anybody" && decision.linking.kind !== "known")',
      [knownPerson],
    ],
    [
      "what userinfo did not say is taken for gone",
      "settled.isCurrent || partial !== undefined",
      "settled.isCurrent",
      [knownPerson],
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
      'session.sid !== form.get("replaces")',
      'session.sid === form.get("replaces")',
      [otherBrowser],
    ],
  ]),
  ...faultsIn("src/login/start-login.ts", [
    [
      "a login that is asked for does not begin",
      'query.get("prompt") === "login"',
      'query.get("prompt") === "never"',
      [login],
    ],
    [
      "a login may end on any website",
      'safeReturnUrl(settings, query.get("return_to"))',
      'query.get("return_to") ?? "/"',
      [requirement("r16-return-url")],
    ],
    ["an app is sent through the web flow", 'nativeApp: flow === "app",', "nativeApp: false,", [nativeApp]],
  ]),
  ...faultsIn("src/login/login-end.ts", [
    [
      "a stranger fills the database with events",
      "(person === undefined && !isFirst(ofLogin))",
      '(person === undefined && ofLogin === "")',
      [workerTest("accounts-login")],
    ],
    [
      "a page that is loaded again is an event again",
      "if (login === undefined || recorded.has(login)) return false;",
      "if (login === undefined) return false;",
      [workerTest("accounts-login")],
    ],
  ]),
  ...faultsIn("src/login/app-login.ts", [
    [
      "an app may finish with any secret",
      "if (login.browser !== browser) throw",
      'if (browser === "") throw',
      [nativeApp],
    ],
    [
      "an app's login never expires",
      '  if (isLate) throw new Failure("state_expired", { stage: "callback" });\n',
      "",
      [nativeApp],
    ],
    [
      "an app may name any redirect URI",
      "if (allowed.includes(asked)) return asked;",
      "if (allowed.length > 0) return asked;",
      [nativeApp],
    ],
    [
      "another website may finish an app's login",
      '  refuseCrossSite(settings, c.req.raw.headers, "callback");\n',
      "",
      [nativeApp],
    ],
  ]),
  ...faultsIn("src/session/session-store.ts", [
    [
      "the session that a login replaces lives on",
      "slice(0, REPLACED_LIMIT)",
      "slice(0, 0)",
      [login, histories],
    ],
  ]),
  ...faultsIn("src/accounts/vipps-consents.ts", [
    [
      "a late message of Vipps takes back what was answered since",
      "AND granted = 1 AND answered_at <= ",
      "AND granted = 1 AND 0 <= ",
      [workerTest("vipps-consents")],
    ],
    [
      "what Vipps collected counts after the access was removed",
      "SELECT site, account_id, consent, 0, required, 'webhook'",
      "SELECT site, account_id, consent, 1, required, 'webhook'",
      [workerTest("vipps-consents")],
    ],
    [
      "consents that come again undo a withdrawal",
      "AND later.consent = 'vipps:' || (answer.value ->> 'id') AND later.answered_at > waiting.answered_at)",
      "AND later.consent = '' AND later.answered_at > waiting.answered_at)",
      [workerTest("vipps-consents")],
    ],
  ]),
];
