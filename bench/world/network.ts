import {
  AMSTERDAM,
  CAPE_TOWN,
  FRANKFURT,
  HONG_KONG,
  LONDON,
  MADRID,
  type Place,
  SAO_PAULO,
  SINGAPORE,
  STOCKHOLM,
  SYDNEY,
  TOKYO,
  WASHINGTON,
} from "./places.ts";

/** The radius of the Earth, in kilometres. */
const EARTH = 6371;
/** How far light comes in fibre in a millisecond, in kilometres: two thirds of what it does in a vacuum. */
const FIBRE = 200;
/** How much longer than the great circle the way of a packet takes, routers included: what {@link PUBLISHED} suggests. */
export const DETOUR = 1.8;
/** What a round trip takes even next door, in milliseconds. */
export const LEAST = 1;

/** The distance over the globe, in kilometres (haversine). */
export function distance(from: Place, to: Place): number {
  const radians = (degrees: number) => (degrees * Math.PI) / 180;
  const north = radians(to.latitude - from.latitude);
  const east = radians(to.longitude - from.longitude);
  const half =
    Math.sin(north / 2) ** 2 +
    Math.cos(radians(from.latitude)) * Math.cos(radians(to.latitude)) * Math.sin(east / 2) ** 2;
  return 2 * EARTH * Math.asin(Math.min(1, Math.sqrt(half)));
}

/** A round trip between two data centres, in milliseconds: a model, not a measurement. */
export function roundTrip(from: Place, to: Place): number {
  return LEAST + (2 * distance(from, to) * DETOUR) / FIBRE;
}

/** The nearest of some places. @throws RangeError without any */
export function nearest(to: Place, places: readonly Place[]): Place {
  const [first, ...others] = places;
  if (first === undefined) throw new RangeError("no places");
  return others.reduce((best, one) => (distance(one, to) < distance(best, to) ? one : best), first);
}

/** A round trip that somebody published, in milliseconds. */
export interface PublishedRoundTrip {
  readonly from: Place;
  readonly to: Place;
  readonly milliseconds: number;
  readonly source: "IBM Cloud" | "cloudping.co";
}

/**
 * What the model is checked against: IBM Cloud's inter-region averages of 8 November to 7 December 2025
 * (ibm-cloud-docs, vpc/network-latency) and cloudping.co's matrix of AWS regions (read in November 2026).
 */
export const PUBLISHED: readonly PublishedRoundTrip[] = [
  { from: FRANKFURT, to: LONDON, milliseconds: 13, source: "IBM Cloud" },
  { from: FRANKFURT, to: MADRID, milliseconds: 29, source: "IBM Cloud" },
  { from: LONDON, to: MADRID, milliseconds: 27, source: "IBM Cloud" },
  { from: LONDON, to: WASHINGTON, milliseconds: 76, source: "IBM Cloud" },
  { from: FRANKFURT, to: WASHINGTON, milliseconds: 88, source: "IBM Cloud" },
  { from: FRANKFURT, to: SAO_PAULO, milliseconds: 194, source: "IBM Cloud" },
  { from: FRANKFURT, to: TOKYO, milliseconds: 225, source: "IBM Cloud" },
  { from: FRANKFURT, to: SYDNEY, milliseconds: 249, source: "IBM Cloud" },
  { from: CAPE_TOWN, to: STOCKHOLM, milliseconds: 175.37, source: "cloudping.co" },
  { from: CAPE_TOWN, to: FRANKFURT, milliseconds: 155.41, source: "cloudping.co" },
  { from: HONG_KONG, to: SINGAPORE, milliseconds: 34.01, source: "cloudping.co" },
  { from: HONG_KONG, to: STOCKHOLM, milliseconds: 212.87, source: "cloudping.co" },
];

/**
 * Where Vipps answers. An assumption: the addresses of its own outgoing requests, which its developer pages print
 * ("Servers"), lie in Azure's West Europe, which is near Amsterdam, and for disaster recovery in North Europe.
 */
export const PROVIDER = AMSTERDAM;
