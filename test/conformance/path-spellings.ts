import fc from "fast-check";

/** What the tests protect, and below it what no one may reach without a session. */
export const PROTECTED = "/members/*";

/** Whether a path, as an origin understood it, is protected. */
export function isProtected(resource: string): boolean {
  return /^\/members(\.html?)?(\/|$)/.test(resource.toLowerCase());
}

const decodeOnce = (path: string): string =>
  path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

/** The bytes of a decoded path read as UTF-8, as most servers do last. */
const asText = (path: string): string => {
  const bytes = Array.from(path, (character) => character.codePointAt(0) ?? 0);
  return bytes.every((byte) => byte < 256) ? new TextDecoder().decode(Uint8Array.from(bytes)) : path;
};

const merge = (path: string): string => path.replace(/\/+/g, "/");
const withoutParameters = (path: string): string => path.replace(/;[^/]*/g, "");
const cut = (path: string): string => path.split(/[?#\0]/)[0] ?? "";

function resolveDots(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split("/").slice(1)) {
    if (segment === "..") kept.pop();
    else if (segment !== ".") kept.push(segment);
  }
  return `/${kept.join("/")}`;
}

/**
 * How different origins turn the path of a request into a resource. Written without a look at the worker's own
 * way of reading paths.
 */
export const ORIGINS: Readonly<Record<string, (path: string) => string>> = {
  "a router that compares what it gets": (path) => path,
  "a server that resolves dots and decodes nothing": resolveDots,
  "nginx: decodes, merges slashes, resolves dots": (path) => resolveDots(merge(asText(decodeOnce(path)))),
  "a file server: decodes, resolves dots, merges slashes": (path) =>
    merge(resolveDots(asText(decodeOnce(path)))),
  "Tomcat: drops parameters, decodes, resolves dots": (path) =>
    resolveDots(merge(asText(decodeOnce(withoutParameters(path))))),
  "a servlet filter: decodes, drops parameters, resolves dots": (path) =>
    resolveDots(merge(withoutParameters(decodeOnce(path)))),
  "IIS: decodes, knows backslashes, drops dots and spaces at the end": (path) =>
    resolveDots(merge(asText(decodeOnce(path)).replaceAll("\\", "/")).replace(/[. ]+(?=\/|$)/g, "")),
  "two decoders in a row": (path) => resolveDots(merge(decodeOnce(decodeOnce(path)))),
  "three decoders in a row": (path) => resolveDots(merge(decodeOnce(decodeOnce(decodeOnce(path))))),
  "PHP behind a front controller: what stands behind the program's name": (path) =>
    resolveDots(merge(asText(decodeOnce(path)).replace(/^\/(?:app\/)?[^/]+\.php(?=\/)/i, ""))),
  "a framework that parses the decoded path as a URL again": (path) =>
    resolveDots(merge(cut(decodeOnce(path)))),
  "a file system that folds compatibility characters": (path) =>
    resolveDots(merge(asText(decodeOnce(path)).normalize("NFKC"))),
  "a decoder that takes overlong UTF-8": (path) =>
    resolveDots(merge(decodeOnce(path.replace(/%c0%a([ef])/gi, (_, last) => (last === "e" ? "." : "/"))))),
};

/** The origins to which this path means something protected. */
export function originsReached(path: string): string[] {
  return Object.keys(ORIGINS).filter((name) => isProtected(ORIGINS[name]?.(path) ?? ""));
}

const TARGETS = [
  "/members",
  "/members/",
  "/members/index.html",
  "/members/index",
  "/members.html",
  "/members/secret",
  "/members/secret.html",
  "/members/files/report.pdf",
];

/** Spellings that were ways past somebody's guard, and their relatives. */
export const HAND_WRITTEN: readonly string[] = [
  ...TARGETS,
  ...TARGETS.map((target) => target.toUpperCase()),
  ...TARGETS.map((target) => target.replace("/m", "//m")),
  ...TARGETS.map((target) => target.replace("/m", "/./m")),
  ...["/index.php", "/INDEX.PHP", "/app/index%2ephp", "/index.php/"].flatMap((program) =>
    TARGETS.map((target) => program + target),
  ),
  ...TARGETS.map((target) => target.replace("/m", "/%2e/m")),
  ...TARGETS.map((target) => target.replace("/m", "/public/../m")),
  ...TARGETS.map((target) => target.replace("/m", "/public/%2e%2e/m")),
  ...TARGETS.map((target) => target.replace("/m", "/public/.%2E/m")),
  ...TARGETS.map((target) => target.replace("/m", "/public/..;/m")),
  ...TARGETS.map((target) => target.replace("/m", "/public/..;x=1/m")),
  ...TARGETS.map((target) => target.replace("/m", "/public/..%2fm")),
  ...TARGETS.map((target) => target.replace("/m", "/public/..%5cm")),
  ...TARGETS.map((target) => target.replace("/m", "/public/..\\m")),
  ...TARGETS.map((target) => target.replace("/m", "/public/%252e%252e/m")),
  ...TARGETS.map((target) => target.replace("/m", "/public/..%252fm")),
  ...TARGETS.map((target) => target.replace("/m", "/%c0%ae%c0%ae/m")),
  ...TARGETS.map((target) => target.replace("/m", "/%2fm")),
  ...TARGETS.map((target) => target.replace("/m", "/;/m")),
  ...TARGETS.map((target) => target.replace("/m", "/%6d")),
  ...TARGETS.map((target) => target.replace("/m", "/%6D")),
  ...TARGETS.map((target) => target.replace("/m", "/%256d")),
  ...TARGETS.map((target) => target.replace("/m", "/%25256d")),
  ...TARGETS.map((target) => target.replace("/members", "/members;jsessionid=1")),
  ...TARGETS.map((target) => target.replace("/members", "/members%3bx")),
  ...TARGETS.map((target) => target.replace("/members", "/members%20")),
  ...TARGETS.map((target) => target.replace("/members", "/members.")),
  ...TARGETS.map((target) => target.replace("/members", "/members%2e")),
  ...TARGETS.map((target) => target.replace("/members/", "/members%2f")),
  ...TARGETS.map((target) => target.replace("/members/", "/members%5c")),
  ...TARGETS.map((target) => target.replace("/members/", "/members\\")),
  ...TARGETS.map((target) => target.replace("/members/", "/members%252f")),
  ...TARGETS.map((target) => `${target}?x=/public/`),
  ...TARGETS.map((target) => `${target}#/public/`),
  ...TARGETS.map((target) => `${target}%3f/public/`),
  ...TARGETS.map((target) => `${target}%23/public/`),
  ...TARGETS.map((target) => `${target}%00/public/`),
  ...TARGETS.map((target) => `${target}/`),
  ...TARGETS.map((target) => `${target}//`),
  ...TARGETS.map((target) => `${target}/.`),
  ...TARGETS.map((target) => `${target}/%2e`),
  ...TARGETS.map((target) => `/public/..${target}`),
  ...TARGETS.map((target) => `/public?/..${target}`),
  ...TARGETS.map((target) => `/public%3f/..${target}`),
  ...TARGETS.map((target) => `/public%23/%2e%2e/..${target}`),
  ...TARGETS.map((target) => `//host.example${target}`),
  ...TARGETS.map((target) => `http://host.example${target}`),
  ...TARGETS.map((target) => target.replace("/m", "/\uff4d")),
  ...TARGETS.map((target) => target.replace("/m", "/%EF%BD%8D")),
  ...TARGETS.map((target) => target.replace("/m", "%EF%BC%8Fm")),
  ...TARGETS.map((target) => target.replace("s", "%C5%BF")),
  "/%2e%2e/members/",
  "/%2f%2e%2e%2fmembers/",
  "/public/..%00/members/",
  "/public/..%20/members/",
  "/public/.../members/",
  "/members/%",
  "/members/%f",
  "/%ff/../members/",
  "/%u006dembers/",
];

/** One character of a path, written in one of the ways a decoder somewhere understands. */
function spelledCharacter(character: string): fc.Arbitrary<string> {
  const hex = character.charCodeAt(0).toString(16).padStart(2, "0");
  const ways = [
    character,
    character.toUpperCase(),
    `%${hex}`,
    `%${hex.toUpperCase()}`,
    `%25${hex}`,
    `%2525${hex}`,
  ];
  if (character === "/")
    ways.push("//", "/./", "\\", "/%2e/", "/x/../", "/;a/", ";b=c/", "/x/..;/", "%c0%af");
  if (character === ".") ways.push("%c0%ae");
  if (/[a-z]/.test(character)) ways.push(String.fromCodePoint(0xff21 + character.charCodeAt(0) - 97));
  return fc.oneof({ weight: 6, arbitrary: fc.constant(character) }, fc.constantFrom(...ways));
}

const BEFORE = [
  "",
  "",
  "/public/..",
  "/public/%2e%2e",
  "/public/..;",
  "/public%2f..",
  "/.",
  "/;x",
  "/%2f",
  "//",
];
const AFTER = [
  "",
  "",
  "/",
  ".",
  "%20",
  ";x",
  "?a=b",
  "#c",
  "%23d",
  "%3fe",
  "%00",
  "/..",
  "/../members/",
  "%2f",
  "%5c",
];

/** A protected path, written in a way that might slip past. */
export const spelling: fc.Arbitrary<string> = fc
  .constantFrom(...TARGETS)
  .chain((target) => fc.tuple(...Array.from(target, spelledCharacter)))
  .chain((characters) =>
    fc
      .tuple(fc.constantFrom(...BEFORE), fc.constantFrom(...AFTER))
      .map(([before, after]) => before + characters.join("") + after),
  )
  .map((path) => (path.startsWith("/") ? path : `/${path}`));
