import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { launchChromium, type Stage, visit } from "../../cli/checklist/browser.ts";
import type { JudgedRow } from "../../cli/checklist/evidence.ts";
import { type Person, personAtHand, simulatedPerson } from "../../cli/checklist/person.ts";
import { createRedactor } from "../../cli/checklist/redaction.ts";
import { siteValuesFrom } from "../../cli/checklist/settings.ts";
import { SURROUNDINGS } from "../../cli/checklist/surroundings.ts";
import { type RunOptions, run } from "../../cli/checklist/walk.ts";
import { freshSessionKeys } from "../../cli/dev-vars.mjs";
import { isProblem } from "../../cli/findings/finding.ts";
import { nextFreePort } from "../../cli/ports.ts";
import { startSimulator } from "../../simulator/server.ts";
import { expect, test } from "./browser.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const PORTS = 9530;

/** Takes the pictures of the documentation, when they are asked for. */
async function picture(page: Page, name: string): Promise<void> {
  if (!process.env.DOCS_IMAGES) return;
  await page.screenshot({ path: join(root, "docs", "images", `${name}.png`) });
}

interface Outcome {
  readonly code: number;
  readonly report: {
    readonly rows: readonly { readonly id: string; readonly status: string; readonly why: string | null }[];
  };
}

function runCommand(options: readonly string[]): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const program = join(root, "cli", "vipps-login.ts");
    execFile(
      process.execPath,
      [program, "checklist", "--json", ...options],
      { cwd: root },
      (error, stdout, stderr) => {
        if (stdout === "") reject(new Error(stderr));
        else resolve({ code: error === null ? 0 : Number(error.code), report: JSON.parse(stdout) });
      },
    );
  });
}

test.describe("the checklist", () => {
  test.describe.configure({ timeout: 240_000 });
  const folder = mkdtempSync(join(tmpdir(), "checklist-e2e-"));
  test.afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("is walked through against the simulator, every row of it, and becomes a report to send", async ({
    page,
  }) => {
    const settings = {
      VIPPS_MSN: "123456",
      VIPPS_CLIENT_SECRET: "a-client-secret-of-somebody-real",
      SUPPORT_STAFF: "+4798765432",
      APP_REDIRECT_URIS: "badelag://vipps/callback",
      CONSENT_WEBHOOK_SECRET: "a-webhook-secret-of-this-run",
      TERMS_URL: "/about",
      TERMS_VERSION: "2026-01",
    };
    const settingsFile = join(folder, "settings");
    writeFileSync(
      settingsFile,
      Object.entries(settings)
        .map(([name, value]) => `${name}='${value}'\n`)
        .join(""),
    );
    const merchant = join(folder, "checklist.yaml");
    writeFileSync(merchant, "company_name: Svaberget Badelag\nphones_tested: Chrome on an iPhone 15\n");
    const output = join(folder, "report");
    const { code, report } = await runCommand([
      ...["--settings", settingsFile, "--merchant", merchant, "--output", output, "--port", String(PORTS)],
    ]);
    const unmet = report.rows.filter(({ status }) => status === "failed" || status === "open");
    expect(unmet).toEqual([
      expect.objectContaining({
        id: "recent",
        why: "Examples from the simulator are not accepted by Vipps.",
      }),
    ]);
    expect(code).toBe(0);
    expect(report.rows.filter(({ status }) => status === "none").map(({ id }) => id)).toEqual([
      "ciba",
      "user-exists",
      "partner",
    ]);

    // Without the pictures, in whose Base64 anything may turn up by chance.
    const html = readFileSync(join(output, "checklist-report.html"), "utf8").replaceAll(
      /"data:image\/png;base64,[^"]*"/g,
      "",
    );
    const texts = ["evidence.json", "checklist-report.md"].map((file) =>
      readFileSync(join(output, file), "utf8"),
    );
    // Of all that went over the wire nothing is left: no token, no address, no number of any test user.
    for (const text of [html, ...texts]) {
      expect(text).not.toMatch(/eyJ[\w-]{10,}\.|@example\.|99\s?99\s?99|509999903|70174/);
      for (const name of ["VIPPS_CLIENT_SECRET", "CONSENT_WEBHOOK_SECRET", "SUPPORT_STAFF"] as const)
        expect(text).not.toContain(settings[name]);
    }
    const pdf = readFileSync(join(output, "checklist-report.pdf"), "latin1");
    expect(pdf).toMatch(/^%PDF-/);
    // 15 with the letters of one machine, some more with another's. Many more say that columns have fallen apart in
    // print, or that pages are half empty.
    expect(pdf.match(/\/Type \/Page\b/g)?.length).toBeLessThanOrEqual(17);
    expect(readdirSync(join(output, "pictures", "simulator")).toSorted()).toEqual(
      [
        ...["button-desktop", "button-phone", "console-desktop", "console-phone"],
        ...["console-reference-desktop", "console-reference-phone"],
        ...["error-cancelled-desktop", "error-cancelled-phone", "error-unavailable-phone"],
        ...["other-browser-desktop", "other-browser-phone", "proof-phone", "terms-desktop", "terms-phone"],
      ].map((name) => `${name}.png`),
    );

    const requests: string[] = [];
    page.on("request", (request) => requests.push(request.url().slice(0, 40)));
    const address = "http://localhost/checklist-report.html";
    await page.route(address, (route) => route.fulfill({ path: join(output, "checklist-report.html") }));
    await page.goto(address);
    expect(requests.filter((url) => !url.startsWith("data:"))).toEqual([address]);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Svaberget Badelag");
    for (const [name, width, height, scheme] of [
      ["checklist-desktop", 1280, 900, "light"],
      ["checklist-phone", 390, 844, "light"],
      ["checklist-dark", 1280, 900, "dark"],
    ] as const) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme: scheme });
      const overflows = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
      expect(overflows).toBe(false);
      if (name === "checklist-dark") {
        await page.locator("#token details summary").click();
        await page.locator("#token").scrollIntoViewIfNeeded();
      }
      await picture(page, name);
    }
    // On paper (A4 without its margins) the lines of all rows are on two pages; a row is never split.
    await page.setViewportSize({ width: 688, height: 1009 });
    await page.emulateMedia({ colorScheme: "light", media: "print" });
    const linesEnd = await page.locator("table.rows").last().boundingBox();
    expect((linesEnd?.y ?? Infinity) + (linesEnd?.height ?? 0)).toBeLessThan(2 * 1009 - 60);

    await page.setViewportSize({ width: 1280, height: 1000 });
    await page.emulateMedia({ colorScheme: "light", media: "screen" });
    await page.locator("#errors").scrollIntoViewIfNeeded();
    await page.evaluate(() => document.querySelector("#errors")?.scrollIntoView());
    await picture(page, "checklist-errors");
  });

  test("goes through the consents of the sales unit's own page, and leaves ordinary words readable", async () => {
    const settingsFile = join(folder, "custom-flow-settings");
    const scope = "openid name phoneNumber email customFlow";
    writeFileSync(
      settingsFile,
      `VIPPS_SCOPE='${scope}'\nCONSENT_WEBHOOK_SECRET='a-webhook-secret-of-this-run'\n`,
    );
    const output = join(folder, "custom-flow-report");
    const { report } = await runCommand([
      ...["--settings", settingsFile, "--merchant", join(folder, "custom-flow.yaml"), "--output", output],
      ...["--port", String(PORTS), "--only", "terms", "--only", "userinfo", "--only", "webhook"],
    ]);
    expect(report.rows.filter(({ status }) => status === "failed")).toEqual([]);
    expect(report.rows.find(({ id }) => id === "webhook")).toMatchObject({ status: "met" });
    for (const file of ["evidence.json", "checklist-report.html"])
      expect(readFileSync(join(output, file), "utf8")).toContain("(demonstration: TERMS_URL is not set)");
  });

  test("captures what the worker says to a provider that is not the simulator's own, and what a browser sees of a deployed site", async () => {
    const port = await nextFreePort(PORTS, []);
    const providerPort = await nextFreePort(PORTS, [port ?? 0]);
    if (port === undefined || providerPort === undefined) throw new Error("no port is free");
    // A provider under another name than the simulator's usual one is to the command like any other.
    const issuer = `http://localhost:${providerPort}/access-management-1.0/access/`;
    const values = {
      SITE_URL: `http://localhost:${port}`,
      VIPPS_ISSUER: issuer,
      VIPPS_CLIENT_ID: "a-test-sales-unit",
      VIPPS_CLIENT_SECRET: "the-secret-of-a-test-sales-unit",
      VIPPS_MSN: "654321",
      SESSION_KEYS: freshSessionKeys(),
    };
    const provider = await startSimulator({ port: providerPort, host: "localhost", env: values });
    const own = siteValuesFrom(values);
    const tell = () => undefined;
    const place = {
      root,
      own,
      environment: undefined,
      port: 0,
      url: values.SITE_URL,
      logFile: undefined,
      tell,
    };
    const there = await SURROUNDINGS.test(place);
    const options: RunOptions = {
      rows: ["discovery", "token", "headers", "any-browser", "accounts"],
      output: join(folder, "test-report"),
      buttonPath: "/about",
      chromium: process.env.CHROMIUM_PATH ?? "",
      progress: () => undefined,
    };
    const person = simulatedPerson(new URL(issuer).origin);
    const skippedIn = ({ findings }: JudgedRow["evidence"]) =>
      findings
        .filter(({ severity }) => severity === "skipped")
        .map(({ what }) => what)
        .join(" ");
    const failedIn = (rows: readonly JudgedRow[]) =>
      rows.flatMap(({ row, evidence }) =>
        evidence.findings.filter(isProblem).map(({ what, seen }) => `${row}: ${what} ${seen}`),
      );
    try {
      const rows = await run({ ...there, person }, options);
      expect(failedIn(rows)).toEqual([]);
      for (const { evidence } of rows) expect(evidence).toMatchObject({ environment: "test", issuer });
      const token = rows.find(({ row }) => row === "token")?.evidence.exchanges[0];
      expect(token?.request).toContain(
        `POST ${new URL(issuer).origin}/access-management-1.0/access/oauth2/token`,
      );
      expect(token?.request).toContain("merchant-serial-number: 654321");
      expect(JSON.stringify(rows)).not.toContain(values.VIPPS_CLIENT_SECRET);
      // Whoever logs in by hand is a real person: not even the name stays.
      expect(JSON.stringify(rows)).not.toMatch(/Nordmann|example\.com|99999901/);

      const nobody: Person = {
        kind: "simulated",
        logIn: () => Promise.reject(new Error("Nobody logged in.")),
        cancel: () => Promise.reject(new Error("Nobody cancelled.")),
      };
      const alone = await run({ ...there, person: nobody }, { ...options, rows: ["any-browser", "errors"] });
      expect(failedIn(alone)).toEqual([
        "any-browser: The walk “otherBrowser” came to its end Nobody logged in",
        "errors: The walk “errors” came to its end Nobody cancelled",
      ]);

      const outside = await SURROUNDINGS.deployed(place);
      expect(outside.issuer).toBe(issuer);
      const seen = await run({ ...outside, person }, { ...options, rows: ["discovery", "token", "errors"] });
      expect(failedIn(seen)).toEqual([]);
      const missing = Object.fromEntries(seen.map(({ row, evidence }) => [row, skippedIn(evidence)]));
      expect(missing.token).toContain("cannot be seen from here");
      expect(missing.errors).toContain("--log");
    } finally {
      await there.stop();
      await provider.close();
    }
  });

  test("puts bars over everything personal before a picture is taken", async () => {
    const redactor = createRedactor();
    for (const told of ["4799999901", "Kari Nordmann", "Solveien 1, 0150 OSLO"]) redactor.conceal(told);
    const stage: Stage = {
      ...{ environment: "test", root, own: siteValuesFrom({}), values: {}, changed: [], state: "" },
      ...{ site: "http://localhost:1", issuer: "http://127.0.0.1:1", auth: "", buttonPath: "/" },
      ...{ person: simulatedPerson("http://127.0.0.1:1"), simulator: undefined, log: () => undefined },
      ...{ exchanges: [], reading: [], pictures: [], folder, redactor, stop: () => Promise.resolve() },
      mayBeSeen: new Set(["Kari Nordmann"]),
      browser: await launchChromium(process.env.CHROMIUM_PATH ?? ""),
    };
    try {
      await visit(stage, "phone", async ({ page, picture: takePicture }) => {
        await page.setContent(
          `<p>Kari Nordmann, +47 99 99 99 01, 99\u00a099\u00a099\u00a001, 99999901, Solveien 1, 0150 OSLO</p>
          <p>somebody.else@example.com and +45 12 34 56 78, order 12345678</p><input value="4799999901">`,
        );
        await takePicture("blanked", "Blanked");
        const [first, second] = await page.locator("p").allInnerTexts();
        expect(first).toMatch(/^Kari Nordmann, ▇+, ▇+, ▇+, ▇+$/);
        expect(second).toMatch(/^▇+ and ▇+, order 12345678$/);
        await expect(page.locator("input")).toHaveValue(/^▇+$/);
      });
      expect(stage.pictures).toEqual([{ file: "blanked-phone.png", device: "phone", caption: "Blanked" }]);
      expect(readFileSync(join(folder, "blanked-phone.png")).subarray(1, 4).toString()).toBe("PNG");
    } finally {
      await stage.browser.close();
    }
  });

  test("waits for a person who logs in by hand", async ({ page }) => {
    const told: string[] = [];
    const person = personAtHand("http://localhost:1", (text) => told.push(text));
    await page.route("http://localhost:1/**", (route) => route.fulfill({ body: "back" }));
    await page.route("http://127.0.0.1:1/**", (route) => route.fulfill({ body: "at Vipps" }));
    await page.goto("http://127.0.0.1:1/");
    const walked = person.logIn(page, "");
    await page.goto("http://localhost:1/auth/callback");
    await walked;
    expect(told).toEqual([expect.stringContaining("log in with a test user")]);
  });
});
