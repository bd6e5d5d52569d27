import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parse } from "@babel/parser";
import { build, type Plugin } from "esbuild";

/** The name under which the code finds the counter. */
const COUNTER = "__countTurn";

/** Durable Objects cannot be made outside workerd; what answers requests only needs their names to be there. */
const platform: Plugin = {
  name: "platform",
  setup(build) {
    build.onResolve({ filter: /^cloudflare:workers$/ }, () => ({ path: "workers", namespace: "platform" }));
    build.onLoad({ filter: /.*/, namespace: "platform" }, () => ({
      contents: "export class DurableObject {}",
    }));
  },
};

/**
 * Loads the code under test with everything it imports, made to call a counter at each turn of a loop and each
 * call of a function.
 * @param code a module that exports what is wanted, with paths from the root of the repository.
 */
export async function loadCounted<Exports>(code: string, count: () => void): Promise<Exports> {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: process.cwd(), loader: "ts" },
    bundle: true,
    write: false,
    format: "esm",
    target: "esnext",
    loader: { ".client.js": "text" },
    plugins: [platform],
    logLevel: "silent",
  });
  const folder = mkdtempSync(join(tmpdir(), "growth-"));
  const file = join(folder, "counted.mjs");
  writeFileSync(file, withCounters(outputFiles[0]?.text ?? ""));
  Reflect.set(globalThis, COUNTER, count);
  try {
    return (await import(pathToFileURL(file).href)) as Exports;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [property: string]: unknown;
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";

const LOOPS = /^(?:For|ForIn|ForOf|While|DoWhile)Statement$/;

/** Puts a call of the counter at the beginning of every function and of every loop's body. */
function withCounters(code: string): string {
  const insertions: (readonly [at: number, text: string])[] = [];
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const each of value) visit(each);
    if (!isNode(value)) return;
    const { type, body } = value;
    if (
      isNode(body) &&
      (LOOPS.test(type) || /Function|ObjectMethod|ClassMethod|ClassPrivateMethod/.test(type))
    ) {
      if (body.type === "BlockStatement") {
        const [first] = Array.isArray(body.directives) ? body.directives.slice(-1) : [];
        insertions.push([isNode(first) ? first.end : body.start + 1, `${COUNTER}();`]);
      } else if (LOOPS.test(type)) {
        insertions.push([body.start, `{${COUNTER}();`], [body.end, "}"]);
      } else {
        insertions.push([body.start, `(${COUNTER}(),`], [body.end, ")"]);
      }
    }
    for (const child of Object.values(value)) visit(child);
  };
  visit(parse(code, { sourceType: "module", createParenthesizedExpressions: true }).program.body);
  const pieces: string[] = [];
  let done = 0;
  for (const [at, text] of insertions.toSorted(([one], [other]) => one - other)) {
    pieces.push(code.slice(done, at), text);
    done = at;
  }
  return pieces.join("") + code.slice(done);
}
