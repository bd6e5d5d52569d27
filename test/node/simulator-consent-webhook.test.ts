import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { UnsecuredJWT } from "jose";
import { describe, expect, it } from "vitest";
import { logInAsPerson } from "../../simulator/person.ts";
import type { Simulator } from "../../simulator/simulator.ts";
import { authorizeUrl, CLUB, logIn, ORIGIN, simulatorWith } from "./simulator-relying-party.ts";

const submit = (simulator: Simulator, form: Record<string, string>) =>
  simulator.fetch(
    new Request(`${ORIGIN}/simulator/control`, {
      method: "POST",
      headers: { Origin: ORIGIN },
      body: new URLSearchParams(form),
    }),
  );

describe("revoking the consent", () => {
  /** A webhook that keeps what it got. */
  async function openWebhook(status: number) {
    const received: { method?: string | undefined; type?: string | undefined; body: string }[] = [];
    const server = createServer(async (request, response) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      received.push({ method: request.method, type: request.headers["content-type"], body });
      response.writeHead(status).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
    return { url, received, close: () => new Promise((resolve) => server.close(resolve)) };
  }

  it("posts the unsigned JWT and asks for consent again", async () => {
    const webhook = await openWebhook(204);
    const simulator = simulatorWith({
      salesUnits: [
        { ...CLUB, redirectUris: [...CLUB.redirectUris, new URL("/auth/callback", webhook.url).href] },
      ],
    });
    const { claims } = await logIn(simulator);
    const form = { action: "revokeConsent", user: "kari", clientId: CLUB.clientId, webhook: webhook.url };
    const response = await submit(simulator, form);
    await webhook.close();
    expect(await response.text()).toContain("the webhook answered 204");
    expect(webhook.received).toEqual([{ method: "POST", type: "text/plain", body: expect.any(String) }]);
    const { payload, header } = UnsecuredJWT.decode(webhook.received[0]?.body ?? "");
    expect(header.alg).toBe("none");
    expect(payload).toEqual({
      event: "CONSENT_REVOKED",
      sub: claims.sub,
      iat: expect.any(Number),
      nbf: payload.iat,
      exp: (payload.iat ?? 0) + 300,
    });
    const back = await logInAsPerson(simulator.fetch, authorizeUrl(), { cancelAt: "consent" });
    expect(back.searchParams.get("error")).toBe("access_denied");
  });

  it("says when the webhook can't be reached, or its address or the person makes no sense", async () => {
    const webhook = await openWebhook(204);
    await webhook.close();
    const simulator = simulatorWith({
      salesUnits: [
        { ...CLUB, redirectUris: [...CLUB.redirectUris, new URL("/auth/callback", webhook.url).href] },
      ],
    });
    const revoke = async (changes: Record<string, string>) =>
      (await submit(simulator, { action: "revokeConsent", user: "kari", webhook: webhook.url, ...changes }))
        .status;
    expect(await revoke({})).toBe(422);
    expect(await revoke({ webhook: "file:///etc/passwd" })).toBe(422);
    expect(await revoke({ user: "nobody" })).toBe(422);
  });

  it("goes to the site of a redirect URI alone, whatever else listens on this machine", async () => {
    const webhook = await openWebhook(204);
    const form = { action: "revokeConsent", user: "kari", clientId: CLUB.clientId, webhook: webhook.url };
    const response = await submit(simulatorWith(), form);
    await webhook.close();
    expect(await response.text()).toContain("must be on the site of a redirect URI");
    expect(webhook.received).toEqual([]);
  });

  it("is built for code too, with nobody and no unit refused", async () => {
    const { control } = simulatorWith();
    const request = await control.revokeConsent({ user: "asa" }, "https://club.example/hook");
    expect([request.method, request.headers.get("Content-Type")]).toEqual(["POST", "text/plain"]);
    const { payload } = UnsecuredJWT.decode(await request.text());
    expect(payload.sub).toBe(await control.subject({ user: "asa" }));
    await expect(control.subject({ user: "nobody" })).rejects.toThrow("nobody");
    await expect(control.subject({ user: "asa", clientId: "x" })).rejects.toThrow("client_id x");
  });
});
