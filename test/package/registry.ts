import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A registry on this machine. */
export interface LocalRegistry {
  readonly url: string;
  /** Puts a version up, which is the latest from then on. */
  readonly publish: (manifestPath: string, packedPath: string) => void;
  readonly close: () => Promise<void>;
}

/**
 * Starts a registry that has one package; for every other it sends to the one there is
 * (https://docs.npmjs.com/cli/v11/using-npm/registry).
 * @param name of the package.
 * @param upstream the address of the other registry.
 */
export async function startRegistry(name: string, upstream: string): Promise<LocalRegistry> {
  const versions: Record<string, object> = {};
  const files = new Map<string, Buffer>();
  let latest = "";
  let url = "";
  const server = createServer(({ url: path = "/" }, answer) => {
    const file = files.get(path);
    if (file !== undefined) answer.end(file);
    else if (path === `/${name}`)
      answer
        .setHeader("content-type", "application/json")
        .end(JSON.stringify({ name, "dist-tags": { latest }, versions }));
    else answer.writeHead(302, { location: new URL(path.slice(1), upstream).href }).end();
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `${url}/`,
    publish(manifestPath, packedPath) {
      const manifest = JSON.parse(readFileSync(manifestPath, "utf8")) as { readonly version: string };
      const file = readFileSync(packedPath);
      latest = manifest.version;
      const path = `/${name}/-/${name}-${latest}.tgz`;
      files.set(path, file);
      const integrity = `sha512-${createHash("sha512").update(file).digest("base64")}`;
      versions[latest] = { ...manifest, dist: { tarball: `${url}${path}`, integrity } };
    },
    async close() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
