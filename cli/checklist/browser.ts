import { join } from "node:path";
import type { Browser, BrowserContext, LaunchOptions, Page, Response } from "@playwright/test";
import type { Picture } from "./evidence.ts";
import type { Redactor } from "./redaction.ts";
import type { Exchange } from "./traffic.ts";

export type Device = Picture["device"];

/** The least of a browser that makes a page look as on that device. */
const DEVICES = {
  desktop: { viewport: { width: 1024, height: 700 }, deviceScaleFactor: 1.5 },
  phone: {
    viewport: { width: 390, height: 780 },
    deviceScaleFactor: 2,
    isMobile: true,
    hasTouch: true,
    userAgent:
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/130.0 Mobile/15E148 Safari/604.1",
  },
} as const;

const ARGUMENTS = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Milliseconds that a page may take on a busy machine. */
const PATIENCE = 30_000;

export type Browsers = Awaited<ReturnType<typeof openBrowsers>>;

export interface BrowserOptions {
  readonly executablePath: string;
  /** A window that a person can use. */
  readonly visible: boolean;
  /** Origins whose traffic is recorded. */
  readonly site: string;
  readonly provider: string;
  readonly redactor: Redactor;
  /** Values that may be seen in pictures: names of made-up people. */
  readonly mayBeSeen: ReadonlySet<string>;
  /** Folder of the pictures. */
  readonly folder: string;
  /** What went elsewhere, and holds values that must not be seen on a picture either. */
  readonly elsewhere?: () => readonly Exchange[];
}

/** @param options where the browser is, and whether it can be seen */
export async function launchChromium(
  options: Pick<LaunchOptions, "executablePath" | "headless">,
): Promise<Browser> {
  // The driver takes a second to load.
  const { chromium } = await import("@playwright/test");
  // As root, as in a container, Chromium starts without its sandbox or not at all.
  return chromium.launch({
    ...options,
    args: process.getuid?.() === 0 ? [...ARGUMENTS, "--no-sandbox"] : ARGUMENTS,
  });
}

/** Opens browsers of visitors, each with its own cookies, whose traffic with the site and the provider is recorded. */
export async function openBrowsers(options: BrowserOptions) {
  const { executablePath } = options;
  const browser = await launchChromium({ executablePath, headless: !options.visible });
  const reading: Promise<Exchange | undefined>[] = [];
  const devices = new WeakMap<BrowserContext, Device>();
  /** What all of them sent and got, as far as it has been read. */
  const exchanges = async (): Promise<readonly Exchange[]> => {
    const read = await Promise.all(reading);
    return read.filter((exchange) => exchange !== undefined).sort((one, other) => one.at - other.at);
  };
  return {
    exchanges,
    close: () => browser.close(),
    /** A new browser with one empty page. */
    async open(device: Device = "desktop"): Promise<Page> {
      const look = { ...DEVICES[device], locale: "en-GB", reducedMotion: "reduce" } as const;
      const context = await browser.newContext(look);
      context.setDefaultTimeout(PATIENCE);
      devices.set(context, device);
      context.on("response", (response) => {
        const { origin } = new URL(response.url());
        if (origin === options.site || origin === options.provider)
          reading.push(exchangeOf(response, origin === options.site ? "site" : "provider"));
      });
      return context.newPage();
    },
    /**
     * Takes a picture of a page, from its top to its end, with everything personal blanked.
     * @param name of the file, without device and ending
     */
    async picture(page: Page, name: string, caption: string): Promise<Picture> {
      const device = devices.get(page.context()) ?? "desktop";
      const all = [...(options.elsewhere?.() ?? []), ...(await exchanges())];
      for (const exchange of all) options.redactor.learn(exchange);
      const blanked = [...options.redactor.concealed].filter((value) => !options.mayBeSeen.has(value));
      await page.evaluate(blankPage, blanked);
      const file = `${name}-${device}.png`;
      await page.screenshot({ path: join(options.folder, file), fullPage: true, animations: "disabled" });
      const size = await page.evaluate(() => ({
        width: document.documentElement.clientWidth,
        height: document.documentElement.scrollHeight,
      }));
      return { file, caption, device, ...size };
    },
  };
}

/** @returns undefined for an answer that can't be read any more, because its page is gone */
async function exchangeOf(response: Response, to: Exchange["to"]): Promise<Exchange | undefined> {
  const at = Date.now();
  const request = response.request();
  try {
    const [requestHeaders, headers] = await Promise.all([request.allHeaders(), response.headersArray()]);
    const isText = headers.some(
      ({ name, value }) => name.toLowerCase() === "content-type" && /^text\/html|json\b/.test(value),
    );
    const redirect = response.status() >= 300 && response.status() < 400;
    const body = isText && !redirect ? await response.text().catch(() => undefined) : undefined;
    const joined: Record<string, string> = {};
    for (const { name, value } of headers) {
      const key = name.toLowerCase();
      joined[key] = joined[key] === undefined ? value : `${joined[key]}\n${value}`;
    }
    return {
      at,
      from: "browser",
      to,
      method: request.method(),
      url: request.url(),
      requestHeaders: Object.fromEntries(
        Object.entries(requestHeaders).filter(([name]) => !name.startsWith(":")),
      ),
      requestBody: request.postData() ?? undefined,
      status: response.status(),
      responseHeaders: joined,
      responseBody: body,
    };
  } catch {
    return undefined;
  }
}

/** Runs in the page: puts bars in place of every value, in texts and fields. Digits may have spaces between. */
function blankPage(values: readonly string[]): void {
  const literally = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const digits = (text: string) => [...text].join("[\\s\\u00a0]?");
  const patterns = values.flatMap((value) =>
    /^\d{8,15}$/.test(value) ? [`\\+?${digits(value)}`, digits(value.slice(-8))] : [literally(value)],
  );
  // Whatever looks like one, known or not.
  patterns.push("[\\w.+-]+@[\\w-]+(?:\\.[\\w-]+)+", "\\+(?:45|46|47|358)(?:[\\s\\u00a0]?\\d){7,10}");
  const blank = (text: string) =>
    patterns.reduce(
      (rest, pattern) =>
        rest.replace(new RegExp(pattern, "g"), (found) => "▇".repeat(Math.min(12, found.length))),
      text,
    );
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const text = node.nodeValue ?? "";
    if (node.parentElement?.closest("script,style") || text.trim() === "") continue;
    const blanked = blank(text);
    if (blanked !== text) node.nodeValue = blanked;
  }
  for (const field of document.querySelectorAll("input")) {
    if (field.type !== "hidden" && field.value !== "") field.value = blank(field.value);
  }
}
