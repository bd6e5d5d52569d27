import * as jose from "jose/base64url";
import { describe, expect, it } from "vitest";
import { fromBase64url, toBase64url } from "../../src/crypto-text.ts";

/** Every byte there is, and every length that ends differently. */
const samples = [0, 1, 2, 3, 256].map((length) => Uint8Array.from({ length }, (_, at) => 255 - at));

describe("bytes as base64url", () => {
  it.each(samples)("are written as jose writes them, and read again (%#)", (bytes) => {
    const text = toBase64url(bytes);
    expect(text).toBe(jose.encode(bytes));
    expect(text).toMatch(/^[\w-]*$/);
    expect(fromBase64url(text)).toEqual(bytes);
  });

  it.each(["a+b_", "a/b-", "a", "äöü", "a.b"])("are refused where they are none: %s", (text) => {
    expect(() => jose.decode(text)).toThrow(TypeError);
    expect(() => fromBase64url(text)).toThrow(TypeError);
  });
});
