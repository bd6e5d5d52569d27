import { METHOD_NAME_ALL, type Params, type Result, type Router } from "hono/router";

/** A path with `:names` in it, cut at its slashes. */
interface Pattern<Handler> {
  readonly method: string;
  readonly parts: readonly string[];
  readonly handler: Handler;
}

/** A folder and everything below it, whatever the method. */
interface Folder<Handler> {
  readonly folder: string;
  readonly handler: Handler;
}

/**
 * A router for paths that have one handler each: what is written out is looked up, the few paths with `:names` are
 * gone through. Hono's own lead a request past any number of handlers, and take milliseconds to be put together, which
 * the first request of every isolate would wait for.
 */
export function createExactRouter<Handler>(): Router<Handler> {
  const exact = new Map<string, Handler>();
  const folders: Folder<Handler>[] = [];
  const patterns: Pattern<Handler>[] = [];
  return {
    name: "exact",
    add(method, path, handler) {
      if (path.endsWith("/*")) {
        if (method !== METHOD_NAME_ALL) throw new Error(`${path} takes every method or none`);
        folders.push({ folder: path.slice(0, -2), handler });
      } else if (path.includes("/:")) patterns.push({ method, parts: path.split("/"), handler });
      else exact.set(`${method} ${path}`, handler);
    },
    match(method, path): Result<Handler> {
      const handler =
        exact.get(`${method} ${path}`) ?? folders.find(({ folder }) => isWithin(folder, path))?.handler;
      if (handler !== undefined) return [[[handler, {}]]];
      const asked = path.split("/");
      for (const pattern of patterns) {
        const params = pattern.method === method ? paramsOf(pattern.parts, asked) : undefined;
        if (params !== undefined) return [[[pattern.handler, params]]];
      }
      return [[]];
    },
  };
}

function isWithin(folder: string, path: string): boolean {
  return path.startsWith(folder) && (path.length === folder.length || path[folder.length] === "/");
}

/** What stands in the places of the names; `undefined` where the path is another one. */
function paramsOf(parts: readonly string[], asked: readonly string[]): Params | undefined {
  if (parts.length !== asked.length) return undefined;
  const params: Params = {};
  for (const [at, part] of parts.entries()) {
    const given = asked[at] ?? "";
    if (part.startsWith(":") && given !== "") params[part.slice(1)] = given;
    else if (part !== given) return undefined;
  }
  return params;
}
