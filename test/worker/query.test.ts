import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { queryOf, queryText } from "../../src/http/request.ts";

describe("the query of an address", () => {
  const piece = fc.constantFrom(
    ...["a", "b", "return_to", "/", "=", "&", "+", "%", "%2", "%20", "%2B", "%26", "%3d", "%25", "%00"],
    ...["%C3%A6", "%c3", "%EF%BB%BF", "%ED%A0%80", "%F0%9F%92%A9", "?", "~", ";", "ø", "%zz"],
  );
  const query = fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join(""));

  it("is read as the platform's own parser reads it, whatever it holds", () => {
    fc.assert(
      fc.property(query, (text) => {
        const { href, searchParams: platforms } = new URL(`https://site.example/auth/login?${text}#top?x=1`);
        const ours = queryOf(href);
        const pairs = [...platforms];
        expect(ours.names).toEqual(pairs.map(([name]) => name));
        for (const wanted of [...ours.names, "return_to", "absent"]) {
          const values = pairs.filter(([name]) => name === wanted).map(([, value]) => value);
          expect(ours.getAll(wanted)).toEqual(values);
          expect(ours.get(wanted)).toBe(values[0]);
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it("ends where a fragment begins, and is none where it would begin there", () => {
    for (const [url, text] of [
      ["https://site.example/", undefined],
      ["https://site.example/?", ""],
      ["https://site.example/?a=1&b=2", "a=1&b=2"],
      ["https://site.example/?a=?#b", "a=?"],
      ["https://site.example/#a?b=1", undefined],
    ] as const) {
      expect(queryText({ url })).toBe(text);
      expect(queryOf(url).names.length).toBe(text?.split("&").filter((pair) => pair !== "").length ?? 0);
    }
  });

  it("of a whole address of nothing but separators takes no time to speak of", () => {
    const url = `https://site.example/auth/login?${"&=".repeat(100_000)}`;
    const startedAt = performance.now();
    expect(queryOf(url).get("absent")).toBeUndefined();
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  it("of a whole address of nothing but what is no encoding is tried once: every error takes its time", () => {
    for (const piece of ["%&", "%FF&", "a=%C3&"]) {
      const decode = vi.spyOn(globalThis, "decodeURIComponent");
      try {
        const query = queryOf(`https://site.example/auth/login?${piece.repeat(10_000)}return_to=%2Fa+b`);
        expect(query.get("return_to")).toBe("/a b");
        expect(query.names).toHaveLength(10_001);
        expect(decode).toHaveBeenCalledOnce();
      } finally {
        decode.mockRestore();
      }
    }
  });
});
