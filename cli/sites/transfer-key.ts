// The key for which a deployment has sites sealed that are handed to it. It is made from its master key, so that
// there is no further secret to keep.

import { createPrivateKey, createPublicKey, hkdfSync } from "node:crypto";
import type { JWK } from "jose";
import type { MasterKeys } from "../../src/sites/master-keys.ts";
import { CommandError } from "../command-error.mjs";

/** What an X25519 private key begins with as PKCS #8 (RFC 8410 section 7); its 32 bytes follow. */
const PKCS8 = Buffer.from("302e020100300506032b656e04220420", "hex");
const PURPOSE = "vipps-login-worker site transfer 1";
/** What a public key begins with when it is written down. */
const PREFIX = "site-key-1.";

/** The private key of each master key, the one that seals now first. */
export function transferKeys({ all }: MasterKeys): readonly JWK[] {
  return all.map(({ bytes }) => {
    const secret = Buffer.from(hkdfSync("sha256", bytes, new Uint8Array(0), PURPOSE, 32));
    const key = createPrivateKey({ key: Buffer.concat([PKCS8, secret]), format: "der", type: "pkcs8" });
    return { ...createPublicKey(key).export({ format: "jwk" }), d: secret.toString("base64url") } as JWK;
  });
}

/** The public key as it is handed to whoever exports a site. */
export const writtenKey = ({ x = "" }: JWK): string => PREFIX + x;

/** @throws {CommandError} for what is no such key. */
export function readKey(text: string): JWK {
  const x = text.trim().startsWith(PREFIX) ? text.trim().slice(PREFIX.length) : "";
  if (!/^[\w-]{43}$/.test(x))
    throw new CommandError(
      '--for takes the key that "site receive" prints at the receiving deployment',
      "usage",
    );
  return { kty: "OKP", crv: "X25519", x };
}
