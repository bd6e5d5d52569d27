// How a step of the set-up talks, runs other programs and fails. No dependencies: it runs before there are any.

import { spawn } from "node:child_process";
import { stripVTControlCharacters } from "node:util";

/**
 * Tells one line: what a step did. On standard error, because what a command is asked for may follow.
 * @param {string} step
 * @param {string} text
 */
export const say = (step, text) => console.error(`${step.padEnd(10)}${text}`);

/** How often, in milliseconds, long work shows that it is still alive. */
const SIGN_OF_LIFE = 10_000;

/**
 * Waits for long work. While it goes on, says that it is still at it.
 * @template Value
 * @param {string} step
 * @param {Promise<Value>} work
 */
export function withSignsOfLife(step, work) {
  const started = Date.now();
  const signs = setInterval(() => {
    say(step, `still at it (${Math.round((Date.now() - started) / 1000)} s)`);
  }, SIGN_OF_LIFE);
  return work.finally(() => clearInterval(signs));
}

/**
 * Runs a program that asks nothing and shows nothing. While it takes long, says that it is still at it.
 * @param {string} step for the signs of life
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, cwd?: string }} [options]
 * @returns {Promise<{ code: number, output: string }>} the exit code (127 if it could not be started, as in a
 *   shell) and the end of what it wrote to stdout and stderr, without colours
 */
export function runQuietly(step, command, args, options = {}) {
  const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      output = (output + text).slice(-20_000);
    });
  }
  /** @type {Promise<{ code: number, output: string }>} */
  const ended = new Promise((resolve) => {
    child.on("error", (error) => resolve({ code: 127, output: error.message }));
    child.on("close", (code) => resolve({ code: code ?? 1, output: stripVTControlCharacters(output) }));
  });
  return withSignsOfLife(step, ended);
}
