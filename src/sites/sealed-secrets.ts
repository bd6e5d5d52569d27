import { base64url } from "jose";
import type { MasterKeys } from "./master-keys.ts";

/** Secrets encrypted with a master key: AES-256-GCM, all members but `kid` in base64url. */
export interface SealedSecrets {
  /** Which of the master keys sealed them. */
  readonly kid: string;
  /** 96 random bits, new each time (NIST SP 800-38D section 8.2.2). */
  readonly iv: string;
  readonly data: string;
}

/**
 * Encrypts the secrets of one site.
 * @param boundTo what the secrets belong to: they open with exactly this and nothing else.
 */
export async function sealSecrets(
  keys: MasterKeys,
  secrets: Readonly<Record<string, string>>,
  boundTo: string,
): Promise<SealedSecrets> {
  const { kid, bytes } = keys.sealing;
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const key = await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt"]);
  const data = await crypto.subtle.encrypt(parameters(iv, boundTo), key, encoded(JSON.stringify(secrets)));
  return { kid, iv: base64url.encode(iv), data: base64url.encode(new Uint8Array(data)) };
}

/**
 * Decrypts the secrets of one site.
 * @returns `undefined` when no master key has sealed them, or when they or what they are bound to was changed.
 */
export async function openSecrets(
  keys: MasterKeys,
  sealed: SealedSecrets,
  boundTo: string,
): Promise<Readonly<Record<string, string>> | undefined> {
  const master = keys.all.find(({ kid }) => kid === sealed.kid);
  if (master === undefined) return undefined;
  try {
    const key = await crypto.subtle.importKey("raw", master.bytes, "AES-GCM", false, ["decrypt"]);
    const iv = new Uint8Array(base64url.decode(sealed.iv));
    const data = new Uint8Array(base64url.decode(sealed.data));
    const text = await crypto.subtle.decrypt(parameters(iv, boundTo), key, data);
    return JSON.parse(new TextDecoder().decode(text));
  } catch {
    return undefined;
  }
}

function parameters(iv: Uint8Array<ArrayBuffer>, boundTo: string) {
  return { name: "AES-GCM", iv, additionalData: encoded(boundTo), tagLength: 128 };
}

const encoded = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(new TextEncoder().encode(text));
