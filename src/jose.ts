// What of `jose` signs, verifies and reads tokens. Import it where it is used, by `await import()`: its tables of all
// algorithms are then made when an isolate first has a token in hand, and not for every one that starts. What starts a
// login needs none of it.

export {
  compactVerify,
  decodeJwt,
  decodeProtectedHeader,
  type JWTPayload,
  jwtVerify,
  SignJWT,
} from "jose";
export { JOSEError, JWKSNoMatchingKey } from "jose/errors";
