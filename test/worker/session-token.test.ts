import { env } from "cloudflare:workers";
import { decodeJwt } from "jose";
import { expect, it } from "vitest";
import { newSessionId, signSessionToken } from "../../src/session/session.ts";
import { readSettings } from "../../src/settings.ts";

it("a session token never takes a registered claim from the profile", async () => {
  const read = readSettings(env, "https://site.example/");
  if ("faults" in read) throw new Error(read.faults.join("; "));
  const sid = newSessionId();
  const { token } = await signSessionToken(read.settings.session, {
    sub: "me",
    sid,
    authTime: 1_700_000_000,
    profile: {
      name: "Me",
      sub: "somebody else",
      sid: "other",
      iss: "https://evil.example",
      exp: 9_999_999_999,
    },
  });
  const claims = decodeJwt(token);
  expect(claims).toMatchObject({ name: "Me", sub: "me", sid, iss: "https://site.example/auth" });
  expect(claims.exp).toBeLessThan(Date.now() / 1000 + 301);
});
