/** A postal address as Vipps MobilePay returns it; a person without one gets empty strings. */
export interface Address {
  readonly address_type: string;
  readonly street_address: string;
  readonly postal_code: string;
  readonly region: string;
  readonly country: string;
  readonly formatted: string;
}

export type Market = "NO" | "DK" | "FI" | "SE";

/** A fictitious person who can log in at the simulator. */
export interface TestUser {
  /** Short name used in tests and on the control page. */
  readonly id: string;
  /** What makes this person a useful case, shown beside the name. */
  readonly about: string;
  readonly market: Market;
  readonly givenName: string;
  readonly familyName: string;
  /** MSISDN without the plus sign, for example `4799999901`. */
  readonly phoneNumber: string;
  /** The number this person had before; a site's registry may still hold it. */
  readonly formerPhoneNumber?: string;
  /** Absent for a person who never gave one. */
  readonly email?: string;
  readonly emailVerified: boolean;
  readonly address: Address;
  readonly otherAddresses: readonly Address[];
  /** ISO 8601 calendar date. */
  readonly birthdate: string;
}

/** The address object of a person who has none: every member present and empty. */
export const EMPTY_ADDRESS: Address = {
  address_type: "",
  street_address: "",
  postal_code: "",
  region: "",
  country: "",
  formatted: "",
};

function address(type: string, street: string, postalCode: string, region: string, country: Market): Address {
  return {
    address_type: type,
    street_address: street,
    postal_code: postalCode,
    region,
    country,
    formatted: [street, postalCode, region, country].join("\n"),
  };
}

const HAUGEN_HOME = address("home", "Fjordgata 12", "7010", "TRONDHEIM", "NO");

/** Everyone the simulator knows. Names, numbers and addresses are invented. */
export const TEST_USERS: readonly TestUser[] = [
  {
    id: "kari",
    about: "Everything in place: verified email, a home and a work address.",
    market: "NO",
    givenName: "Kari",
    familyName: "Nordmann",
    phoneNumber: "4799999901",
    email: "kari.nordmann@example.com",
    emailVerified: true,
    address: address("home", "Solveien 1", "0150", "OSLO", "NO"),
    otherAddresses: [address("work", "Havnegata 5", "0160", "OSLO", "NO")],
    birthdate: "1984-03-21",
  },
  {
    id: "mette",
    about: "Danish, a hyphenated name with Ø and ø.",
    market: "DK",
    givenName: "Mette-Marie",
    familyName: "Østergaard-Sørensen",
    phoneNumber: "4599999902",
    email: "mette@example.org",
    emailVerified: true,
    address: address("home", "Møllevej 8\n2. tv.", "8000", "AARHUS C", "DK"),
    otherAddresses: [],
    birthdate: "1991-11-02",
  },
  {
    id: "aino",
    about: "Finnish, ä in the name, three addresses.",
    market: "FI",
    givenName: "Aino",
    familyName: "Mäkelä",
    phoneNumber: "358509999903",
    email: "aino.makela@example.net",
    emailVerified: true,
    address: address("home", "Koivukuja 4 A 7", "00100", "HELSINKI", "FI"),
    otherAddresses: [
      address("work", "Satamakatu 2", "33100", "TAMPERE", "FI"),
      address("other", "Järvitie 30", "57130", "SAVONLINNA", "FI"),
    ],
    birthdate: "1978-06-24",
  },
  {
    id: "asa",
    about: "Swedish, Å as the first letter, an address with a floor.",
    market: "SE",
    givenName: "Åsa",
    familyName: "Lindström",
    phoneNumber: "46701740605",
    email: "asa.lindstrom@example.com",
    emailVerified: true,
    address: address("home", "Björkgatan 9\nvåning 3", "411 01", "GÖTEBORG", "SE"),
    otherAddresses: [],
    birthdate: "1969-12-30",
  },
  {
    id: "jonas",
    about: "Email address not verified: no account may be linked by it.",
    market: "NO",
    givenName: "Jonas",
    familyName: "Berg",
    phoneNumber: "4799999905",
    email: "jonas.berg@example.com",
    emailVerified: false,
    address: address("home", "Bekkestien 3", "5003", "BERGEN", "NO"),
    otherAddresses: [],
    birthdate: "1996-08-14",
  },
  {
    id: "sofie",
    about: "No address: an object of empty strings.",
    market: "NO",
    givenName: "Sofie",
    familyName: "Dahl",
    phoneNumber: "4799999906",
    email: "sofie.dahl@example.com",
    emailVerified: true,
    address: EMPTY_ADDRESS,
    otherAddresses: [],
    birthdate: "2001-01-09",
  },
  {
    id: "tor",
    about: "No email address at all.",
    market: "NO",
    givenName: "Tor",
    familyName: "Bakken",
    phoneNumber: "4799999907",
    emailVerified: false,
    address: address("home", "Lia 22", "2609", "LILLEHAMMER", "NO"),
    otherAddresses: [],
    birthdate: "1952-05-17",
  },
  {
    id: "per",
    about: "Shares an email address and a home with Ingrid; neighbouring phone numbers.",
    market: "NO",
    givenName: "Per",
    familyName: "Haugen",
    phoneNumber: "4799999910",
    email: "familien.haugen@example.com",
    emailVerified: true,
    address: HAUGEN_HOME,
    otherAddresses: [],
    birthdate: "1970-02-11",
  },
  {
    id: "ingrid",
    about: "Shares an email address and a home with Per; neighbouring phone numbers.",
    market: "NO",
    givenName: "Ingrid",
    familyName: "Haugen",
    phoneNumber: "4799999911",
    email: "familien.haugen@example.com",
    emailVerified: true,
    address: HAUGEN_HOME,
    otherAddresses: [],
    birthdate: "1972-09-03",
  },
  {
    id: "henrik",
    about: "Has a new phone number; a registry may still hold the old one, which Espen has now.",
    market: "NO",
    givenName: "Henrik",
    familyName: "Lund",
    phoneNumber: "4799999920",
    formerPhoneNumber: "4799999921",
    email: "henrik.lund@example.com",
    emailVerified: true,
    address: address("home", "Torggata 40", "4006", "STAVANGER", "NO"),
    otherAddresses: [],
    birthdate: "1988-10-28",
  },
  {
    id: "espen",
    about: "Has the number that was Henrik's: only the name tells them apart.",
    market: "NO",
    givenName: "Espen",
    familyName: "Strand",
    phoneNumber: "4799999921",
    email: "espen.strand@example.com",
    emailVerified: true,
    address: address("home", "Sjøgata 7", "8006", "BODØ", "NO"),
    otherAddresses: [],
    birthdate: "1999-04-05",
  },
];

/** The person's full name as the `name` claim gives it. */
export function fullName(user: TestUser): string {
  return `${user.givenName} ${user.familyName}`;
}

const COUNTRY_CODES: Readonly<Record<Market, string>> = { NO: "47", DK: "45", FI: "358", SE: "46" };

/**
 * Finds a person by the phone number as people type it: spaces, a plus sign, `00`, or no country code.
 * @param typed what was typed into the field
 * @param market whose country code is assumed when none was typed
 * @returns nobody's number gives `undefined`
 */
export function findUserByPhone(
  users: readonly TestUser[],
  typed: string,
  market: Market,
): TestUser | undefined {
  const digits = typed.replace(/[\s()-]/g, "").replace(/^(\+|00)/, "");
  const local = COUNTRY_CODES[market] + digits.replace(/^0/, "");
  return users.find((user) => user.phoneNumber === digits || user.phoneNumber === local);
}
