import * as v from "valibot";

/** The endpoints whose answers can be spoiled, and whose requests are counted. */
export const ENDPOINTS = ["discovery", "jwks", "authorize", "token", "userinfo", "accesstoken"] as const;
export type Endpoint = (typeof ENDPOINTS)[number];

/**
 * What an endpoint answers instead of the proper thing: 503; nothing, ever; half a body and then nothing;
 * an HTML page; half a body; a body of 64 MiB; a redirect; an error of one's choice.
 */
export const FAILING_ANSWERS = [
  "down",
  "hang",
  "stall",
  "html",
  "truncated",
  "huge",
  "redirect",
  "error",
] as const;
export type FailingAnswer = (typeof FAILING_ANSWERS)[number];

export const ID_TOKEN_FAULTS = [
  "none",
  "wrongNonce",
  "noNonce",
  "wrongIss",
  "similarIss",
  "noIss",
  "wrongAud",
  "noAud",
  "emptyAud",
  "extraAud",
  "extraAudWrongAzp",
  "audString",
  "expired",
  "noExp",
  "futureIat",
  "noIat",
  "noSub",
  "emptySub",
  "numericSub",
  "algNone",
  "noAlg",
  "hs256ClientSecret",
  "hs256PublicKey",
  "es256",
  "badSignature",
  "alteredPayload",
  "wrongKey",
  "unknownKid",
  "noKid",
  "wrongAtHash",
  "wrongMsn",
  "otherAcr",
  "noAcr",
] as const;
export type IdTokenFault = (typeof ID_TOKEN_FAULTS)[number];

export const USER_FAULTS = ["unverifiedEmail", "noEmail", "emptyAddress", "changedPhoneNumber"] as const;
export type UserFault = (typeof USER_FAULTS)[number];

const EndpointBehaviour = v.strictObject({
  /** Milliseconds before anything is answered. */
  delay: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(600_000)),
  answer: v.picklist(["proper", ...FAILING_ANSWERS]),
  /** For how many more requests `answer` holds; `null` for all. */
  times: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0))),
  /** Share of the requests, 0 to 1, that fail at random with one of `failures`. */
  failureRate: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
  failures: v.pipe(v.array(v.picklist(FAILING_ANSWERS)), v.minLength(1)),
  /** What the answer `error` says. */
  errorCode: v.string(),
  errorDescription: v.string(),
  errorStatus: v.pipe(v.number(), v.integer(), v.minValue(400), v.maxValue(599)),
});

const Behaviour = v.strictObject({
  /** Start of the random draws of `failureRate`; the same seed gives the same failures. */
  seed: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 32 - 1)),
  endpoints: v.strictObject(v.entriesFromList(ENDPOINTS, EndpointBehaviour)),
  /** The `issuer` the discovery document states. */
  discoveryIssuer: v.picklist(["proper", "withoutSlash", "other", "missing"]),
  /** Whether discovery says `authorization_response_iss_parameter_supported` (RFC 9207). */
  advertiseIss: v.boolean(),
  /** Keys in the key set that no relying party can use. */
  junkKeys: v.boolean(),
  /** User data in the ID token: everything consented to, or the email address alone as before September 2025. */
  idTokenClaims: v.picklist(["full", "emailOnly"]),
  idTokenFault: v.picklist(ID_TOKEN_FAULTS),
  tokenResponse: v.picklist([
    "proper",
    "noIdToken",
    "noAccessToken",
    "noExpiresIn",
    "otherCase",
    "wrongType",
  ]),
  userinfo: v.picklist(["proper", "otherSub", "noSub", "signed"]),
  /** A scope outside the sales unit's plan: an error, or dropped in silence. */
  scopeOutsidePlan: v.picklist(["refuse", "drop"]),
  /** Seconds a token from `POST /accesstoken/get` is valid. */
  partnerTokenLifetime: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(86_400)),
  /** Sent back in place of a code; empty for none. */
  returnError: v.string(),
  returnErrorDescription: v.string(),
  /** What becomes of the state; `glued` is the documented form with `?state=` behind the description. */
  returnState: v.picklist(["proper", "lost", "altered", "duplicated", "glued"]),
  /** The `iss` parameter of the authorization response (RFC 9207). */
  returnIss: v.picklist(["none", "proper", "wrong", "empty"]),
  /** `other` shows the return link as text, to be opened elsewhere. */
  returnBrowser: v.picklist(["same", "other"]),
  /** Faults in people's data, by user id or for `everyone`. */
  userFaults: v.record(v.string(), v.array(v.picklist(USER_FAULTS))),
});

export type Behaviour = v.InferOutput<typeof Behaviour>;
export type EndpointBehaviour = v.InferOutput<typeof EndpointBehaviour>;

/** Any part of {@link Behaviour}; what is left out stays as it is. */
export type BehaviourUpdate = Partial<Omit<Behaviour, "endpoints">> & {
  endpoints?: Partial<Record<Endpoint, Partial<EndpointBehaviour>>>;
};

const PROPER_ENDPOINT: EndpointBehaviour = {
  delay: 0,
  answer: "proper",
  times: null,
  failureRate: 0,
  failures: ["down", "html", "truncated", "error"],
  errorCode: "server_error",
  errorDescription: "The simulator was told to answer with an error",
  errorStatus: 500,
};

/** The behaviour of the real service. */
export const PROPER_BEHAVIOUR: Behaviour = {
  seed: 1,
  endpoints: {
    discovery: PROPER_ENDPOINT,
    jwks: PROPER_ENDPOINT,
    authorize: PROPER_ENDPOINT,
    token: PROPER_ENDPOINT,
    userinfo: PROPER_ENDPOINT,
    accesstoken: PROPER_ENDPOINT,
  },
  discoveryIssuer: "proper",
  advertiseIss: false,
  junkKeys: false,
  idTokenClaims: "full",
  idTokenFault: "none",
  tokenResponse: "proper",
  userinfo: "proper",
  scopeOutsidePlan: "refuse",
  partnerTokenLifetime: 3600,
  returnError: "",
  returnErrorDescription: "",
  returnState: "proper",
  returnIss: "none",
  returnBrowser: "same",
  userFaults: {},
};

/** Why an update was refused; `problems` names each wrong member by its path. */
export class InvalidBehaviourError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`Invalid behaviour: ${problems.join("; ")}`);
    this.name = "InvalidBehaviourError";
    this.problems = problems;
  }
}

/** Holds the behaviour in force. */
export interface BehaviourStore {
  readonly current: Behaviour;
  /**
   * Changes the given members, all or none.
   * @throws InvalidBehaviourError
   */
  update(update: unknown): Behaviour;
  reset(): Behaviour;
  /** Counts down `times` of the endpoint and returns to proper answers when it is used up. */
  useUp(endpoint: Endpoint): void;
}

export function createBehaviourStore(): BehaviourStore {
  let current = PROPER_BEHAVIOUR;
  return {
    get current() {
      return current;
    },
    update(update) {
      current = merged(current, update);
      return current;
    },
    reset() {
      current = PROPER_BEHAVIOUR;
      return current;
    },
    useUp(endpoint) {
      const { times } = current.endpoints[endpoint];
      if (times === null) return;
      const left = times > 1 ? { times: times - 1 } : ({ times: null, answer: "proper" } as const);
      current = merged(current, { endpoints: { [endpoint]: left } });
    },
  };
}

function merged(current: Behaviour, update: unknown): Behaviour {
  if (!isRecord(update)) throw new InvalidBehaviourError(["the update must be an object"]);
  const { endpoints, ...rest } = update;
  const candidate: Record<string, unknown> = { ...current, ...rest };
  if (endpoints !== undefined) candidate.endpoints = mergedEndpoints(current.endpoints, endpoints);
  const result = v.safeParse(Behaviour, candidate);
  if (result.success) return result.output;
  throw new InvalidBehaviourError(
    result.issues.map((issue) => `${v.getDotPath(issue) ?? "update"}: ${issue.message}`),
  );
}

function mergedEndpoints(current: Behaviour["endpoints"], update: unknown): unknown {
  if (!isRecord(update)) return update;
  const changed = Object.entries(update).map(([name, value]) => {
    const before = Object.entries(current).find(([endpoint]) => endpoint === name)?.[1];
    return [name, isRecord(value) ? { ...before, ...value } : value];
  });
  return { ...current, ...Object.fromEntries(changed) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
