import { faultsIn, requirement, workerTest } from "./fault.ts";

const walls = requirement("site-walls");
const documents = requirement("r31-site-documents");
const sites = workerTest("sites");
const partner = workerTest("partner-keys");
const limits = workerTest("rate-limit");
const support = workerTest("support");

export const SITES_FAULTS = [
  ...faultsIn("src/session/session-store.ts", [
    [
      "two sites share the sessions of an account that is called the same",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text
      "site.partition === OWN_PARTITION ? accountId : `${site.partition} ${accountId}`",
      "site.partition === OWN_PARTITION ? accountId : accountId",
      [walls],
    ],
  ]),
  ...faultsIn("src/session/session.ts", [
    [
      "a token of the site that had the host before is worth something",
      "if (payload.gen !== settings.generation) return undefined;",
      'if (payload.gen === "") return undefined;',
      [walls],
    ],
  ]),
  ...faultsIn("src/login/login-attempts.ts", [
    [
      "a flooded site takes all places in the objects that finish logins",
      "const KEPT_FOR_OTHERS = 2;",
      "const KEPT_FOR_OTHERS = 0;",
      [limits],
    ],
  ]),
  ...faultsIn("src/login/call-attempts.ts", [
    [
      "a site may finish as many logins as it likes",
      "  await limitPerSite(settings, stage);\n",
      "",
      [limits],
    ],
  ]),
  ...faultsIn("src/support/search-everywhere.ts", [
    [
      "the agency sees the people of a site that has its own provider",
      'sizeOf(agency) > 0 && accounts.registry.kind === "d1"',
      'accounts.registry.kind === "d1" || sizeOf(agency) > 0',
      [support],
    ],
    [
      "a site's log does not say that the agency found somebody there",
      ".filter(({ partition }) => partition !== records.site)",
      ".filter(({ partition }) => partition === records.site)",
      [support],
    ],
  ]),
  ...faultsIn("src/support/search-route.ts", [
    [
      "a customer's staff search all sites",
      'request.staff.isAgency && form?.get("everywhere") === "yes"',
      'form?.get("everywhere") === "yes"',
      [support],
    ],
  ]),
  ...faultsIn("src/login/login-end.ts", [
    [
      "a log line does not say at which site it happened",
      '"login_finished", settings.site.origin,',
      '"login_finished", "",',
      [workerTest("login")],
    ],
  ]),
  ...faultsIn("src/accounts/records.ts", [
    ["two sites share their members", "site: site.partition,", 'site: "default",', [walls, sites]],
  ]),
  ...faultsIn("src/settings.ts", [
    [
      "the deployment's pages are shown on another site",
      "{ ...around.storage, assets: undefined }",
      "around.storage",
      [sites],
    ],
    [
      "a document may be another host's",
      "if (siteHost(url?.href) !== host) return",
      "if (host === undefined) return",
      [sites],
    ],
    [
      "an old document that was put back revives old keys",
      "if (least === undefined || version >= least.version) return { value };",
      "if (least !== undefined || version >= 0) return { value };",
      [documents],
    ],
    [
      "an isolate goes back to an old document",
      "if (version < (before?.version ?? 0)) return old(version);",
      "if (version < 0) return old(version);",
      [documents],
    ],
    [
      "a site is down where its document in KV was spoilt",
      "if (before !== undefined && before.version >=",
      "if (before !== undefined && before.version < 0 && before.version >=",
      [documents],
    ],
    [
      "an isolate that saw nothing but an old document goes on with it for good",
      "before.version >= (judged.least ?? 0)",
      "before.version >= 0",
      [documents],
    ],
    [
      "an old document counts for good where it came right after the new one",
      "return Date.now() < judgedUntil ? { value, judgedUntil } : old(least.version);",
      "return Date.now() < judgedUntil ? { value } : old(least.version);",
      [documents],
    ],
  ]),
  ...faultsIn("src/sites/site-document.ts", [
    [
      "secrets open under another host or beside another issuer",
      'return JSON.stringify(["vipps-login-worker site", 1, host, settings]);',
      'return JSON.stringify(["vipps-login-worker site", 1]);',
      [sites],
    ],
  ]),
  ...faultsIn("cli/sites/opened-site.ts", [
    [
      "a command goes by what the database says of a site's rows",
      "    return site.partition;",
      "    return records?.get(host)?.site ?? host;",
      ["test/node/sites-put-back.test.ts"],
    ],
  ]),
  ...faultsIn("cli/sites/site-claims.ts", [
    [
      "two commands at once both give a host away",
      "    if (taken.length === 0) return true;",
      "    if (taken.length >= 0) return true;",
      ["test/node/site-command.test.ts"],
    ],
  ]),
  ...faultsIn("cli/sites/move-commands.ts", [
    [
      "an import brings people back who were erased since the file was written",
      'for (const owner of back) await erase(session, owner, "import");',
      "void erase;",
      ["test/node/sites-put-back.test.ts"],
    ],
  ]),
  ...faultsIn("src/settings/table.ts", [
    [
      "a client secret stands in the open",
      "(rowOf(name).secret ?? rowOf(name).personal) === true",
      "rowOf(name).personal === true",
      [sites],
    ],
  ]),
  ...faultsIn("src/sites/deployment-settings.ts", [
    [
      "a site sends the partner's keys where it likes",
      "  if (chosen.length > 0)\n",
      "  if (chosen.length > 9)\n",
      [sites],
    ],
  ]),
  ...faultsIn("src/sites/value-by-host.ts", [
    [
      "a change waits for the next visitor however long that takes",
      "age < STALE_FOR) {",
      "age < Number.POSITIVE_INFINITY) {",
      [sites],
    ],
    [
      "strangers' hosts are looked up at every request",
      "putBounded(unknown, host, entry, UNKNOWN_LIMIT);",
      "void entry;",
      [sites],
    ],
  ]),
  ...faultsIn("src/vipps/id-token.ts", [
    [
      "a partner takes another sales unit's ID token",
      '    if (msn !== merchantSerialNumber) throw refused("msn is somebody else");\n',
      "",
      [partner],
    ],
  ]),
  ...faultsIn("src/vipps/partner-token.ts", [
    [
      "a code is sent with a partner token that nobody has seen to work for long",
      "if (Date.now() - known.provenAt < PROVEN_FOR) return known;",
      "if (Date.now() > 0) return known;",
      [partner],
    ],
    [
      "a partner token is tried before every code",
      "if (Date.now() - known.provenAt < PROVEN_FOR) return known;",
      "if (known.provenAt === 0) return known;",
      [partner],
    ],
    [
      "each login fetches a partner token of its own",
      "if (Date.now() < known.expiresAt - needed) return known;",
      "if (Date.now() < known.fetchedAt - needed) return known;",
      [partner],
    ],
    [
      "an expired partner token is sent",
      "if (Date.now() < known.expiresAt - needed) return known;",
      "return known;",
      [partner],
    ],
  ]),
];
