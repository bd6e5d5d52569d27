// A relying party made of Auth.js with its own provider for Vipps; only issuer and keys are the test's.

import { Auth } from "@auth/core";
import Vipps from "@auth/core/providers/vipps";
import { origin, serve, settings } from "./relying-party.mjs";

const config = {
  basePath: "/auth",
  secret: "a secret of the test, of no use to anybody",
  trustHost: true,
  providers: [
    Vipps({
      clientId: settings.clientId,
      clientSecret: settings.clientSecret,
      issuer: settings.issuer,
      profile: ({ sub, name, email }) => ({ id: sub, name, email }),
    }),
  ],
  callbacks: {
    jwt: ({ token, profile }) => (profile ? { ...token, sub: profile.sub } : token),
    session: ({ session, token }) => ({ ...session, sub: token.sub }),
  },
};

serve(async (incoming, response, url) => {
  const chunks = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const request = new Request(new URL(url.pathname + url.search, origin), {
    method: incoming.method,
    headers: Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]),
    ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
  });
  const answer = await Auth(request, config);
  for (const [name, value] of answer.headers) if (name !== "set-cookie") response.setHeader(name, value);
  response.setHeader("set-cookie", answer.headers.getSetCookie());
  response.writeHead(answer.status).end(await answer.text());
});
