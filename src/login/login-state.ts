import { fromBase64url, passingBytes, randomBytes, toBase64url, utf8 } from "../crypto-text.ts";
import type { Query } from "../http/request.ts";
import { readPath } from "../http/request-path.ts";
import { asksForMore, requirementsOf } from "../rules/path-rules.ts";
import { distinct, lacking, type Requirement, readRequired } from "../rules/requirement.ts";
import { type AuthenticSession, importedKeys, now } from "../session/session.ts";
import type { SessionSettings, Settings } from "../settings.ts";
import type { LoginSecrets } from "../vipps/authorize-url.ts";
import { claimsOfScope, profileScopes, type VippsClaims, type VippsIdentity } from "../vipps/claims.ts";
import type { RelyingParty } from "../vipps/relying-party.ts";

/**
 * A login on its way through Vipps: its `state`, and what it asks of Vipps on top of what every login does.
 *
 * The state is everything that is known of a login while the person is at Vipps, sealed, so that nothing has to be
 * stored for a click that never comes back (RFC 6749 section 10.12 asks for a value that cannot be guessed; this one
 * can be neither guessed nor read nor altered).
 *
 * AES-256-GCM under a key derived from the session keys, the id of that key in front, the site and the flow as
 * associated data: a state of one site, or of an app, opens nowhere else.
 */

/** A login on its way through Vipps. */
export interface BegunLogin {
  /** 128 bits in hex, the first 48 of them the time at which the login began: ids sort by it. */
  readonly id: string;
  /** Which key sealed the state, and so made the login's secrets. */
  readonly keyId: string;
  /** The name of the object that finishes it. */
  readonly object: string;
  /** SHA-256 of the browser's cookie, or of the secret that only the app has. */
  readonly browser: string;
  /** Where the login leads: for an app its redirect URI. `undefined` where the object keeps it: it was too long. */
  readonly returnTo: string | undefined;
  /** What it asks of Vipps on top of what every login does. */
  readonly asks?: LoginAsks | undefined;
}

/** Which kind of client may finish a login: neither can finish the other's. */
export type LoginFlow = "browser" | "app";

/** What a seal is for; none opens for another. `arrival`: the login was finished in a browser that had no cookie. */
type SealPurpose = LoginFlow | "arrival";

/** How long a login may take from click to return, and an answer after that. In milliseconds. */
export const LOGIN_LIFETIME = 10 * 60_000;
/** How long a finished login is remembered, so that a reload or the back button finds home. In milliseconds. */
export const MEMORY_LIFETIME = 24 * 3600_000;
/** How far the clocks of two isolates may be apart, in milliseconds. */
const CLOCK_TOLERANCE = 60_000;

/** The first byte of what is sealed: another release reads or refuses it by this. */
const VERSION = 1;
const TIME_BYTES = 6;
const ID_BYTES = 16;
const BROWSER_BYTES = 32;
const IV_BYTES = 12;
/** Where the name of the object begins, after version, flags, id, browser and the name's length. */
const NAME_AT = 2 + ID_BYTES + BROWSER_BYTES + 1;
/** Bits of the second byte. An earlier release reads a state with others than the first as one without them. */
const KEPT_ELSEWHERE = 1;
const ASKS_FOR_APP = 2;
const ASKS_FOR_BIRTH_DATE = 4;
/**
 * The purpose stands behind the return URL and a `#`, of which the last counts. An earlier release takes the whole for
 * a return URL, which leads to the same page.
 */
const ASKS_FOR_PURPOSE = 8;

/**
 * A return URL that takes more bytes than this together with a purpose is kept by the object: the state stays below
 * about 500 characters.
 */
const RETURN_URL_BYTES = 260;

/** Longer texts are no state of ours. In characters. */
const STATE_LIMIT = 600;
const STATE_SHAPE = /^([\w-]{8})\.([\w-]+)$/;

interface StateKey {
  readonly id: string;
  readonly seal: CryptoKey;
  readonly derive: CryptoKey;
  /** The last moment at which it can have sealed anything, in milliseconds since the epoch. */
  readonly sealedUntil: number;
}

interface StateKeys {
  readonly sealing: StateKey;
  readonly byId: ReadonlyMap<string, StateKey>;
}

/** Derived once per settings object; settings themselves are parsed once per isolate. */
const derived = new WeakMap<SessionSettings, Promise<StateKeys>>();

/** Seconds that new session keys may need to reach every isolate: until then some still seal with the key before. */
const ROLLOUT = 3600;

function stateKeys(settings: SessionSettings): Promise<StateKeys> {
  const known = derived.get(settings);
  if (known !== undefined) return known;
  const keys = deriveKeys(settings);
  derived.set(settings, keys);
  return keys;
}

/** @throws {Failure} `settings_invalid` where no session could be signed in the end: nobody is sent to Vipps in vain. */
async function deriveKeys(settings: SessionSettings): Promise<StateKeys> {
  const { signing, previous } = settings.keys;
  await importedKeys(settings);
  const sealing = await deriveKey(signing.d, Number.POSITIVE_INFINITY);
  const before = await Promise.all(
    previous.flatMap(({ d, retiredAt = Number.POSITIVE_INFINITY }) =>
      d === undefined ? [] : [deriveKey(d, (retiredAt + ROLLOUT) * 1000)],
    ),
  );
  return { sealing, byId: new Map([sealing, ...before].map((key) => [key.id, key])) };
}

/** HKDF (RFC 5869) with a label for each purpose, so that no key serves two. */
async function deriveKey(secret: string, sealedUntil: number): Promise<StateKey> {
  const material = await crypto.subtle.importKey("raw", fromBase64url(secret), "HKDF", false, [
    "deriveKey",
    "deriveBits",
  ]);
  const hkdf = (purpose: string) => ({
    name: "HKDF",
    hash: "SHA-256",
    salt: new Uint8Array(),
    info: utf8(`vipps-login-worker login state ${purpose}`),
  });
  const [id, seal, derive] = await Promise.all([
    crypto.subtle.deriveBits(hkdf("key id"), material, 48),
    crypto.subtle.deriveKey(hkdf("seal"), material, { name: "AES-GCM", length: 256 }, false, [
      "encrypt",
      "decrypt",
    ]),
    crypto.subtle.deriveKey(
      hkdf("secrets"),
      material,
      { name: "HMAC", hash: "SHA-512", length: 512 },
      false,
      ["sign"],
    ),
  ]);
  return { id: toBase64url(new Uint8Array(id)), seal, derive, sealedUntil };
}

/** A new id, which says when the login began. */
export function newLoginId(): string {
  const random = randomBytes(ID_BYTES - TIME_BYTES);
  return (
    Date.now()
      .toString(16)
      .padStart(TIME_BYTES * 2, "0") + random.toHex()
  );
}

/** When a login began, in milliseconds since the epoch. */
export function beganAt(id: string): number {
  return Number.parseInt(id.slice(0, TIME_BYTES * 2), 16);
}

/** The smallest id of a login that began at this moment: what sorts before it is older. */
export function firstIdAt(milliseconds: number): string {
  return Math.max(0, milliseconds)
    .toString(16)
    .padStart(TIME_BYTES * 2, "0")
    .padEnd(ID_BYTES * 2, "0");
}

/** A character of UTF-16 takes as many bytes of UTF-8 at most. */
const BYTES_OF_CHARACTER = 3;

/** Whether a return URL is too long for a state. @param purpose what the login asks for more for, if anything */
export function isTooLongToSeal(returnTo: string, purpose?: string): boolean {
  const most = RETURN_URL_BYTES - (purpose === undefined ? 0 : purpose.length + 1);
  return (
    returnTo.length * BYTES_OF_CHARACTER > most &&
    (returnTo.length > most || utf8(returnTo).byteLength > most)
  );
}

/**
 * The `state` of a login that begins now, and its secrets.
 * @param login as begun, its key the one that seals at present.
 */
export async function beginState(
  settings: Settings,
  flow: LoginFlow,
  login: Omit<BegunLogin, "keyId">,
): Promise<{ readonly state: string; readonly secrets: LoginSecrets }> {
  const { sealing } = await stateKeys(settings.session);
  const state = await sealedWith(sealing, settings, flow, login);
  return { state, secrets: await secretsWith(sealing, login.id) };
}

/**
 * Seals what is known of a login.
 * @param login as begun, its key the one that seals at present.
 */
export async function sealState(
  settings: Settings,
  purpose: SealPurpose,
  login: Omit<BegunLogin, "keyId">,
): Promise<string> {
  return sealedWith((await stateKeys(settings.session)).sealing, settings, purpose, login);
}

async function sealedWith(
  key: StateKey,
  settings: Settings,
  purpose: SealPurpose,
  login: Omit<BegunLogin, "keyId">,
): Promise<string> {
  const iv = randomBytes(IV_BYTES);
  const sealed = await crypto.subtle.encrypt(parameters(settings, purpose, iv), key.seal, written(login));
  // Twelve bytes make sixteen characters: one text is the other's beginning, as if both had been encoded together.
  return `${key.id}.${toBase64url(iv)}${toBase64url(new Uint8Array(sealed))}`;
}

/** What a state is worth: `begun` may be finished, `late` only tells whose login it was. */
export type OpenedState =
  | { readonly standing: "begun" | "late"; readonly login: BegunLogin }
  | { readonly standing: "over" };

/**
 * Opens a state. Costs no call to anything.
 * @param at milliseconds since the epoch.
 * @returns `undefined` for what is no state of this site and purpose: invented, altered, another's, or sealed with a
 *   key that is gone.
 */
export async function openState(
  settings: Settings,
  purpose: SealPurpose,
  state: string,
  at: number,
): Promise<OpenedState | undefined> {
  const [, keyId = "", text = ""] = (state.length <= STATE_LIMIT && STATE_SHAPE.exec(state)) || [];
  const key = (await stateKeys(settings.session)).byId.get(keyId);
  const bytes = key && canonicalBytes(text);
  if (key === undefined || bytes === undefined) return undefined;
  const login = await unsealed(settings, purpose, key, bytes);
  if (login === undefined) return undefined;
  const began = beganAt(login.id);
  if (began > at + CLOCK_TOLERANCE || began > key.sealedUntil) return undefined;
  if (at - began <= LOGIN_LIFETIME) return { standing: "begun", login };
  return at - began <= LOGIN_LIFETIME + MEMORY_LIFETIME ? { standing: "late", login } : { standing: "over" };
}

async function unsealed(
  settings: Settings,
  purpose: SealPurpose,
  key: StateKey,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<BegunLogin | undefined> {
  try {
    const iv = bytes.subarray(0, IV_BYTES);
    const opened = await crypto.subtle.decrypt(
      parameters(settings, purpose, iv),
      key.seal,
      bytes.subarray(IV_BYTES),
    );
    return read(new Uint8Array(opened), key.id);
  } catch {
    return undefined;
  }
}

/**
 * The secrets of a login, 256 bits each, out of reach of anybody without the session keys. They are derived when they
 * are needed, always the same, and never stored, sealed or sent on.
 * @returns `undefined` where the key that sealed the login is gone.
 */
export async function loginSecrets(
  { session }: Settings,
  { id, keyId }: Pick<BegunLogin, "id" | "keyId">,
): Promise<LoginSecrets | undefined> {
  const key = (await stateKeys(session)).byId.get(keyId);
  return key && secretsWith(key, id);
}

async function secretsWith(key: StateKey, id: string): Promise<LoginSecrets> {
  const bits = new Uint8Array(await crypto.subtle.sign("HMAC", key.derive, passingBytes(id)));
  return {
    codeVerifier: toBase64url(bits.subarray(0, 32)),
    nonce: toBase64url(bits.subarray(32)),
  };
}

/** One spelling only: a decoder that forgives would let an altered state pass for the same one. */
function canonicalBytes(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    const bytes = fromBase64url(text);
    return toBase64url(bytes) === text ? bytes : undefined;
  } catch {
    return undefined;
  }
}

function parameters(settings: Settings, purpose: SealPurpose, iv: Uint8Array<ArrayBuffer>) {
  return { name: "AES-GCM", iv, additionalData: boundTo(settings, purpose), tagLength: 128 };
}

const bound = new WeakMap<Settings, Map<SealPurpose, Uint8Array>>();

/** What a seal is bound to without saying it: the site, and what it is for. */
function boundTo(settings: Settings, purpose: SealPurpose): Uint8Array {
  const ofSite = bound.get(settings) ?? new Map<SealPurpose, Uint8Array>();
  const known = ofSite.get(purpose);
  if (known !== undefined) return known;
  const { session, site } = settings;
  const data = utf8(JSON.stringify(["login", purpose, session.issuer, site.partition]));
  bound.set(settings, ofSite.set(purpose, data));
  return data;
}

function written({
  id,
  browser,
  object,
  returnTo,
  asks = NO_ASKS,
}: Omit<BegunLogin, "keyId">): Uint8Array<ArrayBuffer> {
  const { purpose } = asks;
  // The name of an object is ASCII: it has as many bytes as characters.
  const text = object + (returnTo ?? "") + (purpose === undefined ? "" : `#${purpose}`);
  const bytes = new Uint8Array(NAME_AT + text.length * BYTES_OF_CHARACTER);
  bytes[0] = VERSION;
  bytes[1] =
    (returnTo === undefined ? KEPT_ELSEWHERE : 0) +
    (asks.app ? ASKS_FOR_APP : 0) +
    (asks.birthDate ? ASKS_FOR_BIRTH_DATE : 0) +
    (purpose === undefined ? 0 : ASKS_FOR_PURPOSE);
  bytes.subarray(2).setFromHex(id);
  bytes.subarray(2 + ID_BYTES).setFromBase64(browser, { alphabet: "base64url" });
  bytes[NAME_AT - 1] = object.length;
  return bytes.subarray(0, NAME_AT + ENCODER.encodeInto(text, bytes.subarray(NAME_AT)).written);
}

function read(bytes: Uint8Array, keyId: string): BegunLogin | undefined {
  const [version, flags = 0] = bytes;
  if (version !== VERSION) return undefined;
  const restAt = NAME_AT + (bytes[NAME_AT - 1] ?? 0);
  const rest = decode(bytes.subarray(restAt));
  const purposeAt = flags & ASKS_FOR_PURPOSE ? rest.lastIndexOf("#") : -1;
  return {
    id: bytes.subarray(2, 2 + ID_BYTES).toHex(),
    keyId,
    object: decode(bytes.subarray(NAME_AT, restAt)),
    browser: toBase64url(bytes.subarray(2 + ID_BYTES, 2 + ID_BYTES + BROWSER_BYTES)),
    returnTo: flags & KEPT_ELSEWHERE ? undefined : purposeAt < 0 ? rest : rest.slice(0, purposeAt),
    asks: {
      app: (flags & ASKS_FOR_APP) > 0,
      birthDate: (flags & ASKS_FOR_BIRTH_DATE) > 0,
      ...(purposeAt >= 0 && { purpose: rest.slice(purposeAt + 1) }),
    },
  };
}

const ENCODER = new TextEncoder();
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** What a login asks of Vipps on top of what every login of the site does. */
export interface LoginAsks {
  /** Confirmation in the app. */
  readonly app: boolean;
  /** The birth date, by which an age is judged. */
  readonly birthDate: boolean;
  /** What the site needs more of the person for: a name of PURPOSES. */
  readonly purpose?: string | undefined;
}

/** Nothing more than every login. */
export const NO_ASKS: LoginAsks = { app: false, birthDate: false };

/**
 * What the place where a login leads to requires, and what a proxy or a route in front of it named as `require`.
 * @param returnTo a safe return URL.
 * @throws {Failure} `rule_unknown`.
 */
export function requiredOfLogin(settings: Settings, query: Query, returnTo: string): readonly Requirement[] {
  const named = readRequired(settings, query.getAll("require"));
  // In a safe return URL that is a path, nothing stands before the query and the fragment but the parsed path.
  const isPath = asksForMore(settings.site) && returnTo.startsWith("/");
  const path = isPath ? readPath(returnTo.replace(/[?#].*$/s, "")) : undefined;
  return distinct([...((path && requirementsOf(settings.site, path)) ?? []), ...named]);
}

/** Whether a new login could bring what a session lacks. */
export function loginCouldHelp(required: readonly Requirement[], session: AuthenticSession): boolean {
  const lacks = lacking(required, session, now());
  return lacks.length > 0 && lacks.every(({ remedy }) => remedy === "login");
}

/** What a login has to ask for so that what is required can be met. */
export function asksFor(required: readonly Requirement[]): LoginAsks {
  return {
    app: required.some(({ kind }) => kind === "acr"),
    birthDate: required.some(({ kind }) => kind === "age"),
  };
}

/** Whether a login asks for anything that another one would not. */
export const isForMore = (asks: LoginAsks | undefined): boolean =>
  asks !== undefined && (asks.app || asks.birthDate || asks.purpose !== undefined);

/** Scopes of one login alone. */
function furtherScope(settings: Settings, asks: LoginAsks): readonly string[] {
  const further = [...(asks.birthDate ? ["birthDate"] : []), ...bundleOf(settings, asks)];
  return [...new Set(further)].filter((word) => !settings.relyingParty.scope.includes(word));
}

/** The scopes of the purpose that a login is for. */
const bundleOf = ({ login }: Settings, { purpose }: LoginAsks): readonly string[] =>
  (purpose !== undefined && login.purposes.get(purpose)) || [];

/** The relying party as it is in one login. */
export function askingParty(settings: Settings, asks: LoginAsks | undefined): RelyingParty {
  const { relyingParty } = settings;
  if (asks === undefined || !isForMore(asks)) return relyingParty;
  const askedOnce = furtherScope(settings, asks);
  return {
    ...relyingParty,
    scope: [...relyingParty.scope, ...askedOnce],
    askedOnce,
    needed: [...new Set([...askedOnce, ...bundleOf(settings, asks)])],
    requireApp: relyingParty.requireApp || asks.app,
  };
}

/**
 * The identity with what only this login asked for set aside, so that it gets no further than the session: into no
 * registry, and no other token.
 */
export function setAside(
  settings: Settings,
  asks: LoginAsks | undefined,
  identity: VippsIdentity,
): VippsIdentity {
  if (asks === undefined || !isForMore(asks)) return identity;
  const { relyingParty, login } = settings;
  const { purpose } = asks;
  const bundle = purpose === undefined ? undefined : login.purposes.get(purpose);
  // Of a purpose that is gone from the settings since the login began, all goes that may have come for it.
  const isGone = purpose !== undefined && bundle === undefined;
  const further = isGone
    ? profileScopes().filter((word) => !relyingParty.scope.includes(word))
    : furtherScope(settings, asks);
  const names = new Set(further.flatMap(claimsOfScope));
  const usual = new Set(relyingParty.scope.flatMap(claimsOfScope));
  const isFurther = (name: string) => names.has(name) && !usual.has(name);
  const claims = picked(identity.claims, (name) => !isFurther(name));
  const broughtNames = new Set(bundle?.flatMap(claimsOfScope));
  return {
    ...identity,
    claims,
    ...(asks.birthDate && { aside: picked(identity.claims, (name) => name === "birthdate") }),
    ...(purpose !== undefined &&
      bundle !== undefined && {
        brought: { purpose, claims: picked(identity.claims, (name) => broughtNames.has(name)) },
      }),
  };
}

function picked(claims: VippsClaims, isWanted: (name: string) => boolean): VippsClaims {
  return Object.fromEntries(Object.entries(claims).filter(([name]) => isWanted(name)));
}
