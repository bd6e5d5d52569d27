// A receiver of the worker's events: proves each, takes each once, and answers before it does anything slow.

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

/** Further away in time an event is a copy that somebody kept. In seconds. */
const TOLERANCE = 300;
/** Far above any event. In bytes. */
const SIZE_LIMIT = 64 * 1024;

/**
 * @typedef {{ id: string, type: string, timestamp: string, site: string, data: Record<string, unknown> }} Event
 */

/**
 * Whether an event is the worker's own, whole and new (Standard Webhooks 1.0).
 * @param {string} secret EVENTS_SECRET
 * @param {import("node:http").IncomingHttpHeaders} headers
 * @param {string} body exactly as it came
 */
export function isAuthentic(secret, headers, body) {
  const header = (/** @type {string} */ name) => String(headers[name] ?? "");
  const [id, timestamp] = [header("webhook-id"), header("webhook-timestamp")];
  if (!(Math.abs(Date.now() / 1000 - Number(timestamp)) <= TOLERANCE)) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const wanted = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest();
  // Several, with blanks between them, while a secret is changed.
  return header("webhook-signature")
    .split(" ")
    .some((one) => {
      const [version, signature = ""] = one.split(",");
      const given = Buffer.from(signature, "base64");
      return version === "v1" && given.length === wanted.length && timingSafeEqual(given, wanted);
    });
}

/**
 * What answers the worker.
 * @param {string} secret EVENTS_SECRET
 * @param {(event: Event) => Promise<void> | void} take does what is to be done; where it throws, the event comes again
 * @param {{ has(id: string): boolean, add(id: string): unknown }} seen ids that were taken: put your database here
 * @returns {import("node:http").RequestListener}
 */
export function eventReceiver(secret, take, seen = new Set()) {
  return async (request, response) => {
    try {
      const body = await bodyOf(request);
      if (request.method !== "POST" || !isAuthentic(secret, request.headers, body)) {
        response.writeHead(401).end();
        return;
      }
      const id = String(request.headers["webhook-id"]);
      // At least once means: sometimes twice.
      if (!seen.has(id)) {
        await take({ id, ...JSON.parse(body) });
        seen.add(id);
      }
      response.writeHead(204).end();
    } catch {
      response.writeHead(500).end();
    }
  };
}

/** @param {import("node:http").IncomingMessage} request */
async function bodyOf(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > SIZE_LIMIT) throw new Error("too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { EVENTS_SECRET: secret, PORT: port = "8791" } = process.env;
  if (!secret) throw new Error("Set EVENTS_SECRET as the worker has it.");
  /** @param {Event} event */
  const print = ({ timestamp, type, data }) => console.log(timestamp, type, JSON.stringify(data));
  createServer(eventReceiver(secret, print)).listen(Number(port), "127.0.0.1");
  console.log(`Waiting for events on http://localhost:${port}/events`);
}
