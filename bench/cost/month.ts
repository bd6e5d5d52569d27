import { METERS, type MeterName, STORAGE, WORKERS_PAID } from "./prices.ts";

/** How much of everything that is counted. */
export type Usage = Readonly<Record<MeterName, number>>;

/** A month of a site. */
export interface Month {
  /** Each by another person. */
  readonly logins: number;
  readonly views: number;
}

export const MONTHS: readonly Month[] = [
  { logins: 1_000, views: 100_000 },
  { logins: 100_000, views: 10_000_000 },
  { logins: 10_000_000, views: 1_000_000_000 },
];

/** What one of each costs, as measured, and what is kept. */
export interface UnitCosts {
  readonly firstLogin: Usage;
  readonly laterLogin: Usage;
  /** A page with a fresh session, and one that finds it stale. */
  readonly freshView: Usage;
  readonly renewedView: Usage;
  /** Bytes in D1 for each person, and for each login while its event is kept. */
  readonly d1BytesPerson: number;
  readonly d1BytesLogin: number;
  /** Bytes in Durable Objects for each person with a session. */
  readonly objectBytesPerson: number;
}

/** What is assumed, all of it said on the page. */
export const ASSUMED = {
  /** Of the people who log in in a month, how many do for the first time. */
  newShare: 0.1,
  /** Views within one visit: one of them finds the session stale. */
  viewsAVisit: 10,
  /** Months that login events are kept for. */
  eventMonths: 3,
  /** People kept for each who logs in in a month. */
  peopleKept: 3,
  days: 30,
  /** The busiest day beside the average one. */
  peak: 2,
} as const;

/** What a month uses. */
export function usageOf({ logins, views }: Month, unit: UnitCosts): Usage {
  const first = logins * ASSUMED.newShare;
  const renewed = views / ASSUMED.viewsAVisit;
  const parts: readonly (readonly [number, Usage])[] = [
    [first, unit.firstLogin],
    [logins - first, unit.laterLogin],
    [renewed, unit.renewedView],
    [views - renewed, unit.freshView],
  ];
  const sum = (name: MeterName) => parts.reduce((total, [count, usage]) => total + count * usage[name], 0);
  return Object.fromEntries(meterNames().map((name) => [name, sum(name)])) as Record<MeterName, number>;
}

export const meterNames = (): readonly MeterName[] => Object.keys(METERS) as MeterName[];

/** What is kept at the end of such months, in gigabytes. */
export function keptOf({ logins }: Month, unit: UnitCosts) {
  const people = logins * ASSUMED.peopleKept;
  const gigabytes = (bytes: number) => bytes / 1e9;
  return {
    d1Gb: gigabytes(people * unit.d1BytesPerson + logins * ASSUMED.eventMonths * unit.d1BytesLogin),
    objectsGb: gigabytes(people * unit.objectBytesPerson),
  };
}

/** Dollars of a month on the paid plan: the plan, and what goes beyond it, by what is counted. */
export function paidBill(month: Month, unit: UnitCosts) {
  const usage = usageOf(month, unit);
  const beyond = meterNames().map((name) => {
    const { included, perMillion } = METERS[name];
    return { name: METERS[name].name, dollars: (Math.max(0, usage[name] - included) / 1e6) * perMillion };
  });
  const { d1Gb, objectsGb } = keptOf(month, unit);
  const kept = [
    { name: "D1 storage", dollars: Math.max(0, d1Gb - STORAGE.d1.includedGb) * STORAGE.d1.perGb },
    {
      name: "Durable Object storage",
      dollars: Math.max(0, objectsGb - STORAGE.objects.includedGb) * STORAGE.objects.perGb,
    },
  ];
  const lines = [...beyond, ...kept].filter(({ dollars }) => dollars > 0);
  return { dollars: lines.reduce((total, line) => total + line.dollars, WORKERS_PAID), lines };
}

/** How much of the free plan's day the busiest day of a month takes, the most first. */
export function freeShares(month: Month, unit: UnitCosts) {
  const usage = usageOf(month, unit);
  const daily = meterNames().map((name) => ({
    name: METERS[name].name,
    share: ((usage[name] / ASSUMED.days) * ASSUMED.peak) / METERS[name].freeADay,
  }));
  const { d1Gb, objectsGb } = keptOf(month, unit);
  return [
    ...daily,
    { name: "the size of the D1 database", share: d1Gb / STORAGE.d1.freeDatabaseGb },
    { name: "Durable Object storage", share: objectsGb / STORAGE.objects.freeGb },
  ].sort((one, other) => other.share - one.share);
}

/** How many people one database of the paid plan holds, each with the login events of a month's login. */
export function peopleADatabase({ d1BytesPerson, d1BytesLogin }: UnitCosts): number {
  const each = d1BytesPerson + (d1BytesLogin * ASSUMED.eventMonths) / ASSUMED.peopleKept;
  return (STORAGE.d1.paidDatabaseGb * 1e9) / each;
}
