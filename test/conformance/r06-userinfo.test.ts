import { base64url, SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import { inFakeTime, stopTime } from "./fake-time.ts";
import { ISSUER, SUB, signed } from "./hostile-provider.ts";
import { type HostileSite, openHostileSite, signer } from "./hostile-site.ts";
import { expectRefusal } from "./refusal.ts";

const NOT_IN_ID_TOKEN = { name: undefined, phone_number: undefined, phone_number_verified: undefined };

/** A site that needs userinfo: the ID token brings the email address alone, as before September 2025. */
function openSiteThatAsks(): HostileSite {
  const hostile = openHostileSite({ vars: { SESSION_CLAIMS: "name email email_verified phone_number" } });
  hostile.provider.claims = NOT_IN_ID_TOKEN;
  return hostile;
}

describe("R6 userinfo", () => {
  it("is asked with the access token as Bearer in the header, and with nothing in the address or a body", async () => {
    const { provider, site, logIn } = openSiteThatAsks();
    expect((await logIn()).status).toBe(303);
    const [request] = provider.requests.filter(({ endpoint }) => endpoint === "userinfo");
    expect(request?.headers.get("authorization")).toMatch(/^Bearer [\w-]{43}$/);
    expect(request?.headers.get("ocp-apim-subscription-key")).toBeNull();
    expect(request?.headers.get("content-type")).toBeNull();
    expect([...(request?.form ?? [])]).toEqual([]);
    expect(site.counts.fetches).toContain("/vipps-userinfo-api/userinfo");
  });

  it("about somebody else is refused", async () => {
    for (const sub of [
      "00000000-0000-4000-8000-000000000000",
      SUB.toUpperCase(),
      `${SUB} `,
      "",
      undefined,
      null,
      7,
      [SUB],
    ]) {
      const { provider, expectRefused } = openSiteThatAsks();
      provider.userinfo = { sub };
      await expectRefused("userinfo_invalid");
    }
  });

  it.each<[string, () => Response | Promise<Response>, "userinfo_invalid" | "userinfo_unavailable"]>([
    ["401", () => new Response(null, { status: 401 }), "userinfo_invalid"],
    [
      "401 with a challenge",
      () =>
        new Response(null, { status: 401, headers: { "www-authenticate": 'Bearer error="invalid_token"' } }),
      "userinfo_invalid",
    ],
    [
      "200 with a challenge that cannot be parsed",
      () => new Response("x", { headers: { "www-authenticate": '"""=,,Bearer' } }),
      "userinfo_invalid",
    ],
    ["403", () => Response.json({}, { status: 403 }), "userinfo_invalid"],
    ["500", () => Response.json({}, { status: 500 }), "userinfo_unavailable"],
    ["503 and HTML", () => new Response("<h1>down</h1>", { status: 503 }), "userinfo_unavailable"],
    ["a redirect", () => Response.redirect("https://attacker.example/", 307), "userinfo_unavailable"],
    [
      "HTML",
      () => new Response("<h1>hello</h1>", { headers: { "content-type": "text/html" } }),
      "userinfo_invalid",
    ],
    ["nothing", () => new Response(null, { status: 200 }), "userinfo_invalid"],
    ["null", () => Response.json(null), "userinfo_invalid"],
    ["a list", () => Response.json([{ sub: SUB }]), "userinfo_invalid"],
    ["a huge body", () => Response.json({ sub: SUB, x: "x".repeat(300 * 1024) }), "userinfo_unavailable"],
  ])("that answers %s is an error page", async (_what, answer, code) => {
    const { provider, site, expectRefused } = openSiteThatAsks();
    provider.answers.userinfo = answer;
    await expectRefused(code);
    expect(site.counts.fetches.filter((path) => path === "/")).toEqual([]);
  });

  it.each(["application/jwt", "Application/JWT; charset=utf-8", "application/json", "text/plain"])(
    "signed with nothing, or with a key of nobody, as %s is an error page",
    async (type) => {
      const claims = {
        sub: SUB,
        name: "Mallory",
        phone_number: "4799999901",
        iss: ISSUER,
        aud: "test-client-id",
      };
      const forged = [
        await new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(new Uint8Array(32)),
        `${base64url.encode('{"alg":"none"}')}.${base64url.encode(JSON.stringify(claims))}.`,
        await signed(signer, { alg: "RS256" }, claims),
      ];
      for (const body of forged) {
        const { provider, expectRefused } = openSiteThatAsks();
        // By this the library takes such an answer, and looks at no signature.
        provider.document.userinfo_signing_alg_values_supported = ["RS256", "HS256", "none"];
        provider.answers.userinfo = () => new Response(body, { headers: { "content-type": type } });
        await expectRefused("userinfo_invalid");
      }
    },
  );

  it("that is JSON but calls itself a JWT is an error page", async () => {
    const { provider, expectRefused } = openSiteThatAsks();
    provider.answers.userinfo = () =>
      new Response(JSON.stringify({ sub: SUB }), { headers: { "content-type": "application/jwt" } });
    await expectRefused("userinfo_invalid");
  });

  it.each<[string, () => Response | Promise<Response>]>([
    ["never answers", () => new Promise<Response>(() => undefined)],
    ["stops after the headers", () => new Response(new ReadableStream({}))],
  ])("that %s is an error page within four seconds", async (_how, answer) => {
    const { provider, site, browser } = openSiteThatAsks();
    const callback = provider.authorize(await browser.startLogin());
    provider.answers.userinfo = answer;
    stopTime();
    const { value: response, elapsed } = await inFakeTime(browser.get(callback.href));
    expect(elapsed).toBeLessThanOrEqual(4_000);
    await expectRefusal(response, { site, browser, code: "userinfo_unavailable", secrets: provider.secrets });
  });

  it("is not missed when everything came with the ID token, however broken it is", async () => {
    const { provider, logIn } = openHostileSite();
    provider.answers.userinfo = () => new Response("broken", { status: 500 });
    expect((await logIn()).status).toBe(303);
    expect(provider.count("userinfo")).toBe(0);
  });

  it("is not missed where the provider has none", async () => {
    const { provider, browser, logIn } = openSiteThatAsks();
    delete provider.document.userinfo_endpoint;
    expect((await logIn()).status).toBe(303);
    expect((await browser.session()).user).toMatchObject({ email: "kari.nordmann@example.com" });
  });

  it("adds what the ID token left out, and changes nothing of what it said", async () => {
    const { provider, browser, logIn } = openSiteThatAsks();
    provider.claims = { ...NOT_IN_ID_TOKEN, email: "mine@example.com", email_verified: false };
    provider.userinfo = { email: "other@example.com", email_verified: true };
    expect((await logIn()).status).toBe(303);
    expect((await browser.session()).user).toMatchObject({
      name: "Kari Nordmann",
      phone_number: "4799999901",
      email: "mine@example.com",
      email_verified: false,
    });
  });

  it("does not verify an address that it does not name", async () => {
    const { provider, browser, logIn } = openSiteThatAsks();
    provider.claims = { ...NOT_IN_ID_TOKEN, email: "mine@example.com", email_verified: undefined };
    provider.userinfo = { email: "other@example.com", email_verified: true };
    expect((await logIn()).status).toBe(303);
    const { user } = await browser.session();
    expect(user?.email).toBe("mine@example.com");
    expect(user).not.toHaveProperty("email_verified");
  });

  it("brings nothing of the wrong type or of an absurd size into the session", async () => {
    const { provider, browser, logIn } = openSiteThatAsks();
    provider.userinfo = { name: { toString: "x" }, phone_number: "4".repeat(501), email_verified: "yes" };
    expect((await logIn()).status).toBe(303);
    const { user } = await browser.session();
    expect(Object.keys(user ?? {}).sort()).toEqual(["email", "email_verified", "sub"]);
  });
});
