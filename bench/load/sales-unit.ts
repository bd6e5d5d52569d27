/** Keys of the sales unit that every design logs in with. */
export const SALES_UNIT = {
  clientId: "bench-client-id",
  clientSecret: "bench-client-secret",
  msn: "123456",
} as const;
