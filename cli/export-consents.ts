// `npm run consents:export -- consents.csv`: who consented to what, for a newsletter, a case, or an auditor.

import { once } from "node:events";
import { chmodSync, createWriteStream } from "node:fs";
import { dirname, resolve } from "node:path";
import { finished } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { exportedConsents, type RunQuery, writtenConsents } from "../src/accounts/consents-export.ts";
import { D1Error } from "./d1-command.ts";
import { openSession } from "./d1-session.ts";
import { knownSites, SiteError, siteNamed } from "./member-site.ts";

const HELP = `Usage: npm run consents:export -- FILE [options]

Writes everybody's consents, those given at Vipps and those given here, to a file that only you can read: one row
for each person and consent, as it stands now. CSV is safe to open in a spreadsheet; JSON is exact.

  --format csv|json    by the name of the file, else csv
  --history            every answer ever given, the oldest of each consent first
  --local              from the local database of "npm start" (the default)
  --remote             from the database at Cloudflare
  --env NAME           the environment of wrangler.toml
  --persist-to DIR     where the local database is, if not in wrangler's own place
  --settings FILE      where SITE_URL stands, if not in .dev.vars
  --site HOST          whose people; needed where the deployment serves several sites
  --json               the result as JSON on the standard output
  --help               this text

The audit log notes the export before it begins.`;

/** Rows of one statement. */
const PORTION = 20_000;

/** Something in the command line that makes no sense. The message is one line. */
class UsageError extends Error {}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        format: { type: "string" },
        history: { type: "boolean", default: false },
        local: { type: "boolean", default: false },
        remote: { type: "boolean", default: false },
        env: { type: "string" },
        "persist-to": { type: "string" },
        settings: { type: "string" },
        site: { type: "string" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

async function exportConsents({ values, positionals }: ReturnType<typeof readArguments>): Promise<void> {
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) throw new UsageError("Name one file.");
  if (values.local && values.remote) throw new UsageError("Either --local or --remote.");
  const format = values.format ?? (file.toLowerCase().endsWith(".json") ? "json" : "csv");
  if (format !== "csv" && format !== "json") throw new UsageError("--format takes csv or json.");
  const { history, env: environment } = values;
  const persistTo = values["persist-to"];
  const target = {
    root: dirname(dirname(fileURLToPath(import.meta.url))),
    remote: values.remote,
    environment,
    persistTo: persistTo === undefined ? undefined : resolve(persistTo),
  };
  const session = await openSession(target);
  try {
    const { key: site, name } = siteNamed(values.site, await knownSites(target, values.settings, session));
    const run: RunQuery = async (sql, params) => (await session.batch([{ sql, params }]))[0]?.rows ?? [];
    await run(
      `INSERT INTO audit_log (site, at, actor, actor_role, action, details)
       VALUES (?1, ?2, 'consents:export', 'system', 'exported', ?3)`,
      [
        site,
        Math.floor(Date.now() / 1000),
        JSON.stringify({ consents: history ? "history" : "current", format }),
      ],
    );
    let rows = 0;
    async function* counted() {
      for await (const portion of exportedConsents(run, { site, history, portion: PORTION })) {
        rows += portion.length;
        yield portion;
      }
    }
    const output = createWriteStream(file, { mode: 0o600 });
    await once(output, "open");
    // The mode is for new files alone.
    chmodSync(file, 0o600);
    for await (const piece of writtenConsents(counted(), format)) {
      if (!output.write(piece)) await once(output, "drain");
    }
    output.end();
    await finished(output);
    const result = { file, format, history, site: name, rows };
    console.log(
      values.json
        ? JSON.stringify(result)
        : `${rows.toLocaleString("en")} ${history ? "answers" : "consents"} of ${name} in ${file}. They are personal data: delete the file when it has served.`,
    );
  } finally {
    await session.close();
  }
}

try {
  const given = readArguments();
  if (given.values.help) console.log(HELP);
  else await exportConsents(given);
} catch (error) {
  const isExpected = error instanceof D1Error || error instanceof SiteError || error instanceof UsageError;
  console.error(isExpected ? error.message : error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
