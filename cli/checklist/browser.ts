import { join } from "node:path";
import type { Browser, Page, Response } from "@playwright/test";
import type { Picture } from "./evidence.ts";
import type { Redactor } from "./redaction.ts";
import type { Surroundings } from "./surroundings.ts";
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

export type Browsers = Awaited<ReturnType<typeof openBrowsers>>;

export async function launchChromium(executablePath: string, headless = true): Promise<Browser> {
  // The driver takes a second to load.
  const { chromium } = await import("@playwright/test");
  return chromium.launch({ executablePath, headless, args: ["--disable-gpu", "--disable-quic"] });
}

/**
 * Opens browsers of visitors, each with its own cookies, whose traffic with the site and the provider is recorded.
 * @param chromium path of the program
 * @param folder of the pictures
 */
export async function openBrowsers(
  there: Pick<Surroundings, "site" | "issuer" | "person" | "exchanges" | "mayBeSeen">,
  redactor: Redactor,
  chromium: string,
  folder: string,
) {
  const origins = { [there.site]: "site", [new URL(there.issuer).origin]: "provider" } as const;
  // Whoever logs in by hand needs a window.
  const browser = await launchChromium(chromium, there.person.kind === "simulated");
  const reading: Promise<Exchange | undefined>[] = [];
  /** What was sent and answered so far, by browsers and whoever else, in its order. */
  const exchanges = async (): Promise<readonly Exchange[]> => {
    const read = await Promise.all(reading);
    const all = [...there.exchanges, ...read.filter((exchange) => exchange !== undefined)];
    return all.sort((one, other) => one.at - other.at);
  };
  return {
    exchanges,
    close: () => browser.close(),
    /** A new browser with one empty page. */
    async open(device: Device): Promise<Page> {
      const look = { ...DEVICES[device], locale: "en-GB", reducedMotion: "reduce" } as const;
      const context = await browser.newContext(look);
      context.on("response", (response) => {
        const to = origins[new URL(response.url()).origin];
        if (to !== undefined) reading.push(exchangeOf(response, to));
      });
      return context.newPage();
    },
    /**
     * Takes a picture of a page, from its top to its end, with everything personal blanked.
     * @param name of the file, without device and ending
     */
    async picture(page: Page, device: Device, name: string, caption: string): Promise<Picture> {
      for (const exchange of await exchanges()) redactor.learn(exchange);
      const blanked = [...redactor.concealed].filter((value) => !there.mayBeSeen.has(value));
      await page.evaluate(blankPage, blanked);
      const file = `${name}-${device}.png`;
      await page.screenshot({ path: join(folder, file), fullPage: true, animations: "disabled" });
      return { file, caption, device };
    },
  };
}

/** @returns undefined for an answer that can't be read any more, because its page is gone */
async function exchangeOf(response: Response, to: Exchange["to"]): Promise<Exchange | undefined> {
  const at = Date.now();
  const [request, status] = [response.request(), response.status()];
  try {
    const [requestHeaders, responseHeaders] = await Promise.all([
      request.allHeaders(),
      response.allHeaders(),
    ]);
    const isText = /^text\/html|json\b/.test(responseHeaders["content-type"] ?? "");
    const isRedirect = status >= 300 && status < 400;
    return {
      ...{ at, from: "browser", to, method: request.method(), url: request.url() },
      ...{ requestHeaders, requestBody: request.postData() ?? undefined, status, responseHeaders },
      responseBody: isText && !isRedirect ? await response.text().catch(() => undefined) : undefined,
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
  const personal = new RegExp(patterns.join("|"), "g");
  const blank = (text: string) => text.replace(personal, (found) => "▇".repeat(Math.min(12, found.length)));
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
