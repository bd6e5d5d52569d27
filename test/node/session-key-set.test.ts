import { calculateJwkThumbprint, importJWK, jwtVerify, SignJWT } from "jose";
import { describe, expect, test } from "vitest";
import { CommandError } from "../../cli/command-error.mjs";
import {
  newKeySet,
  parseKeySet,
  pruned,
  rotated,
  type SessionKey,
  type SessionKeySet,
  statusOf,
} from "../../cli/session-key-set.ts";

const WEEK = 7 * 86_400;
/** Seconds that a retired key verifies beyond the idle lifetime, while a new secret reaches every isolate. */
const ROLLOUT = 3600;
const at = 1_800_000_000;
const moment = (seconds: number) => ({ at: at + seconds, idle: WEEK });

const first = ({ keys }: SessionKeySet): SessionKey => {
  const [key] = keys;
  if (key === undefined) throw new Error("an empty set");
  return key;
};

describe("a new key", () => {
  test("signs with ES256, is named by its thumbprint and unlike any other", async () => {
    const key = first(newKeySet());
    expect(key.kid).toBe(await calculateJwkThumbprint(key, "sha256"));
    const { d: _private, ...publicKey } = key;
    const token = await new SignJWT({ sub: "ada" })
      .setProtectedHeader({ alg: "ES256" })
      .sign(await importJWK({ ...key }));
    await expect(jwtVerify(token, await importJWK({ ...publicKey }))).resolves.toMatchObject({
      payload: { sub: "ada" },
    });
    expect(first(newKeySet()).d).not.toBe(key.d);
  });
});

describe("a rotation", () => {
  test("puts a new key first and keeps the old one whole, with the time, for logins under way", () => {
    const before = newKeySet();
    const after = rotated(before, moment(0));
    expect(after.keys).toHaveLength(2);
    expect(first(after).d).toMatch(/^[\w-]{43}$/);
    expect(first(after).d).not.toBe(first(before).d);
    expect(first(after).retired_at).toBeUndefined();
    expect(after.keys[1]).toEqual({ ...first(before), retired_at: at });
  });

  test("takes the private half of a key that retired an hour ago, to the second", () => {
    const before = newKeySet();
    const { d: _private, ...publicHalf } = first(before);
    const after = rotated(before, moment(0));
    for (const change of [rotated, pruned]) {
      expect(change(after, moment(ROLLOUT - 1)).keys.at(-1)).toEqual({ ...first(before), retired_at: at });
      expect(change(after, moment(ROLLOUT)).keys.at(-1)).toEqual({ ...publicHalf, retired_at: at });
    }
    expect(first(pruned(after, moment(10 * WEEK))).d).toBe(first(after).d);
  });

  test("keeps each retired key's own time, and drops what nothing needs any more", () => {
    const made = newKeySet();
    const once = rotated(made, moment(0));
    const twice = rotated(once, moment(WEEK));
    expect(twice.keys.map(({ retired_at }) => retired_at)).toEqual([undefined, at + WEEK, at]);
    const thrice = rotated(twice, moment(WEEK + ROLLOUT));
    expect(thrice.keys.map(({ kid }) => kid).slice(1)).toEqual([first(twice).kid, first(once).kid]);
  });

  test("counts a key of an unknown time as retired now, so that it goes one day", () => {
    const [old, signing] = [first(newKeySet()), first(newKeySet())];
    const after = rotated({ keys: [signing, old] }, moment(0));
    expect(after.keys[2]).toMatchObject({ kid: old.kid, retired_at: at });
    expect(after.keys[2]).not.toHaveProperty("d");
  });

  test("stops before there are more keys than the worker takes", () => {
    let set = newKeySet();
    for (let count = 1; count < 10; count += 1) set = rotated(set, moment(count));
    expect(set.keys).toHaveLength(10);
    expect(() => rotated(set, moment(11))).toThrow(CommandError);
    expect(rotated(set, moment(WEEK + ROLLOUT + 20)).keys).toHaveLength(2);
  });
});

describe("pruning", () => {
  test("waits until the last token that a key signed is gone, to the second", () => {
    const set = rotated(newKeySet(), moment(0));
    const end = WEEK + ROLLOUT;
    expect(pruned(set, moment(end - 1)).keys.map(({ kid }) => kid)).toEqual(set.keys.map(({ kid }) => kid));
    expect(pruned(set, moment(end)).keys).toEqual([first(set)]);
    expect(statusOf(set, set.keys[1] as SessionKey, moment(end - 1))).toEqual({
      is: "verifying",
      until: at + end,
    });
    expect(statusOf(set, set.keys[1] as SessionKey, moment(end))).toEqual({ is: "gone", since: at + end });
  });

  test("never takes the key that signs, nor one of which nobody knows when it stopped", () => {
    const [signing, { d: _private, ...old }] = [first(newKeySet()), first(newKeySet())];
    const set = { keys: [signing, old] };
    expect(pruned(set, moment(10 * WEEK))).toEqual(set);
  });
});

describe("reading a set", () => {
  const key = first(newKeySet());

  test("gives back what is written", () => {
    const set = rotated(newKeySet(), moment(0));
    expect(parseKeySet(JSON.stringify(set), "it")).toEqual(set);
  });

  test.each([
    ["no JSON", "{"],
    ["no set", "{}"],
    ["an empty set", '{"keys":[]}'],
    ["another curve", JSON.stringify({ keys: [{ ...key, crv: "P-384" }] })],
    ["an RSA key", JSON.stringify({ keys: [{ kty: "RSA", n: "x", e: "AQAB", kid: "a" }] })],
    ["a cut-off coordinate", JSON.stringify({ keys: [{ ...key, x: key.x.slice(1) }] })],
    ["a cut-off private half", JSON.stringify({ keys: [{ ...key, d: "short" }] })],
    ["no kid", JSON.stringify({ keys: [{ ...key, kid: undefined }] })],
    ["two of one kid", JSON.stringify({ keys: [key, key] })],
    ["a time that is none", JSON.stringify({ keys: [key, { ...key, kid: "b", retired_at: "soon" }] })],
  ])("refuses %s and shows nothing of it", (_what, text) => {
    const read = () => parseKeySet(text, "That");
    expect(read).toThrow(CommandError);
    expect(read).toThrow(/^That (is no JSON Web Key Set|holds no key)[^{}]*$/);
  });
});
