import { UnsecuredJWT } from "jose";

/** Seconds the unsigned JWT says it is valid. */
const LIFETIME = 5 * 60;

/**
 * The body of the consent-revoked webhook: a JWT with `alg: none`, which proves nothing about its sender.
 * @param now milliseconds since the epoch
 */
export function consentRevokedBody(sub: string, now: number): string {
  const iat = Math.floor(now / 1000);
  return new UnsecuredJWT({ event: "CONSENT_REVOKED", sub, iat, nbf: iat, exp: iat + LIFETIME }).encode();
}
