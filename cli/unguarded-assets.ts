// What of the static assets Cloudflare shows without asking the worker, and whether that could be something protected.

/** What `[assets]` of wrangler.toml says of the way to them. */
export interface AssetRouting {
  /** `run_worker_first`: all of them, none, or patterns; those with `!` go to the assets, whatever else fits. */
  readonly workerFirst: boolean | readonly string[];
  /** `not_found_handling`. */
  readonly notFound: string | undefined;
}

/** What the worker guards. */
export interface Guarded {
  /** The patterns of PROTECTED_PATHS. */
  readonly protectedPaths: readonly string[];
  readonly authPath: string;
}

/**
 * Finds what would be shown to strangers because it never reaches the worker. Cloudflare matches a pattern with the
 * path as it was sent, case included, but shows the file that the decoded path names, `/a`, `/a.html` and
 * `/a/index.html` being one page. So patterns are compared as broadly as the worker's own guard reads a path, and a
 * pattern that could be read in two ways is refused.
 * @returns one line for each fault
 */
export function unguardedFaults(
  routing: AssetRouting,
  { protectedPaths, authPath }: Guarded,
): readonly string[] {
  const protectedPatterns = protectedPaths.filter((pattern) => !isNegative(pattern));
  const faults: string[] = [];
  if (!isLoginReached(routing, authPath))
    faults.push(
      `run_worker_first under [assets] lacks "${authPath}/*": with not_found_handling a browser that is sent to the login is shown a page of the site instead.`,
    );
  if (typeof routing.workerFirst === "boolean") {
    if (!routing.workerFirst && protectedPatterns.length > 0)
      faults.push("run_worker_first is not set under [assets]: every file is shown, protected or not.");
    return faults;
  }
  if (!routing.workerFirst.includes("/*") && protectedPatterns.length > 0)
    faults.push(
      'run_worker_first under [assets] lacks "/*": what no pattern names is shown without the worker.',
    );
  const exceptions = protectedPaths.filter(isNegative).map((pattern) => pattern.slice(1));
  for (const written of routing.workerFirst.filter(isNegative)) {
    const pattern = written.slice(1);
    if (!isPlain(pattern)) {
      faults.push(
        `"${written}" can be read in more than one way: write letters, digits, "-", "_", "." and "*".`,
      );
      continue;
    }
    if ([authPath, `${authPath}/*`].some((own) => meet(folded(pattern), folded(own))))
      faults.push(`"${written}" takes the login itself (${authPath}) from the worker.`);
    // An exception that covers all of the pattern opens it for the worker too.
    if (exceptions.some((exception) => covers(exception, pattern))) {
      if (routing.notFound === "single-page-application" && isProtected("/index.html", protectedPatterns))
        faults.push(`"${written}" shows /index.html, which is protected, for every address that is no file.`);
      continue;
    }
    const met = protectedPatterns.find((one) => readings(one).some((form) => meet(form, folded(pattern))));
    if (met !== undefined) faults.push(`"${written}" takes protected paths ("${met}") from the worker.`);
    else if (routing.notFound === "single-page-application" && isProtected("/index.html", protectedPatterns))
      faults.push(`"${written}" shows /index.html, which is protected, for every address that is no file.`);
  }
  return faults;
}

/**
 * Whether a browser gets to the login. Where `not_found_handling` has a page for what is no file, Cloudflare answers
 * every navigation with it and asks the worker only for what run_worker_first names
 * (https://developers.cloudflare.com/workers/static-assets/routing/single-page-application/).
 */
export function isLoginReached({ workerFirst, notFound }: AssetRouting, authPath: string): boolean {
  if (typeof workerFirst === "boolean") return workerFirst || (notFound ?? "none") === "none";
  return (notFound ?? "none") === "none" || workerFirst.some((one) => covers(one, `${authPath}/*`));
}

/** The patterns of PROTECTED_PATHS as they are typed, without what they require. */
export const patternsIn = (text: string | undefined): readonly string[] =>
  (text ?? "").split(/[\s,]+/).filter((word) => /^!?\//.test(word));

const isNegative = (pattern: string): boolean => pattern.startsWith("!");

/** No percent signs, dot segments, empty segments or signs that servers disagree on. */
const isPlain = (pattern: string): boolean => /^(?:\/[\w~*-][\w.~*-]*)*\/?$/.test(pattern) && pattern !== "";

function isProtected(path: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => readings(pattern).some((form) => meet(form, path)));
}

/** Everything a protected pattern stands for, as patterns: the path, what is below it, its page in every form. */
function readings(pattern: string): readonly string[] {
  const own = folded(decoded(pattern)).replace(/\/\*?$/, "");
  const page = own.replace(/\/(?:index|default)(?:\.[a-z0-9]+)?$|\.html?$/, "");
  return [own, `${own}/*`, page, `${page}/`, `${page}.htm*`, `${page}/index*`, `${page}/default*`];
}

/** As the least particular of file systems sees a path. */
function folded(path: string): string {
  return path
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[. ]+(?=\/|$)/g, "")
    .replace(/\/{2,}/g, "/");
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** Whether some path fits both patterns. */
function meet(one: string, other: string): boolean {
  // Which ends of `other` can be left when so much of `one` is used up, from the back.
  let next = Array.from({ length: other.length + 1 }, (_, at) => /^\**$/.test(other.slice(at)));
  for (let index = one.length - 1; index >= 0; index -= 1) {
    const row: boolean[] = [];
    for (let at = other.length; at >= 0; at -= 1) {
      const [a, b] = [one[index], other[at]];
      if (a === "*") row[at] = next[at] === true || (at < other.length && row[at + 1] === true);
      else if (b === "*") row[at] = row[at + 1] === true || next[at] === true;
      else row[at] = a === b && next[at + 1] === true;
    }
    next = row;
  }
  return next[0] === true;
}

/** Whether every path that fits the narrower pattern fits the wider one, literally. */
function covers(wider: string, narrower: string): boolean {
  const parts = wider.split("*").map((part) => part.replace(/[\\^$.+?()[\]{}|/-]/g, "\\$&"));
  // A `*` of the narrower one can only be met by one of the wider.
  return new RegExp(`^${parts.join(".*")}$`, "s").test(narrower);
}
