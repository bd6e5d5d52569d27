import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isPlainPath, plainPathname, readPath } from "../../src/http/request-path.ts";
import { needsSession } from "../../src/rules/path-rules.ts";
import { readSettings } from "../../src/settings.ts";
import { openBrowser } from "../worker/browser.ts";
import { openSite, SITE } from "../worker/site.ts";
import { HAND_WRITTEN, originsReached, PROTECTED, spelling } from "./path-spellings.ts";

const ORIGIN = "https://origin.example";

/** Any path at all, made of what is treated differently from other characters. */
const anyPath = fc
  .array(
    fc.constantFrom("a", "/", ".", "%41", "%2f", "%2e", "%25", "%", ";", "?", "#", "å", "%C3%A5", " ", "%00"),
  )
  .map((parts) => `/${parts.join("")}`);

/** A request target as a client may send it: `//x` is a path here, not another host. */
const at = (target: string): string => (target.startsWith("/") ? SITE + target : target);

/** A worker before an origin that writes down which paths reach it. */
function openGuardedOrigin(protectedPaths = PROTECTED) {
  const paths: string[] = [];
  const site = openSite({
    vars: { PROTECTED_PATHS: protectedPaths, ORIGIN_URL: ORIGIN, ASSETS: undefined as never },
    origin: (request) => {
      const { pathname } = new URL(request.url);
      paths.push(pathname);
      return new Response("from the origin");
    },
  });
  return { site, paths, browser: openBrowser(site) };
}

describe("R22: the canonical form of a path", () => {
  it.each([
    ["/", "/"],
    ["/members/?page=2#top", "/members/"],
    ["//members///x", "/members/x"],
    ["/a/./b/../c", "/a/c"],
    ["/%6D%65mbers", "/members"],
    ["/a%7eb%2Dc%5f", "/a~b-c_"],
    ["/%c3%a5/%2f", "/%C3%A5/%2F"],
    ["/å b", "/%C3%A5%20b"],
    ["/a;b=1/c", "/a;b=1/c"],
    ["/.well-known/x", "/.well-known/x"],
    ["/@scope%2fname", "/@scope%2Fname"],
    ["/100%25", "/100%25"],
    ["/C%23", "/C%23"],
  ])("of %s is %s", (asked, canonical) => {
    expect(readPath(new URL(at(asked)).pathname)?.path).toBe(canonical);
  });

  it.each([
    ["a stray percent sign", "/100%"],
    ["half a percent sign", "/a%f/b"],
    ["bytes that are not UTF-8", "/bl%E5"],
    ["overlong UTF-8", "/a/%c0%ae%c0%ae/b"],
    ["an encoded zero byte", "/a%00"],
    ["an encoded line break", "/a%0d%0ab"],
    ["an encoded backslash", "/a%5cb"],
    ["dot segments behind an encoded slash", "/a/..%2Fb"],
    ["dot segments with parameters", "/a/..;x/b"],
    ["dot segments encoded twice", "/a/%252e%252e/b"],
    ["dot segments with a space", "/a/..%20/b"],
    ["dot segments in full width", "/a/%EF%BC%8E%EF%BC%8E/b"],
    ["a row of marks that takes long to put in order", `/a${"%CC%81%CC%A3".repeat(17)}`],
    ["more layers than anyone needs", `/%${"25".repeat(40)}41`],
  ])("is refused for %s", async (_what, path) => {
    expect(readPath(new URL(at(path)).pathname)).toBeUndefined();
    const { browser, paths, site } = openGuardedOrigin();
    const response = await browser.get(at(path));
    expect(response.status).toBe(400);
    expect(site.log).toMatchObject([{ code: "path_ambiguous" }]);
    expect(paths).toEqual([]);
  });

  it("does not change when it is brought into canonical form once more", { timeout: 30_000 }, () => {
    fc.assert(
      fc.property(fc.oneof(anyPath, spelling), (asked) => {
        const canonical = readPath(new URL(at(asked)).pathname)?.path;
        if (canonical === undefined) return;
        expect(readPath(canonical)?.path).toBe(canonical);
        expect(new URL(at(canonical)).pathname).toBe(canonical);
      }),
      { numRuns: 1000 },
    );
  });

  const piece = fc.constantFrom(
    "/",
    "..",
    ".",
    "a",
    "B-9",
    "_~",
    "%2e",
    "%",
    "?",
    "#",
    "@",
    ":",
    "\\",
    " ",
    "å",
  );

  it("is found without a parser only where a parser finds the same, and nothing to read in another way", () => {
    let plain = 0;
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const url = `https://site.example${pieces.join("")}`;
        const found = plainPathname(url);
        if (found === undefined || !URL.canParse(url)) return;
        plain += 1;
        expect(found).toBe(new URL(url).pathname);
        // The first letter spelled in another way has the path read the long way.
        const spelled = found.replace(/[a-z]/i, (letter) => `%${letter.charCodeAt(0).toString(16)}`);
        expect(readPath(spelled)).toEqual(readPath(found));
      }),
      { numRuns: 5_000 },
    );
    expect(plain).toBeGreaterThan(100);
  });

  it("is taken for an address of the site without a parser only where a parser gives it back as it is", () => {
    let plain = 0;
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const address = `/${pieces.join("")}`;
        if (!isPlainPath(address)) return;
        plain += 1;
        expect(new URL(address, SITE).href).toBe(`${SITE}${address}`);
        expect(readPath(address)).toEqual({ path: address, readings: new Set([address]) });
      }),
      { numRuns: 5_000 },
    );
    expect(plain).toBeGreaterThan(100);
  });

  it("is what the origin gets, query untouched", async () => {
    const urls: string[] = [];
    const site = openSite({
      vars: { ORIGIN_URL: ORIGIN, ASSETS: undefined as never },
      origin: (request) => {
        urls.push(request.url);
        return new Response();
      },
    });
    await openBrowser(site).get(`${SITE}//a/%2e/b%2fc/%7Ed?q=%2e%2e//&x=å#top`);
    expect(urls).toEqual([`${ORIGIN}/a/b%2Fc/~d?q=%2e%2e//&x=%C3%A5`]);
  });

  it("decides which paths are login routes, too", async () => {
    const { browser, paths } = openGuardedOrigin();
    const response = await browser.get(`${SITE}//%61uth/./session`);
    expect(await response.json()).toEqual({ authenticated: false });
    expect(paths).toEqual([]);
  });
});

describe("R22: path patterns", () => {
  const decide = (patterns: string, asked: string): boolean => {
    const result = readSettings({ ...openSite().env, PROTECTED_PATHS: patterns }, SITE);
    if ("faults" in result) throw new Error(result.faults.join("; "));
    const path = readPath(new URL(at(asked)).pathname);
    if (path === undefined) throw new Error(`${asked} has no canonical form`);
    return needsSession(result.settings.site, path);
  };

  it.each([
    ["/members/*", "/members", true],
    ["/members/*", "/members/", true],
    ["/members/*", "/members/a/b", true],
    ["/members/*", "/members.html", true],
    ["/members/*", "/Members/A", true],
    ["/members/*", "/membership", false],
    ["/members/*", "/public/members/", false],
    ["/members/*", "/", false],
    ["/admin", "/admin/users", true],
    ["/admin", "/admin/index.php", true],
    ["/admin", "/administration", false],
    ["/admin", "/admin.css", false],
    ["/report.pdf", "/report.pdf", true],
    ["/report.pdf", "/report.pdf/x", true],
    ["/report.pdf", "/report", false],
    ["/secret.html", "/secret", true],
    ["/secret.html", "/secret/", true],
    ["/index.html", "/", true],
    ["/index.html", "/about", false],
    ["/files/*.pdf", "/files/a/b.pdf", true],
    ["/files/*.pdf", "/files/a.png", false],
    ["/*/private", "/a/b/private/c", true],
    ["/*/private", "/private", false],
    ["/*", "/", true],
    ["/*", "/anything", true],
    ["/", "/anything", true],
    ["/medlemsområde/*", "/medlemsomr%C3%A5de/x", true],
    ["/medlemsomr%C3%A5de/*", "/medlemsomra%CC%8Ade/x", true],
    ["/a, /b /c", "/c", true],
  ])("%s over %s: %s", (patterns, path, expected) => {
    expect(decide(patterns, path)).toBe(expected);
  });

  it.each([
    ["/* !/open/*", "/open/x", false],
    ["/* !/open/*", "/open/", false],
    ["/* !/open/*", "/open", true],
    ["/* !/open", "/open", false],
    ["/* !/open", "/open/x", true],
    ["/* !/åpent/*", "/%C3%A5pent/x", false],
    ["/* !/open/*", "/OPEN/x", true],
    ["/* !/open/*", "/open%2Fx", true],
    ["/* !/open/*", "/open/x%2Fy", false],
    ["/* !/open/*", "/x%3F/open/", true],
    ["/* !/*/open", "/secret%23/open", true],
    ["/* !/open/*", "/open;x/y", true],
    ["!/open/* /*", "/open/x", false],
  ])("exceptions are taken literally: %s over %s: %s", (patterns, path, expected) => {
    expect(decide(patterns, path)).toBe(expected);
  });

  it.each(["members/*", "/a?b", "/a#b", "/../a", "/a/./b", "/%zz", "/%ff", "/a\\b", "!/open/*"])(
    "%s is a fault of the settings",
    (patterns) => {
      const result = readSettings({ ...openSite().env, PROTECTED_PATHS: patterns }, SITE);
      expect("faults" in result && result.faults).toEqual([expect.stringMatching(/^PROTECTED_PATHS /)]);
    },
  );

  it("take no longer the longer a hostile path is", () => {
    const path = readPath(`/${"a".repeat(16_000)}`);
    const site = { protectedPaths: ["/*a*a*a*a*a*a*b"] } as never;
    expect(path && needsSession(site, path)).toBe(false);
  });
});

describe("R22: no spelling of a protected path gets past without a session", { timeout: 30_000 }, () => {
  it(`to an origin: ${HAND_WRITTEN.length} written by hand`, async () => {
    const { browser, paths } = openGuardedOrigin();
    for (const path of HAND_WRITTEN) await browser.get(at(path));
    const leaks = paths.map((path) => [path, originsReached(path)]).filter(([, origins]) => origins?.length);
    expect(leaks).toEqual([]);
    // The guard does not answer everything: what is not protected in any reading goes through.
    await browser.get("/public/page");
    expect(paths).toContain("/public/page");
  });

  it("to an origin: 600 generated", async () => {
    const { browser, paths } = openGuardedOrigin();
    await fc.assert(
      fc.asyncProperty(spelling, async (path) => {
        paths.length = 0;
        await browser.get(at(path));
        for (const reached of paths) expect([reached, originsReached(reached)]).toEqual([reached, []]);
      }),
      { numRuns: 10000 },
    );
  });

  it("to a static asset", async () => {
    const browser = openBrowser(openSite({ vars: { PROTECTED_PATHS: PROTECTED } }));
    const marker = "Badstuvakt";
    await browser.logIn();
    expect(await (await browser.get("/members/")).text()).toContain(marker);
    browser.cookies.clear();
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.constantFrom(...HAND_WRITTEN), spelling), async (path) => {
        const response = await browser.get(at(path));
        expect(await response.text()).not.toContain(marker);
      }),
      { numRuns: 400 },
    );
  });
});
