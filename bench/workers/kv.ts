import { DurableObject } from "cloudflare:workers";

/** One KV namespace, kept so that it outlives the isolates of the Worker that reads it. STORED holds what it begins with. */
export class Namespace extends DurableObject<{ STORED?: string }> {
  constructor(ctx: DurableObjectState, env: { STORED?: string }) {
    super(ctx, env);
    const stored: Readonly<Record<string, string>> = JSON.parse(env.STORED ?? "{}");
    for (const [key, value] of Object.entries(stored))
      if (ctx.storage.kv.get(key) === undefined) ctx.storage.kv.put(key, value);
  }

  override async fetch(request: Request): Promise<Response> {
    const key = decodeURIComponent(new URL(request.url).pathname.slice(1));
    if (request.method === "PUT") {
      this.ctx.storage.kv.put(key, await request.text());
      return new Response();
    }
    const value = this.ctx.storage.kv.get<string>(key);
    return value === undefined ? new Response("Not Found", { status: 404 }) : new Response(value);
  }
}

/** What answers behind workerd's KV binding: reads and writes of single keys, all that is measured here. */
export default {
  fetch(request, env): Promise<Response> {
    return env.NAMESPACE.getByName("kv").fetch(request);
  },
} satisfies ExportedHandler<{ NAMESPACE: DurableObjectNamespace<Namespace> }>;
