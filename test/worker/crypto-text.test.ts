import * as base64url from "jose/base64url";
import { describe, expect, it } from "vitest";
import { passingBytes, randomBytes, randomText, sha256 } from "../../src/crypto-text.ts";

describe("random bytes", () => {
  it("are as many as asked for, and given to nobody else", () => {
    const given = Array.from({ length: 1_000 }, (_, at) => randomBytes(8 + (at % 25)));
    expect(given.map((bytes) => bytes.byteLength)).toEqual(given.map((_, at) => 8 + (at % 25)));
    const beginnings = given.map((bytes) => bytes.slice(0, 8).toHex());
    expect(new Set(beginnings).size).toBe(given.length);
    // No place of memory is given twice: what one has written over is nobody else's.
    for (const [at, bytes] of given.entries()) bytes.fill(at % 251);
    for (const [at, bytes] of given.entries()) expect(new Set(bytes)).toEqual(new Set([at % 251]));
  });

  it("make texts of six bits a character", () => {
    expect(randomText(32)).toMatch(/^[\w-]{43}$/);
    expect(randomText(1024)).toMatch(/^[\w-]{1366}$/);
  });
});

describe("bytes of a text that are copied at once", () => {
  it("are its UTF-8, however long it is", () => {
    for (const text of ["", "a", "blåbær 🫐", "x".repeat(341), "€".repeat(342), "x".repeat(5_000)])
      expect([...passingBytes(text)]).toEqual([...new TextEncoder().encode(text)]);
  });

  it("are the digest's own before the next text takes their place", async () => {
    const texts = Array.from({ length: 50 }, (_, at) => "€".repeat(at * 20));
    const digests = await Promise.all(texts.map(sha256));
    for (const [at, text] of texts.entries()) {
      const plain = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
      expect(digests[at]).toBe(base64url.encode(new Uint8Array(plain)));
    }
  });
});
