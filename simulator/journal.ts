import { ENDPOINTS, type Endpoint } from "./behaviour.ts";

/** Where a request went: an endpoint, or the place a misbehaving endpoint redirects to. */
export type JournalEndpoint = Endpoint | "revocation" | "backchannel" | "redirectTarget";

/** One request to an endpoint. */
export interface JournalEntry {
  readonly endpoint: JournalEndpoint;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** Names in lower case; values as they were sent, secrets included. */
  readonly headers: Readonly<Record<string, string>>;
  /** Fields of a form body, secrets included. */
  readonly form: Readonly<Record<string, string>>;
  /** Status of the answer; 0 while there is none. */
  readonly status: number;
}

/** The requests the endpoints received, the newest last. */
export interface Journal {
  /** The last 1000 requests. */
  readonly entries: readonly JournalEntry[];
  /** How many requests went to the endpoint, or to all of them, since the start or the last `clear`. */
  count(endpoint?: JournalEndpoint): number;
  /** Counts per endpoint, zeros included. */
  counts(): Readonly<Record<JournalEndpoint, number>>;
  clear(): void;
  /** Notes a request; the returned function notes the status of its answer. */
  note(entry: Omit<JournalEntry, "status">): (status: number) => void;
}

const KEPT_ENTRIES = 1000;

const JOURNAL_ENDPOINTS: readonly JournalEndpoint[] = [
  ...ENDPOINTS,
  "revocation",
  "backchannel",
  "redirectTarget",
];

export function createJournal(): Journal {
  let entries: JournalEntry[] = [];
  let counts = new Map<JournalEndpoint, number>();
  const count = (endpoint: JournalEndpoint) => counts.get(endpoint) ?? 0;
  return {
    get entries() {
      return entries;
    },
    count: (endpoint) =>
      endpoint === undefined
        ? JOURNAL_ENDPOINTS.reduce((sum, each) => sum + count(each), 0)
        : count(endpoint),
    counts: () =>
      Object.fromEntries(JOURNAL_ENDPOINTS.map((each) => [each, count(each)])) as Record<
        JournalEndpoint,
        number
      >,
    clear() {
      entries = [];
      counts = new Map();
    },
    note(request) {
      let entry: JournalEntry = { ...request, status: 0 };
      counts.set(entry.endpoint, count(entry.endpoint) + 1);
      entries = [...entries, entry].slice(-KEPT_ENTRIES);
      return (status) => {
        const answered = { ...entry, status };
        entries = entries.map((each) => (each === entry ? answered : each));
        entry = answered;
      };
    },
  };
}

const SECRET_HEADERS = /^(authorization|cookie|client_secret|ocp-apim-subscription-key)$/;
const SECRET_FIELDS = /^(code|code_verifier|client_secret|token|state|nonce|login_hint|id_token_hint)$/;

/** The entry as it may be shown: secrets give way to their length. */
export function withoutSecrets(entry: JournalEntry): JournalEntry {
  return {
    ...entry,
    headers: blanked(entry.headers, SECRET_HEADERS),
    query: blanked(entry.query, SECRET_FIELDS),
    form: blanked(entry.form, SECRET_FIELDS),
  };
}

function blanked(values: Readonly<Record<string, string>>, secret: RegExp): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      secret.test(name) ? `(${value.length} characters)` : value,
    ]),
  );
}
