// What src/settings/types.ts names of the Workers runtime, for the compiler of what runs in Node. Nothing here is
// ever called in Node, so all of it is opaque but the one method that settings are read with.

interface KVNamespace {
  readonly binding: "kv";
}

interface D1Database {
  readonly binding: "d1";
}

interface Queue {
  readonly binding: "queue";
}

interface RateLimit {
  readonly binding: "ratelimit";
}

interface Fetcher {
  readonly binding: "assets";
}

interface DurableObjectBinding {
  jurisdiction(name: "eu"): DurableObjectBinding;
}

declare namespace Cloudflare {
  interface Env {
    readonly LOGIN_ATTEMPTS: DurableObjectBinding;
    readonly USER_SESSIONS: DurableObjectBinding;
  }
}

type DurableObjectLocationHint = "wnam" | "enam" | "sam" | "weur" | "eeur" | "apac" | "oc" | "afr" | "me";
