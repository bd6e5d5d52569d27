import type { VippsIdentity } from "../vipps/identity.ts";

/** The id under which the site knows a person: stable, and the `sub` of the session token. */
export type AccountId = string;

/** Who a Vipps user is to the site. */
export function accountOf(identity: VippsIdentity): AccountId {
  return identity.sub;
}
