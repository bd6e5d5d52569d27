/** The issuers of Vipps, by the setting VIPPS_ENVIRONMENT. */
export const VIPPS_ISSUERS = {
  test: "https://apitest.vipps.no/access-management-1.0/access/",
  production: "https://api.vipps.no/access-management-1.0/access/",
} as const;

/** Where Vipps describes the checklist. */
export const CHECKLIST_PAGE = "https://developer.vippsmobilepay.com/docs/APIs/login-api/login-api-checklist/";

/** Where partners send it. */
export const SENT_TO = "developer@vippsmobilepay.com";
