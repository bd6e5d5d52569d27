// What of `oauth4webapi` is used. Import it where it is used, by `await import()`, as src/jose.ts: what starts a login
// at a provider that is known already needs none of it.

import {
  allowInsecureRequests,
  authorizationCodeGrantRequest,
  ClientSecretPost,
  clockTolerance,
  customFetch,
  discoveryRequest,
  getValidatedIdTokenClaims,
  JSON_ATTRIBUTE_COMPARISON,
  OperationProcessingError,
  PARSE_ERROR,
  processAuthorizationCodeResponse,
  processUserInfoResponse,
  RESPONSE_IS_NOT_JSON,
  userInfoRequest,
  validateAuthResponse,
  WWWAuthenticateChallengeError,
} from "oauth4webapi";

export default {
  allowInsecureRequests,
  authorizationCodeGrantRequest,
  ClientSecretPost,
  clockTolerance,
  customFetch,
  discoveryRequest,
  getValidatedIdTokenClaims,
  JSON_ATTRIBUTE_COMPARISON,
  OperationProcessingError,
  PARSE_ERROR,
  processAuthorizationCodeResponse,
  processUserInfoResponse,
  RESPONSE_IS_NOT_JSON,
  userInfoRequest,
  validateAuthResponse,
  WWWAuthenticateChallengeError,
} as const;
