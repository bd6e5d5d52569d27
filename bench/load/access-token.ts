/** What a person shares, as the ID token and userinfo say it. ASCII alone. */
export interface Profile {
  readonly sub: string;
  readonly name: string;
  readonly given_name: string;
  readonly family_name: string;
  readonly email: string;
  readonly email_verified: boolean;
  readonly phone_number: string;
  readonly phone_number_verified: boolean;
}

/** The access token that goes with an ID token: it holds the profile, so that userinfo needs no memory. */
export function accessTokenOf(claims: Profile): string {
  const { sub, name, given_name, family_name, email, email_verified, phone_number, phone_number_verified } =
    claims;
  const profile: Profile = {
    sub,
    name,
    given_name,
    family_name,
    email,
    email_verified,
    phone_number,
    phone_number_verified,
  };
  return btoa(JSON.stringify(profile)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
