import { describe, expect, it } from "vitest";
import { openBrowser } from "./browser.ts";
import { openSite } from "./site.ts";

describe("a failure", () => {
  const typeFor = async (accept: string) => {
    const response = await openBrowser(openSite()).get("/auth/callback", { accept });
    expect(response.status).toBe(400);
    return response.headers.get("content-type");
  };

  it("is a page for whoever takes one, also beside JSON", async () => {
    for (const accept of [
      "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
      "text/html, application/json",
      "application/json, text/html;q=0.5",
      "application/json, text/plain, */*",
      "*/*",
      "",
    ]) {
      expect(await typeFor(accept), accept).toMatch(/^text\/html/);
    }
  });

  it("is problem+json for whoever takes JSON and no page", async () => {
    for (const accept of [
      "application/json",
      "application/problem+json",
      "application/json, text/html;q=0",
    ]) {
      expect(await typeFor(accept), accept).toBe("application/problem+json");
    }
  });
});
