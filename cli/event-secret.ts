import { randomBytes } from "node:crypto";

/** A new EVENTS_SECRET: 32 random bytes in the form of the Standard Webhooks specification. */
export const newEventSecret = (): string => `whsec_${randomBytes(32).toString("base64")}`;
