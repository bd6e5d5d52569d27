/** A V8 CPU profile, as the inspector gives it. Times in microseconds. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  /** The time before each sample. */
  readonly timeDeltas: readonly number[];
}

/** How often V8 looks where the program is, in microseconds. */
const SAMPLING_INTERVAL = 50;

/**
 * Profiles what a Worker does meanwhile, with V8's own profiler.
 * @param inspectorPort where workerd's inspector listens
 * @param service the name of the Worker's service
 * @throws Error when the inspector can't be had
 */
export async function profile(
  inspectorPort: number,
  service: string,
  work: () => Promise<void>,
): Promise<CpuProfile> {
  const socket = new WebSocket(`ws://127.0.0.1:${inspectorPort}/${service}`);
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener("open", () => resolve(), { once: true });
    socket.addEventListener("error", () => reject(new Error("no inspector")), { once: true });
  });
  let lastId = 0;
  const command = (method: string, params: object = {}) => {
    lastId += 1;
    const id = lastId;
    return new Promise<{ readonly profile?: CpuProfile }>((resolve, reject) => {
      const listen = ({ data }: MessageEvent<string>) => {
        const message: { id?: number; result?: { profile?: CpuProfile }; error?: { message: string } } =
          JSON.parse(data);
        if (message.id !== id) return;
        socket.removeEventListener("message", listen);
        if (message.error !== undefined) reject(new Error(`${method}: ${message.error.message}`));
        else resolve(message.result ?? {});
      };
      socket.addEventListener("message", listen);
      socket.send(JSON.stringify({ id, method, params }));
    });
  };
  try {
    await command("Profiler.enable");
    await command("Profiler.setSamplingInterval", { interval: SAMPLING_INTERVAL });
    await command("Profiler.start");
    await work();
    const { profile: taken } = await command("Profiler.stop");
    if (taken === undefined) throw new Error("the inspector gave no profile");
    return taken;
  } finally {
    socket.close();
  }
}

/** The time in which the program was doing something, in microseconds: garbage collection counts, waiting does not. */
export function busyTime({ nodes, samples, timeDeltas }: CpuProfile): number {
  const waiting = new Set(
    nodes
      .filter(
        ({ callFrame }) => callFrame.functionName === "(idle)" || callFrame.functionName === "(program)",
      )
      .map(({ id }) => id),
  );
  return samples.reduce(
    (total, node, index) => (waiting.has(node) ? total : total + (timeDeltas[index] ?? 0)),
    0,
  );
}
