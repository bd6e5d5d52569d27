// What of `jose` signs, verifies and reads tokens. Import it where it is used, by `await import()`: its tables of all
// algorithms are then made when an isolate first has a token in hand, and not for every one that starts. What starts a
// login needs none of it. One object, because a bundler makes an accessor for each name that could be asked for.

import { compactVerify, jwtVerify, SignJWT } from "jose";
import { JOSEError, JWKSNoMatchingKey } from "jose/errors";

export default {
  compactVerify,
  JOSEError,
  JWKSNoMatchingKey,
  jwtVerify,
  SignJWT,
} as const;
