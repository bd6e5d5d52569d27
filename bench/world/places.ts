/** A place on the globe, in degrees. */
export interface Place {
  readonly name: string;
  readonly latitude: number;
  readonly longitude: number;
}

const place = (name: string, latitude: number, longitude: number): Place => ({ name, latitude, longitude });

export const OSLO = place("Oslo", 59.91, 10.75);
export const COPENHAGEN = place("Copenhagen", 55.68, 12.57);
export const STOCKHOLM = place("Stockholm", 59.33, 18.07);
export const GOTHENBURG = place("Gothenburg", 57.71, 11.97);
export const HELSINKI = place("Helsinki", 60.17, 24.94);
export const REYKJAVIK = place("Reykjavík", 64.15, -21.94);
export const LONDON = place("London", 51.51, -0.13);
export const DUBLIN = place("Dublin", 53.35, -6.26);
export const AMSTERDAM = place("Amsterdam", 52.37, 4.9);
export const FRANKFURT = place("Frankfurt", 50.11, 8.68);
export const PARIS = place("Paris", 48.86, 2.35);
export const MADRID = place("Madrid", 40.42, -3.7);
export const WARSAW = place("Warsaw", 52.23, 21.01);
export const ATHENS = place("Athens", 37.98, 23.73);
export const NEW_YORK = place("New York", 40.71, -74.01);
export const WASHINGTON = place("Washington", 39.04, -77.49);
export const LOS_ANGELES = place("Los Angeles", 34.05, -118.24);
export const SAO_PAULO = place("São Paulo", -23.55, -46.63);
export const CAPE_TOWN = place("Cape Town", -33.92, 18.42);
export const JOHANNESBURG = place("Johannesburg", -26.2, 28.05);
export const DUBAI = place("Dubai", 25.2, 55.27);
export const HONG_KONG = place("Hong Kong", 22.32, 114.17);
export const SINGAPORE = place("Singapore", 1.35, 103.82);
export const TOKYO = place("Tokyo", 35.68, 139.69);
export const SYDNEY = place("Sydney", -33.87, 151.21);

/** Where somebody logs in, and the Cloudflare data centre that answers there. */
export interface City {
  readonly place: Place;
  readonly edge: Place;
}

const at = (city: Place): City => ({ place: city, edge: city });

/**
 * Nordic cities first, then Europe, then the world. The edge is in the city itself where cloudflare.com/network
 * lists it, else in the nearest listed one.
 */
export const CITIES: readonly City[] = [
  at(OSLO),
  { place: place("Bergen", 60.39, 5.32), edge: OSLO },
  { place: place("Tromsø", 69.65, 18.96), edge: OSLO },
  at(COPENHAGEN),
  { place: place("Aarhus", 56.16, 10.2), edge: COPENHAGEN },
  at(STOCKHOLM),
  at(GOTHENBURG),
  at(HELSINKI),
  { place: place("Oulu", 65.01, 25.47), edge: HELSINKI },
  at(REYKJAVIK),
  at(LONDON),
  at(AMSTERDAM),
  at(FRANKFURT),
  at(PARIS),
  at(MADRID),
  at(WARSAW),
  at(ATHENS),
  at(NEW_YORK),
  at(LOS_ANGELES),
  at(SAO_PAULO),
  at(JOHANNESBURG),
  at(DUBAI),
  at(SINGAPORE),
  at(TOKYO),
  at(SYDNEY),
];

/**
 * Where a new Durable Object may be born: the nearest of these. Cloudflare says that it is close to the first
 * request but not in every data centre, and lists no cities; these few, none of them Nordic, are on the careful side.
 */
export const OBJECT_PLACES: readonly Place[] = [
  LONDON,
  AMSTERDAM,
  FRANKFURT,
  PARIS,
  WARSAW,
  NEW_YORK,
  LOS_ANGELES,
  SINGAPORE,
  TOKYO,
  SYDNEY,
];
