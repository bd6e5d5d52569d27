import { createHash } from "node:crypto";
import { unlinkSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

/** A running `npm start`, as it presents itself to the next one. */
export interface RunningInstance {
  readonly pid: number;
  /** Where its site is; undefined while it is starting. */
  readonly site: string | undefined;
}

export type Claim = { readonly release: () => void } | { readonly heldBy: RunningInstance };

/** How long, in milliseconds, a running instance may take to present itself. */
const ANSWER_WITHIN = 1000;

/** A socket per state folder and user. It is not in the folder: a socket's path has some 100 characters. */
function socketPath(state: string): string {
  const key = createHash("sha256").update(`${userInfo().username}\0${state}`).digest("hex").slice(0, 24);
  return process.platform === "win32"
    ? `\\\\.\\pipe\\vipps-login-worker-${key}`
    : join(tmpdir(), `vipps-login-worker-${key}.sock`);
}

function listen(path: string, describe: () => RunningInstance): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on("error", () => undefined).end(JSON.stringify(describe()));
    });
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(undefined);
      else reject(error);
    });
    server.listen(path, () => resolve(server.unref()));
  });
}

/** Who answers on the socket; undefined if nobody does, as after a kill -9. */
function ask(path: string): Promise<RunningInstance | undefined> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(path);
    const giveUp = () => {
      socket.destroy();
      resolve(undefined);
    };
    socket.setTimeout(ANSWER_WITHIN, giveUp).on("error", giveUp);
    socket.setEncoding("utf8").on("data", (text) => {
      answer += text;
    });
    socket.on("end", () => (answer === "" ? giveUp() : resolve(JSON.parse(answer) as RunningInstance)));
  });
}

/**
 * Claims a state folder for this process. Two workers on one folder would both own every Durable Object in it.
 * The claim ends with the process, however that ends.
 * @param state the folder's absolute path
 * @param describe what a second claimant is told
 * @returns how to end the claim, or who holds it
 * @throws {Error} if the socket can't be made at all
 */
export async function claimState(state: string, describe: () => RunningInstance): Promise<Claim> {
  const path = socketPath(state);
  const server = await listen(path, describe);
  if (server !== undefined) return hold(server);
  const heldBy = await ask(path);
  if (heldBy !== undefined) return { heldBy };
  unlinkSync(path);
  const second = await listen(path, describe);
  if (second === undefined) throw new Error(`Another start is going on in ${state}. Try again.`);
  return hold(second);
}

/** Closing takes the socket's file away as well, which the end of the process alone does not. */
function hold(server: Server): Claim {
  const release = () => server.close();
  process.once("exit", release);
  return { release };
}
