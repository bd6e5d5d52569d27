import type { VippsLoginEvent } from "./event.ts";

/** Code of a project's own that takes events. One that throws is given the event again later. */
export type TakeEvent = (
  event: VippsLoginEvent,
  env: Cloudflare.Env,
  ctx: ExecutionContext,
) => Promise<void> | void;

let taker: TakeEvent | undefined;

/** Gives events to code of the project's own in place of EVENTS_URL, from now on and for the whole Worker. */
export function useEvents(take: TakeEvent | undefined): void {
  taker = take;
}

/** The project's own code that takes events, if there is any. */
export const ownEvents = (): TakeEvent | undefined => taker;
