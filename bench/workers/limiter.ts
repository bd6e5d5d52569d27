import { WorkerEntrypoint } from "cloudflare:workers";

/** How often each key was asked for in a minute. */
const counted = { minute: 0, counts: new Map<string, number>() };

/** Cloudflare's rate limiter, as far as it is used here: LIMIT a minute for each key. */
export default class extends WorkerEntrypoint<{ readonly LIMIT: string }> {
  limit({ key }: { readonly key: string }): { readonly success: boolean } {
    const minute = Math.floor(Date.now() / 60_000);
    if (minute !== counted.minute) {
      counted.minute = minute;
      counted.counts.clear();
    }
    const count = (counted.counts.get(key) ?? 0) + 1;
    counted.counts.set(key, count);
    return { success: count <= Number(this.env.LIMIT) };
  }
}
