import { faultsIn, growth, requirement, workerTest } from "./fault.ts";

const returnUrl = requirement("r16-return-url");
const cookie = requirement("r18-session-cookie");
const otherBrowser = requirement("r14-other-browser");
const nativeApp = workerTest("native-app");
const rateLimit = workerTest("rate-limit");
const costs = workerTest("costs");
const paths = requirement("r22-paths");
const rules = workerTest("rules");

export const HTTP_FAULTS = [
  ...faultsIn("src/http/cookie.ts", [
    [
      "a name padded with odd white space passes for ours",
      'while (text[at] === " " || text[at] === "\\t") at += step;',
      'while (/\\s/.test(text[at] ?? "")) at += step;',
      [cookie],
    ],
    [
      "the first of two browser cookies wins",
      "return values.size === 1 ? value : undefined;",
      "return value;",
      [otherBrowser],
    ],
    [
      "every login names the browser anew",
      "const value = known ?? randomText(32);",
      "const value = randomText(32);",
      [requirement("r15-parallel-logins")],
    ],
  ]),
  ...faultsIn("src/http/request.ts", [
    [
      "a neighbouring host may post in one's name",
      'fetchSite === "same-origin" ||',
      'fetchSite === "same-origin" || fetchSite === "same-site" || fetchSite === "cross-site" ||',
      [otherBrowser, requirement("r21-cross-site")],
    ],
    [
      "any origin that begins like ours may post",
      "origin === site.origin ||",
      "origin.startsWith(site.origin) ||",
      [otherBrowser, requirement("r21-cross-site")],
    ],
  ]),
  ...faultsIn("src/http/return-url.ts", [
    [
      "a blob of our own origin is an address",
      'if (url === null || !/^https?:$/.test(url.protocol)) return "/";',
      'if (url === null) return "/";',
      [returnUrl],
    ],
    [
      "an address may carry a user name",
      'if (url.username !== "" || url.password !== "" || !isSafePath',
      "if (!isSafePath",
      [returnUrl],
    ],
    ["an encoded second slash passes", "|| !isSafePath(url.pathname)", '|| url.pathname === ""', [returnUrl]],
    [
      "a login may end at the login",
      'if (!isPlace(url.pathname, site.authPath)) return "/";',
      "",
      [returnUrl],
    ],
    [
      "a login may end at the login in another spelling",
      "[...read.readings].every((reading)",
      "[pathname].every((reading)",
      [returnUrl],
    ],
    [
      "a login may end at the login of another site",
      'if (!isPlace(url.pathname, site.authPath)) return "/";',
      'if (isOwn && !isPlace(url.pathname, site.authPath)) return "/";',
      [returnUrl],
    ],
    [
      "backslashes and control characters pass",
      "wanted.length > LENGTH_LIMIT || holdsUnsafe(wanted)",
      "wanted.length > LENGTH_LIMIT",
      [returnUrl],
    ],
    [
      "an address may be endless",
      "wanted.length > LENGTH_LIMIT ||",
      "wanted.length > LENGTH_LIMIT * LENGTH_LIMIT ||",
      [returnUrl],
    ],
  ]),
  ...faultsIn("src/site/verify-route.ts", [
    ["a mistyped parameter lets everybody through", "  refuseUnknown(query);\n", "", [rules]],
  ]),
  ...faultsIn("src/http/request-path.ts", [
    [
      "an encoded dot segment reaches the origin",
      "UNSAFE_CHARACTER.test(reading) || DOT_SEGMENT.test(reading)",
      "UNSAFE_CHARACTER.test(reading)",
      [paths],
    ],
    [
      "a program's name hides a protected path",
      "(path) => path.slice(endOf(PROGRAM.exec(path))),",
      "",
      [paths],
    ],
    [
      "a plain look hides it",
      "/^https?:\\/\\/[\\w.:[\\]-]+((?:\\/[\\w~-]+)*",
      "/^https?:\\/\\/[\\w.:[\\]-]+((?:\\/[\\w~-][\\w.~-]*)*",
      [paths],
    ],
    [
      "path parameters hide a protected path",
      'path.includes(";") ? path.replace(/;[^/]*/g, "") : path',
      "path",
      [paths],
    ],
    [
      "two slashes hide a protected path",
      'path.includes("//") ? path.replace(/\\/{2,}/g, "/") : path',
      "path",
      [paths],
    ],
  ]),
  ...faultsIn("src/waiting.ts", [
    ["nobody who waits has a time limit", "return isSettled;", "return true;", [workerTest("waiting")]],
  ]),
  ...faultsIn("src/http/around.ts", [
    [
      "a timer is set for who waits for nobody",
      "    if (await settlesAtOnce(answer)) return answer;\n",
      "",
      [workerTest("waiting"), costs],
    ],
    [
      "a browser is handed the cookie of the one before it",
      '  headers.delete("set-cookie");\n',
      "",
      [requirement("r26-shared-state")],
    ],
    ["the limiter's no is not heard", ".trim() })).success;", ".trim() })).success || true;", [rateLimit]],
    ["nobody says when to try again", "retryAfter: RATE_PERIOD", "retryAfter: undefined", [rateLimit]],
    [
      "a limiter that fails locks everybody out",
      '    logEvent("warn", "rate_limiter_failed", origin);\n    return true;',
      '    logEvent("warn", "rate_limiter_failed", origin);\n    return false;',
      [rateLimit],
    ],
    [
      "every address of a /64 has a limit of its own",
      "groupsOf(canonical).slice(0, groups)",
      "groupsOf(canonical).slice(0, groups + 4)",
      [rateLimit],
    ],
    ["development is limited", "address === null || isLoopback(address)", "address === null", [rateLimit]],
  ]),
  ...faultsIn("src/http/request.ts", [
    ["a form passes for JSON", 'if (text !== "" && !isJson)', 'if (text === "" && !isJson)', [nativeApp]],
  ]),
  ...faultsIn("src/http/cookie.ts", [
    [
      "square time: blanks around a cookie's name are gone over from each of them",
      "const end = semicolon < 0 ? header.length : semicolon;",
      "const end = /[ \\t]+$/.test(header) ? header.length : semicolon < 0 ? header.length : semicolon;",
      [growth],
    ],
    [
      "square time: every cookie of other software is looked through to the end",
      'if (header[equals] !== "=") continue;',
      'if (header[equals] !== "=" || header.split(" ").some(() => header.indexOf("\\u0000") >= 0)) continue;',
      [growth],
    ],
  ]),
  ...faultsIn("src/http/request-path.ts", [
    [
      "square time: dot segments are looked for from each dot",
      "const DOT_SEGMENT = /(?:^|\\/) *\\.[. ]*(?:\\/|$)/;",
      "const DOT_SEGMENT = /(^|\\/)[. ]*\\.[. ]*(\\/|$)/;",
      [growth],
    ],
    [
      "square time: marks are put in order however many there are",
      "if (hasTooManyMarks(reading)) return undefined;",
      "",
      [paths],
    ],
  ]),
  ...faultsIn("src/rules/path-rules.ts", [
    [
      "square time: dots at the end of a segment are looked for from each dot",
      'return path.split("/").map(withoutEnding).join("/");',
      'return path.replace(/[. ]+(?=\\/|$)/g, "");',
      [growth],
    ],
  ]),
  ...faultsIn("src/http/request.ts", [
    [
      "square time: each parameter is looked for through all that follow",
      '.split("&")) {',
      '.split("&").filter((_, at) => url.indexOf("\\u0000", at) < 0)) {',
      [growth],
    ],
  ]),
];
