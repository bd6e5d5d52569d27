// Firefox and WebKit as Debian has them, each by the protocol that it speaks itself: W3C WebDriver over HTTP (WebKit's
// own driver), and the same commands over Marionette (what geckodriver, which Debian lacks, would send to Firefox).

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nextFreePort } from "../../../cli/ports.ts";
import { findProgram } from "../../../cli/test-programs.mjs";

export type EngineName = "firefox" | "webkit";

/** A tab, as WebDriver names it. */
export type Tab = string;

/** A browser with one window, driven as a person would. Cookies of all its tabs are the same. */
export interface Engine {
  readonly version: string;
  /** Goes to an address, as from the address bar. */
  go(address: string): Promise<void>;
  reload(): Promise<void>;
  address(): Promise<URL>;
  /** Runs the body of a function in the page. */
  script<Value>(body: string, ...args: unknown[]): Promise<Value>;
  /** Clicks what a person sees under these words, in shadow roots too, once it is there. */
  click(selector: string, words: RegExp): Promise<void>;
  /** The text of what a person sees under these words, once it is there. */
  read(selector: string, words: RegExp): Promise<string>;
  /** Moves the mouse about over the page, as who reads it does, until its questions can be answered (R29). */
  moveAbout(): Promise<void>;
  /** Waits until a person can read this. */
  sees(words: RegExp): Promise<void>;
  tab(): Promise<Tab>;
  /** Opens a tab and drives it. It may lie behind the one that is shown, where no pointer reaches it: WebKit's does. */
  openTab(): Promise<Tab>;
  switchTo(tab: Tab): Promise<void>;
  /** Closes the tab that is driven, and drives another one. */
  closeTab(next: Tab): Promise<void>;
  /** The names of the cookies it keeps of the page's site, those that scripts can't see among them. */
  cookies(): Promise<readonly string[]>;
  /** Forgets all cookies: from here on it is another browser. */
  forgetCookies(): Promise<void>;
  /** Puts a cookie of the page's site among those that it keeps, blocked or not. */
  addCookie(name: string, value: string): Promise<void>;
  /** Takes no cookies of one site from here on, as people set it; WebKit begins anew, and takes none of any site. */
  blockCookies(origin: string): Promise<void>;
  /** PNG. */
  screenshot(): Promise<Buffer>;
  close(): Promise<void>;
}

/** A command of WebDriver: its name at Firefox, and method and path over HTTP. */
const COMMANDS = {
  Navigate: ["POST", "url"],
  Refresh: ["POST", "refresh"],
  GetCurrentURL: ["GET", "url"],
  ExecuteScript: ["POST", "execute/sync"],
  ElementClick: ["POST", "element/{id}/click"],
  PerformActions: ["POST", "actions"],
  GetWindowHandle: ["GET", "window"],
  NewWindow: ["POST", "window/new"],
  SwitchToWindow: ["POST", "window"],
  CloseWindow: ["DELETE", "window"],
  AddCookie: ["POST", "cookie"],
  GetCookies: ["GET", "cookie"],
  DeleteAllCookies: ["DELETE", "cookie"],
  TakeScreenshot: ["GET", "screenshot"],
} as const;

type Command = keyof typeof COMMANDS;
type Send = (command: Command, parameters?: Readonly<Record<string, unknown>>) => Promise<unknown>;

/** Milliseconds until something must have come to be seen; generous, for machines that are busy with other things. */
const PATIENCE = 20_000;
/** Milliseconds until an engine must have opened, the first time after it was installed. */
const OPENS_WITHIN = 60_000;
const ASK_EVERY = 50;

/** Under which key WebDriver hands out an element (section 12.2). */
const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

/** Finds what a person sees, in shadow roots too; the source of a function. */
const FIND = `(selector, source) => {
  const deep = (root) => [...root.querySelectorAll("*")].flatMap((one) => [one, ...(one.shadowRoot ? deep(one.shadowRoot) : [])]);
  const words = new RegExp(source, "u");
  return deep(document).find((one) => one.matches(selector) && one.checkVisibility({ visibilityProperty: true })
    && words.test((one.innerText || one.textContent).trim())) ?? null;
}`;

/** What holds words that a person reads. */
const READABLE = "h1, h2, p, dd, button, a, span, [role=status]";

const wait = (milliseconds: number) => new Promise((wake) => setTimeout(wake, milliseconds));

/** Asks until there is an answer. @throws Error that names what was waited for */
async function until<Value>(
  what: string,
  ask: () => Promise<Value | null | undefined | false>,
  patience = PATIENCE,
): Promise<Value> {
  const giveUpAt = Date.now() + patience;
  for (;;) {
    // A page that is being left answers with an error; the next one is asked.
    const value = await ask().catch((error: unknown) => {
      if (Date.now() > giveUpAt) throw error;
      return undefined;
    });
    if (value) return value;
    if (Date.now() > giveUpAt) throw new Error(`not seen within ${patience / 1000} seconds: ${what}`);
    await wait(ASK_EVERY);
  }
}

/** Starts an engine. @throws Error when it can't be started */
export function openEngine(name: EngineName): Promise<Engine> {
  return name === "firefox" ? openFirefox() : openWebKit();
}

function engine(
  version: string,
  send: Send,
  { blockCookies, close }: Pick<Engine, "blockCookies" | "close">,
): Engine {
  const script = async <Value>(body: string, ...args: unknown[]) =>
    (await send("ExecuteScript", { script: body, args })) as Value;
  const mouse = (actions: readonly object[]) =>
    send("PerformActions", {
      actions: [{ type: "pointer", id: "mouse", parameters: { pointerType: "mouse" }, actions }],
    });
  return {
    version,
    script,
    blockCookies,
    close,
    go: async (url) => void (await send("Navigate", { url })),
    reload: async () => void (await send("Refresh")),
    address: async () => new URL(String(await send("GetCurrentURL"))),
    async click(selector, words) {
      await until(`${selector} ${words}`, async () => {
        const found = await script<Record<string, string> | null>(
          `const found = (${FIND})(...arguments); found?.scrollIntoView({ block: "center" }); return found`,
          selector,
          words.source,
        );
        if (found === null) return false;
        await send("ElementClick", { id: found[ELEMENT] });
        return true;
      });
    },
    read: (selector, words) =>
      until(`${selector} ${words}`, () =>
        script<string | null>(
          `return (${FIND})(...arguments)?.innerText.trim() ?? null`,
          selector,
          words.source,
        ),
      ),
    async moveAbout() {
      const moves = [20, 120, 60, 180, 90, 200, 40, 160].map((place) => ({
        type: "pointerMove",
        duration: 120,
        x: place,
        y: place,
        origin: "viewport",
      }));
      await until("a page that takes a press", async () => {
        await mouse(moves);
        return script<boolean>("return !/unmoved|unsettled/.test(document.documentElement.className)");
      });
    },
    async sees(words) {
      try {
        await until(String(words), () =>
          script<boolean>(`return (${FIND})(...arguments) !== null`, READABLE, words.source),
        );
      } catch (error) {
        const shown = await script<string>("return location.href + '\\n' + document.body.innerText").catch(
          String,
        );
        throw new Error(`${error instanceof Error ? error.message : error}; it shows: ${shown}`);
      }
    },
    tab: async () => String(await send("GetWindowHandle")),
    async openTab() {
      const { handle } = (await send("NewWindow", { type: "tab" })) as { handle: string };
      await send("SwitchToWindow", { handle });
      return handle;
    },
    switchTo: async (handle) => void (await send("SwitchToWindow", { handle })),
    async closeTab(handle) {
      await send("CloseWindow");
      await send("SwitchToWindow", { handle });
    },
    cookies: async () => ((await send("GetCookies")) as { name: string }[]).map((cookie) => cookie.name),
    addCookie: async (cookie, value) =>
      void (await send("AddCookie", { cookie: { name: cookie, value, path: "/" } })),
    forgetCookies: async () => void (await send("DeleteAllCookies")),
    screenshot: async () => Buffer.from(String(await send("TakeScreenshot", { full: false })), "base64"),
  };
}

/** Ends a program and waits until it is gone. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  const killed = setTimeout(() => child.kill("SIGKILL"), 5_000);
  await gone;
  clearTimeout(killed);
}

const FIREFOX_PREFERENCES = {
  "marionette.port": 0,
  "app.update.disabledForTesting": true,
  "browser.shell.checkDefaultBrowser": false,
  "browser.startup.homepage_override.mstone": "ignore",
  "datareporting.policy.dataSubmissionEnabled": false,
  "dom.security.https_first": false,
  "intl.accept_languages": "en-GB, en",
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "toolkit.telemetry.enabled": false,
};

async function openFirefox(): Promise<Engine> {
  const program = findProgram("firefox");
  if (program === undefined) throw new Error("there is no Firefox");
  const profile = mkdtempSync(join(tmpdir(), "firefox-profile-"));
  const preferences = Object.entries(FIREFOX_PREFERENCES);
  writeFileSync(
    join(profile, "user.js"),
    preferences
      .map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`)
      .join(""),
  );
  const child = spawn(
    program,
    [
      "--headless",
      "--marionette",
      "--remote-allow-system-access",
      "--no-remote",
      "--profile",
      profile,
      "about:blank",
    ],
    {
      stdio: "ignore",
      env: { ...process.env, HOME: profile, MOZ_CRASHREPORTER_DISABLE: "1" },
    },
  );
  const portFile = join(profile, "MarionetteActivePort");
  const close = async () => {
    await end(child);
    rmSync(profile, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    const port = await until(
      "Firefox's port",
      async () => existsSync(portFile) && readFileSync(portFile, "utf8"),
      OPENS_WITHIN,
    );
    const request = await marionette(Number(port));
    const { capabilities } = (await request("WebDriver:NewSession", { acceptInsecureCerts: true })) as {
      capabilities: { browserVersion: string };
    };
    const send: Send = async (command, parameters = {}) => {
      const result = await request(`WebDriver:${command}`, parameters);
      return result !== null && typeof result === "object" && "value" in result ? result.value : result;
    };
    const blockCookies = async (origin: string) => {
      await request("Marionette:SetContext", { value: "chrome" });
      const site = "Services.scriptSecurityManager.createContentPrincipalFromOrigin(arguments[0])";
      const script = `Services.perms.addFromPrincipal(${site}, "cookie", Services.perms.DENY_ACTION)`;
      await send("ExecuteScript", { script, args: [origin] });
      await request("Marionette:SetContext", { value: "content" });
    };
    return engine(`Firefox ${capabilities.browserVersion}`, send, { blockCookies, close });
  } catch (error) {
    await close();
    throw error;
  }
}

/** Marionette: `length:[0, id, command, parameters]` there, `length:[1, id, error, result]` back, one after the other. */
async function marionette(port: number): Promise<(command: string, parameters: object) => Promise<unknown>> {
  const socket: Socket = createConnection({ port, host: "127.0.0.1" });
  await once(socket, "connect");
  let received = Buffer.alloc(0);
  let told: (message: unknown) => void = () => undefined;
  const next = () =>
    new Promise<unknown>((resolve) => {
      told = resolve;
    });
  const greeting = next();
  socket.on("data", (bytes: Buffer) => {
    received = Buffer.concat([received, bytes]);
    const colon = received.indexOf(":");
    const length = Number(received.subarray(0, colon).toString());
    if (colon < 0 || received.length < colon + 1 + length) return;
    const message = received.subarray(colon + 1, colon + 1 + length).toString();
    received = received.subarray(colon + 1 + length);
    told(JSON.parse(message));
  });
  socket.on("error", () => told([1, 0, { error: "connection lost", message: "" }, null]));
  await greeting;
  let id = 0;
  return async (command, parameters) => {
    id += 1;
    const answer = next();
    const text = JSON.stringify([0, id, command, parameters]);
    socket.write(`${Buffer.byteLength(text)}:${text}`);
    const [, , error, result] = (await answer) as [
      number,
      number,
      { error: string; message: string } | null,
      unknown,
    ];
    if (error !== null) throw new Error(`${command}: ${error.error}: ${error.message}`);
    return result;
  };
}

/**
 * What MiniBrowser would otherwise look for where no desktop is, and wait for: a graphics card, the buses of the session
 * and of screen readers, and stored preferences. Its sandbox needs rights that containers and root do not have.
 */
const WITHOUT_DESKTOP = {
  LIBGL_ALWAYS_SOFTWARE: "1",
  WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1",
  DBUS_SESSION_BUS_ADDRESS: "disabled:",
  NO_AT_BRIDGE: "1",
  GSETTINGS_BACKEND: "memory",
  GIO_USE_VFS: "local",
} as const;

async function openWebKit(): Promise<Engine> {
  const driver = findProgram("webkit");
  const browser = findProgram("miniBrowser");
  if (driver === undefined || browser === undefined) throw new Error("there is no WebKit");
  const port = await nextFreePort(9_700, []);
  if (port === undefined) throw new Error("no port is free from 9700 on");
  const home = mkdtempSync(join(tmpdir(), "webkit-home-"));
  // A screen of its own: MiniBrowser has no headless mode.
  const screen = findProgram("xvfb");
  const command = [driver, `--port=${port}`];
  const [program = "", ...args] =
    screen === undefined ? command : [screen, "-a", "-s", "-screen 0 1280x900x24", ...command];
  let output = "";
  const startDriver = () => {
    const started = spawn(program, args, {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
      env: {
        ...process.env,
        ...WITHOUT_DESKTOP,
        HOME: home,
        XDG_RUNTIME_DIR: home,
        LANG: "en_GB.UTF-8",
        LANGUAGE: "en_GB:en",
      },
    });
    for (const stream of [started.stdout, started.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        output = (output + text).slice(-2_000);
      });
    return started;
  };
  let child = startDriver();
  const origin = `http://127.0.0.1:${port}`;
  const request = async (method: string, path: string, body?: object, patience = PATIENCE) => {
    const signal = AbortSignal.timeout(patience);
    const init =
      method === "POST" ? { method, signal, body: JSON.stringify(body ?? {}) } : { method, signal };
    const answer = await fetch(`${origin}${path}`, init);
    const { value } = (await answer.json()) as { value: unknown };
    if (answer.ok) return value;
    const { error, message } = value as { error: string; message: string };
    throw new Error(`${path}: ${error}: ${message}`);
  };
  let session = "";
  const stopDriver = async () => {
    // The driver runs below the screen's program: both go, with whatever they started.
    if (child.pid !== undefined && child.exitCode === null) {
      const gone = once(child, "exit");
      process.kill(-child.pid, "SIGTERM");
      await gone;
    }
  };
  const close = async () => {
    if (session !== "") await request("DELETE", `/session/${session}`).catch(() => undefined);
    await stopDriver();
    rmSync(home, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    const driverIsThere = () =>
      until("WebKit's driver", async () => (await fetch(`${origin}/status`)).ok, OPENS_WITHIN);
    await driverIsThere();
    const open = async (...options: readonly string[]) => {
      const alwaysMatch = {
        acceptInsecureCerts: true,
        "webkitgtk:browserOptions": { binary: browser, args: ["--automation", ...options] },
      };
      const asked = request("POST", "/session", { capabilities: { alwaysMatch } }, OPENS_WITHIN);
      const opened = (await asked) as { sessionId: string; capabilities: { browserVersion: string } };
      session = opened.sessionId;
      return opened.capabilities;
    };
    const { browserVersion } = await open();
    const send: Send = (command, parameters = {}) => {
      const [method, path] = COMMANDS[command];
      const { id, ...body } = parameters;
      return request(method, `/session/${session}/${path.replace("{id}", String(id))}`, body);
    };
    // MiniBrowser is told so when it starts, and has one session at a time. Now and then a driver that has closed one
    // never opens another: a new driver does.
    const blockCookies = async () => {
      await request("DELETE", `/session/${session}`);
      session = "";
      await stopDriver();
      child = startDriver();
      await driverIsThere();
      await open("--cookies-policy=never");
    };
    return engine(`WebKit ${browserVersion}`, send, { blockCookies, close });
  } catch (error) {
    await close();
    throw new Error(`WebKit did not open: ${error}; it said: ${output}`, { cause: error });
  }
}
