import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { exportJWK, generateKeyPair } from "jose";
import { toolsNode, WRANGLER_OFFLINE, wranglerProgram } from "../../cli/wrangler.mjs";
import { logInAsPerson } from "../../simulator/person.ts";
import { createVisitor, redirectOf } from "../node/visitor.ts";
import { type Attack, outcomeOf } from "./attack.ts";

/** One run of wrangler on the local namespace; what it printed. */
function kv(state: string, command: readonly string[]): string {
  const root = process.cwd();
  const where = ["--binding", "VIPPS_METADATA", "--local", "--persist-to", state];
  const { status, stdout, stderr } = spawnSync(
    toolsNode(root),
    [wranglerProgram(root), "kv", ...command, ...where],
    {
      cwd: root,
      encoding: "utf8",
      env: { ...process.env, ...WRANGLER_OFFLINE, WRANGLER_LOG: "log", NO_COLOR: "1" },
    },
  );
  if (status !== 0) throw new Error(`wrangler kv ${command[0]} ended with ${status}: ${stderr.slice(-300)}`);
  return stdout;
}

/** A server of the attacker's that counts who comes. */
async function attackersServer() {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(
      `${request.method} ${request.url}${request.headers.authorization ? " with credentials" : ""}`,
    );
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the attacker has no port");
  return { origin: `http://127.0.0.1:${address.port}`, requests, close: () => server.close() };
}

/** An honest person's login: where they were sent, and the answer to the callback. */
async function logIn(site: URL, authPath: string) {
  const visitor = createVisitor(site.origin);
  const authorize = redirectOf(await visitor.request(`${authPath}/login`));
  const callback = await logInAsPerson((request) => fetch(request), authorize);
  return { authorize, answer: await visitor.request(callback.href) };
}

const attack: Attack = {
  does: "writes into KV another token endpoint and another key for the right issuer, and waits for a cold isolate",
  run: async ({ site, simulator, authPath, restart, events = [] }) => {
    if (restart === undefined || simulator === undefined) throw new Error("needs the worker's storage");
    const attacker = await attackersServer();
    try {
      // A whole login, so that the copy, which is written behind an answer, is there.
      const { authorize: first } = await logIn(site, authPath);
      const issuer = new URL("/access-management-1.0/access/", first).href;
      const { publicKey } = await generateKeyPair("RS256", { extractable: true });
      const now = Date.now();
      const forged = {
        discovery: {
          issuer,
          authorization_endpoint: first.href.split("?")[0],
          token_endpoint: `${attacker.origin}/token`,
          userinfo_endpoint: `${attacker.origin}/userinfo`,
          jwks_uri: `${attacker.origin}/keys`,
        },
        keys: [{ ...(await exportJWK(publicKey)), kid: "theirs" }],
        fetchedAt: now,
        keysFetchedAt: now,
      };
      let written = 0;
      const before = events.length;
      await restart(async (state) => {
        const listed = kv(state, ["key", "list"]);
        const names: string[] = JSON.parse(
          listed.slice(listed.indexOf("["), listed.lastIndexOf("]") + 1),
        ).map(({ name }: { name: string }) => name);
        if (names.length === 0) throw new Error("the worker wrote no copy to forge");
        const values = names.map((key) => ({
          key,
          // With the MAC of the honest copy, which is all that an attacker can have.
          value: JSON.stringify({
            ...JSON.parse(kv(state, ["key", "get", key, "--text"])),
            data: JSON.stringify(forged),
          }),
        }));
        values.push({ key: `http ${issuer}`, value: JSON.stringify(forged) });
        const file = join(state, "forged.json");
        writeFileSync(file, JSON.stringify(values));
        kv(state, ["bulk", "put", file]);
        written = values.length;
      });
      const { authorize, answer } = await logIn(site, authPath);
      const told = events.slice(before).filter((line) => line.includes("metadata_copy_refused")).length;
      return outcomeOf([
        [
          attacker.requests.length === 0,
          `${written} values written to KV, ${attacker.requests.length} requests to the attacker`,
        ],
        [authorize.origin === simulator.origin, `the cold isolate sends people to ${authorize.origin}`],
        [answer.status === 303, `an honest person's login ends with ${answer.status}`],
        [told === 1, `told in the log by ${told} line`],
      ]);
    } finally {
      attacker.close();
    }
  },
};

export default attack;
