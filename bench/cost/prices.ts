/**
 * What Cloudflare and others charge, in US dollars a month, as their pages said when they were read. Sources and
 * dates stand in {@link SOURCES} and on the page.
 */

/** Something Cloudflare counts: what the paid plan includes, what a million more costs, what the free plan allows a day. */
export interface Meter {
  readonly name: string;
  readonly included: number;
  /** Dollars for a million more. */
  readonly perMillion: number;
  readonly freeADay: number;
}

export const METERS = {
  requests: { name: "requests to the worker", included: 10e6, perMillion: 0.3, freeADay: 100_000 },
  cpuMilliseconds: {
    name: "milliseconds of processor time",
    included: 30e6,
    perMillion: 0.02,
    // 10 ms for each request, no sum for the day.
    freeADay: Number.POSITIVE_INFINITY,
  },
  objectRequests: { name: "Durable Object requests", included: 1e6, perMillion: 0.15, freeADay: 100_000 },
  objectGbSeconds: { name: "Durable Object GB-s", included: 400_000, perMillion: 12.5, freeADay: 13_000 },
  objectRowsRead: { name: "Durable Object rows read", included: 25e9, perMillion: 0.001, freeADay: 5e6 },
  objectRowsWritten: {
    name: "Durable Object rows written",
    included: 50e6,
    perMillion: 1,
    freeADay: 100_000,
  },
  d1RowsRead: { name: "D1 rows read", included: 25e9, perMillion: 0.001, freeADay: 5e6 },
  d1RowsWritten: { name: "D1 rows written", included: 50e6, perMillion: 1, freeADay: 100_000 },
  kvReads: { name: "KV reads", included: 10e6, perMillion: 0.5, freeADay: 100_000 },
  kvWrites: { name: "KV writes", included: 1e6, perMillion: 5, freeADay: 1_000 },
} as const satisfies Record<string, Meter>;

export type MeterName = keyof typeof METERS;

/** Gigabytes kept: what is included, what a further one costs a month, what one database may hold. */
export const STORAGE = {
  d1: { includedGb: 5, perGb: 0.75, freeDatabaseGb: 0.5, paidDatabaseGb: 10 },
  objects: { includedGb: 5, perGb: 0.2, freeGb: 5 },
} as const;

/** The paid plan itself. */
export const WORKERS_PAID = 5;

/** A hosted login: what it charges for so many people who log in in a month; undefined where the list does not say. */
export interface Hosted {
  readonly name: string;
  readonly charge: (people: number) => number | undefined;
  readonly rule: string;
}

const above = (people: number, included: number): number => Math.max(0, people - included);

export const HOSTED: readonly Hosted[] = [
  {
    name: "Amazon Cognito, Essentials",
    charge: (people) => 0.015 * above(people, 10_000),
    rule: "$0.015 a person above 10,000",
  },
  {
    name: "Clerk, Pro",
    charge: (people) => (people > 100_000 ? undefined : 25 + 0.02 * above(people, 50_000)),
    rule: "$25, and $0.02 a person above 50,000; less above 100,000, which is left open here",
  },
  {
    name: "Supabase Auth, Pro",
    charge: (people) => 25 + 0.00325 * above(people, 100_000),
    rule: "$25, and $0.00325 a person above 100,000",
  },
  {
    name: "WorkOS AuthKit",
    charge: (people) => 2_500 * Math.ceil(above(people, 1_000_000) / 1_000_000),
    rule: "free up to a million people, $2,500 for each further million",
  },
];

export const SOURCES: readonly string[] = [
  "Cloudflare, read in November 2026: [Workers](https://developers.cloudflare.com/workers/platform/pricing/) and [their limits](https://developers.cloudflare.com/workers/platform/limits/), [Durable Objects](https://developers.cloudflare.com/durable-objects/platform/pricing/), [D1](https://developers.cloudflare.com/d1/platform/pricing/) and [its limits](https://developers.cloudflare.com/d1/platform/limits/), [KV](https://developers.cloudflare.com/kv/platform/pricing/); [requests to static assets are free](https://developers.cloudflare.com/workers/static-assets/billing-and-limitations/).",
  "[Amazon Cognito](https://aws.amazon.com/cognito/pricing/), as transcribed on 20 September 2026; [Clerk](https://clerk.com/articles/clerk-pricing-explained), its own article, prices of June 2026; [Supabase](https://supabase.com/docs/guides/platform/manage-your-usage/monthly-active-users), read in November 2026; [WorkOS](https://workos.com/pricing), as transcribed on 22 May 2026. List prices, without support, text messages or enterprise connections, some of which a provider such as Vipps would need there.",
];
