import { describe, expect, it } from "vitest";
import { type FailureCode, failures } from "../../src/failure.ts";
import { textOf } from "../worker/page-form.ts";
import { CALLBACK } from "../worker/site.ts";
import { openHostileSite } from "./hostile-site.ts";
import { expectRefusal } from "./refusal.ts";

/** Every code of RFC 6749 section 4.1.2.1, OpenID Connect Core section 3.1.2.6 and the Vipps Login API. */
const KNOWN = [
  "access_denied",
  "server_error",
  "temporarily_unavailable",
  "invalid_request",
  "unauthorized_client",
  "unsupported_response_type",
  "invalid_scope",
  "interaction_required",
  "login_required",
  "account_selection_required",
  "consent_required",
  "invalid_app_callback_uri",
  "app_callback_uri_not_registered",
  "outdated_app_version",
  "wrong_challenge",
  "unknown_reject_reason",
] as const satisfies readonly FailureCode[];

async function openReturningSite() {
  const hostile = openHostileSite();
  const { provider, site, browser } = hostile;
  const callback = provider.authorize(await browser.startLogin("/members/"));
  const [state, code] = ["state", "code"].map((name) => callback.searchParams.get(name) ?? "");
  provider.requests.length = 0;
  site.log.length = 0;
  const bring = (query: string) => browser.get(`${CALLBACK}?${query}`);
  return { ...hostile, state: state ?? "", code: code ?? "", bring };
}

describe("R12 an error from Vipps", () => {
  for (const error of KNOWN) {
    it(`${error} has its page and status, with a state, without one and with the documented glued one`, async () => {
      const { provider, site, browser, state, bring } = await openReturningSite();
      const queries = [
        `error=${error}`,
        `error=${error}&error_description=user%20cancelled%20the%20login?state=${state}`,
        `error=${error}&error_description=user%20cancelled%20the%20login&state=${state}`,
      ];
      for (const [index, query] of queries.entries()) {
        const response = await bring(query);
        const page = response.clone();
        await expectRefusal(response, { site, browser, code: error, secrets: provider.secrets });
        // Where the state says which login it was, trying again leads back to where the person wanted to be.
        const retry = `/auth/login?return_to=${encodeURIComponent(index === 0 ? "/" : "/members/")}`;
        const canRetry = failures()[error].message !== "siteMisconfigured";
        expect((await page.text()).includes(`href="${retry}"`)).toBe(canRetry);
      }
      const lines = site.log.filter(({ reference }) => reference !== undefined);
      expect(lines).toHaveLength(3);
      for (const line of lines) {
        expect(line).toMatchObject({ stage: "callback", code: error, provider_error: error });
      }
      expect(provider.requests).toEqual([]);
    });
  }

  it.each([
    "something_new",
    "login_required_2",
    "ACCESS_DENIED",
    "toString",
    "__proto__",
    "internal_error",
    "state_used",
  ])("%s is unknown and has a page with a way to try again", async (error) => {
    const { provider, site, browser, state, bring } = await openReturningSite();
    const unasked = await bring(`error=${error}`);
    expect(await unasked.clone().text()).toContain("Try again");
    await expectRefusal(unasked, { site, browser, code: "provider_error_unasked" });
    const response = await bring(`error=${error}&state=${state}`);
    expect(await response.clone().text()).toContain("Try again");
    await expectRefusal(response, { site, browser, code: "provider_error_unknown" });
    expect(site.log.at(-1)?.provider_error).toBe(
      error.startsWith("_") ? "unrecognised" : error.toLowerCase(),
    );
    expect(provider.requests).toEqual([]);
  });

  it("that is a cancelled login is information in the log, not an error", async () => {
    const { site, state, bring } = await openReturningSite();
    await bring(`error=access_denied&error_description=user%20cancelled&state=${state}`);
    expect(site.log).toEqual([
      {
        level: "info",
        event: "login_cancelled",
        code: "access_denied",
        reference: expect.any(String),
        stage: "callback",
        site: "https://site.example",
        provider_error: "access_denied",
      },
    ]);
  });

  it.each([
    ["markup", "<script>alert(1)</script>"],
    ["an attribute", '"><img src=x onerror=alert(1)>'],
    ["a template", "{{constructor.constructor('alert(1)')()}}"],
    ["an address", "https://attacker.example/ call +47 99 99 99 99"],
    ["line breaks", 'x\r\nSet-Cookie: a=b\r\n\r\n{"level":"error"}'],
    ["a zero byte", "x\u0000y"],
    ["direction marks", "\u202e\u2066evil"],
    ["half a surrogate", "%ED%A0%80"],
    ["ten thousand characters", "x".repeat(10_000)],
  ])("may bring hostile text: %s is neither shown nor logged", async (_what, text) => {
    const { provider, site, browser, state, bring } = await openReturningSite();
    const hostile = encodeURIComponent(text);
    const queries: [string, FailureCode][] = [
      [`error=${hostile.slice(0, 4_000)}`, "provider_error_unasked"],
      [`error=access_denied&error_description=${hostile}&error_uri=${hostile}&x=${hostile}`, "access_denied"],
      [
        `error=${hostile.slice(0, 4_000)}&error_description=${hostile}&state=${state}`,
        "provider_error_unknown",
      ],
      [`error=server_error&error_description=${hostile}&state=${state}`, "server_error"],
    ];
    for (const [query, code] of queries) {
      const response = await bring(query);
      const page = await response.clone().text();
      expect(textOf(page)).not.toContain(text.slice(0, 200));
      expect(page).not.toContain("alert(1)");
      expect(page).not.toContain("attacker.example");
      expect(response.headers.getSetCookie()).toEqual([]);
      await expectRefusal(response, { site, browser, code });
    }
    const log = JSON.stringify(site.log);
    expect(log).not.toContain(JSON.stringify(text).slice(1, 20));
    expect(log).not.toContain("alert");
    expect(provider.requests).toEqual([]);
  });

  it("wins over a code that comes with it: no token request", async () => {
    const { provider, site, browser, state, code, bring } = await openReturningSite();
    const response = await bring(`code=${code}&error=access_denied&state=${state}`);
    await expectRefusal(response, { site, browser, code: "access_denied", secrets: provider.secrets });
    expect(provider.requests).toEqual([]);
  });

  it("with a state that is not ours is refused for the state", async () => {
    const { site, browser, bring } = await openReturningSite();
    const response = await bring(`error=access_denied&state=${"f".repeat(64)}`);
    await expectRefusal(response, { site, browser, code: "state_invalid" });
  });

  it("that is given twice, or is absurdly long, makes no sense", async () => {
    for (const query of ["error=access_denied&error=server_error", `error=${"x".repeat(5_000)}`]) {
      const { site, browser, bring } = await openReturningSite();
      await expectRefusal(await bring(query), { site, browser, code: "response_malformed" });
    }
  });

  it("for a script is problem+json with the same reference as in the log", async () => {
    const { site, browser, state } = await openReturningSite();
    const response = await browser.get(`${CALLBACK}?error=access_denied&state=${state}`, {
      accept: "application/json",
    });
    expect(response.status).toBe(403);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.json()).toEqual({
      type: "about:blank",
      title: "You cancelled the login",
      status: 403,
      detail: "Nothing has been shared, and you are not logged in.",
      code: "access_denied",
      reference: site.log.at(-1)?.reference,
    });
  });
});
