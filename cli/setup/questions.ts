import type { SettingName } from "../../src/settings/table.ts";

/** How the set-up asks for a setting. */
export interface Question {
  /** The option of the command line, without its dashes. */
  readonly flag: string;
  /** What the option takes, for the help. */
  readonly about: string;
  /** What a person is asked; absent where only the option is. */
  readonly ask?: string;
  readonly example?: string;
}

/** The settings that the set-up asks for; the others are set by hand. */
export const QUESTIONS: Readonly<Partial<Record<SettingName, Question>>> = {
  SITE_URL: {
    flag: "site-url",
    about: "the site's address, such as https://www.example.com",
    ask: "Where is the site?",
    example: "https://www.example.com",
  },
  SITE_NAME: { flag: "site-name", about: "what the site calls itself", ask: "What is the site called?" },
  PROTECTED_PATHS: {
    flag: "protected-paths",
    about: 'what needs a login, such as "/members/*"',
    ask: "Which paths need a login? (empty for none)",
    example: "/members/*",
  },
  VIPPS_CLIENT_ID: {
    flag: "client-id",
    about: "client id of the sales unit",
    ask: "Client id of the sales unit (portal.vippsmobilepay.com)",
  },
  VIPPS_MSN: {
    flag: "msn",
    about: "Merchant Serial Number of the sales unit",
    ask: "Merchant Serial Number of the sales unit",
    example: "123456",
  },
  VIPPS_ENVIRONMENT: { flag: "vipps-environment", about: "test or production" },
  VIPPS_TOKEN_AUTH: {
    flag: "token-auth",
    about: "client_secret_basic or client_secret_post, as the portal says",
  },
  VIPPS_SCOPE: {
    flag: "scope",
    about: 'what to ask Vipps for, such as "openid name phoneNumber email"',
    ask: "What do you need to know of a customer? (space selects; ask only for what you need)",
  },
  VIPPS_MARKET: { flag: "market", about: "NO, DK, FI or SE", ask: "In which market?" },
  DATA_JURISDICTION: { flag: "jurisdiction", about: "eu keeps the Durable Objects in the EU" },
  REGISTRATION: { flag: "registration", about: "open, or closed: only people already in the registry" },
  TERMS_URL: {
    flag: "terms-url",
    about: "terms that customers must accept",
    ask: "Terms that customers must accept (empty for none)",
    example: "/terms",
  },
  TERMS_VERSION: {
    flag: "terms-version",
    about: "their version, such as 2026-11",
    ask: "Which version are they?",
    example: "2026-11",
  },
  PRIVACY_URL: {
    flag: "privacy-url",
    about: "the privacy statement",
    ask: "The privacy statement (empty for none)",
    example: "/privacy",
  },
  EVENTS_URL: { flag: "events-url", about: "where the site's other systems are told what happens" },
};
