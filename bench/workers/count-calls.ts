/** What istanbul keeps of a file whose functions it counts. */
interface FileCoverage {
  readonly path: string;
  /** Calls, by the number of a function. */
  readonly f: Record<string, number>;
}

/** Where the benchmark takes which functions ran. No site has such a path. */
const CALLS = "/.bench/calls";

/** Wraps a Worker whose files count their calls, so that it tells which functions ran since it was asked last. */
export function countCalls(worker: {
  fetch(request: Request, env: object, ctx: ExecutionContext): Response | Promise<Response>;
}): ExportedHandler<object> {
  return {
    fetch(request, env, ctx) {
      if (new URL(request.url).pathname === CALLS) return Response.json(takeCalls());
      return worker.fetch(request, env, ctx);
    },
  };
}

/** How many different functions of each file ran. */
function takeCalls(): Record<string, number> {
  const files = Reflect.get(globalThis, "__coverage__") as Record<string, FileCoverage>;
  const ran: Record<string, number> = {};
  for (const { path, f } of Object.values(files)) {
    const functions = Object.values(f).filter((calls) => calls > 0).length;
    if (functions > 0) ran[path] = functions;
    for (const name of Object.keys(f)) f[name] = 0;
  }
  return ran;
}
