import fc from "fast-check";
import type { Result, Router } from "hono/router";
import { RegExpRouter } from "hono/router/reg-exp-router";
import { describe, expect, it } from "vitest";
import { createExactRouter, routeTable } from "../../src/app.ts";

/** The routes as they are added, each with its own name for a handler. */
function withRoutes(router: Router<string>): Router<string> {
  for (const { path, methods } of routeTable())
    for (const method of Object.keys(methods)) router.add(method, `/auth${path}`, `${method} ${path}`);
  router.add("ALL", "/site/*", "the site");
  return router;
}

/** The handlers found, each with its parameters. */
function found([handlers, stash]: Result<string>) {
  return handlers.map(([handler, params]) => [
    handler,
    Object.fromEntries(
      Object.entries(params).map(([name, value]) => [
        name,
        typeof value === "number" ? stash?.[value] : value,
      ]),
    ),
  ]);
}

describe("the router", () => {
  it("finds for every path what Hono's own finds", () => {
    const [ours, honos] = [withRoutes(createExactRouter()), withRoutes(new RegExpRouter())];
    const words = [...new Set(routeTable().flatMap(({ path }) => path.split("/")))];
    const piece = fc.oneof(fc.constantFrom(...words), fc.constantFrom("x", "", "a.b", "%2f", "*", ":"));
    const path = fc
      .tuple(fc.constantFrom("/auth", "/site", "/other", ""), fc.array(piece, { maxLength: 5 }))
      .map(([first, pieces]) => [first, ...pieces].join("/"));
    let handled = 0;
    const compare = (method: string, asked: string) => {
      const expected = found(honos.match(method, asked));
      handled += expected.length;
      expect(found(ours.match(method, asked)), `${method} ${asked}`).toEqual(expected);
    };
    for (const { path: own } of routeTable())
      for (const method of ["GET", "POST", "DELETE", "OPTIONS"]) {
        compare(method, `/auth${own}`);
        compare(method, `/auth${own.replaceAll(/:\w+/g, "x y")}`);
        compare(method, `/auth${own}/`);
      }
    fc.assert(fc.property(fc.constantFrom("GET", "POST", "DELETE", "PUT"), path, compare), {
      numRuns: 5_000,
    });
    expect(handled).toBeGreaterThan(500);
  });
});
