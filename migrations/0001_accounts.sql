-- Everything the worker keeps about people, in one D1 database. What each table holds, why and for how long is
-- in docs/storage.md.
--
-- `site` is part of every key, so that one database can serve several sites that never see each other.
-- Times are whole seconds since the epoch, UTC. Phone numbers are E.164 digits without the plus sign, email
-- addresses are lower case.

-- Who the site knows.
CREATE TABLE accounts (
  site TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT,
  given_name TEXT,
  family_name TEXT,
  -- The name without case, accents and punctuation: what the console searches.
  search_name TEXT NOT NULL DEFAULT '',
  phone TEXT,
  -- 1: vouched for by Vipps, by the member list or by staff. Nothing else may link a person.
  phone_verified INTEGER NOT NULL DEFAULT 0 CHECK (phone_verified IN (0, 1)),
  email TEXT,
  email_verified INTEGER NOT NULL DEFAULT 0 CHECK (email_verified IN (0, 1)),
  -- Further claims the site asked Vipps for (address, birthdate, …) as a JSON object.
  profile TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(profile)),
  member_number TEXT,
  -- Digest of a fact only the member knows, with which an old account is proven.
  proof_digest TEXT,
  -- Names the row of the member list this account came from; importing it again finds it by this.
  import_key TEXT,
  origin TEXT NOT NULL CHECK (origin IN ('vipps', 'import', 'staff')),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  last_login_at INTEGER,
  PRIMARY KEY (site, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX accounts_by_phone ON accounts (site, phone) WHERE phone IS NOT NULL;
CREATE INDEX accounts_by_email ON accounts (site, email) WHERE email IS NOT NULL;
CREATE UNIQUE INDEX accounts_by_member_number ON accounts (site, member_number) WHERE member_number IS NOT NULL;
CREATE UNIQUE INDEX accounts_by_import_key ON accounts (site, import_key) WHERE import_key IS NOT NULL;

-- Which Vipps users an account belongs to. `sub` is stable for one user at one sales unit (`msn`).
CREATE TABLE identities (
  site TEXT NOT NULL,
  msn TEXT NOT NULL,
  sub TEXT NOT NULL,
  account_id TEXT NOT NULL,
  linked_at INTEGER NOT NULL,
  linked_by TEXT NOT NULL CHECK (linked_by IN ('created', 'matched', 'proven', 'staff')),
  -- What Vipps said last, as JSON: only what has changed since is taken over into the account.
  told TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(told)),
  last_login_at INTEGER,
  consent_revoked_at INTEGER,
  PRIMARY KEY (site, msn, sub),
  FOREIGN KEY (site, account_id) REFERENCES accounts (site, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX identities_by_account ON identities (site, account_id);

-- Vipps users who could not be linked by themselves and wait for a proof or for customer service.
CREATE TABLE link_requests (
  site TEXT NOT NULL,
  msn TEXT NOT NULL,
  sub TEXT NOT NULL,
  -- The short reference the user was shown and may read to customer service.
  reference TEXT NOT NULL,
  reason TEXT NOT NULL CHECK (reason IN ('name', 'several', 'taken', 'not_member')),
  -- What Vipps said of the user, as JSON, so that staff can link without a new login.
  told TEXT NOT NULL CHECK (json_valid(told)),
  -- Ids of the accounts that may be the user's, as a JSON array.
  candidates TEXT NOT NULL CHECK (json_valid(candidates)),
  -- Wrong proofs since `window_at`.
  attempts INTEGER NOT NULL DEFAULT 0,
  window_at INTEGER NOT NULL,
  requested_at INTEGER NOT NULL,
  PRIMARY KEY (site, msn, sub)
) STRICT, WITHOUT ROWID;
CREATE INDEX link_requests_by_reference ON link_requests (site, reference);
CREATE INDEX link_requests_by_time ON link_requests (site, requested_at);

-- Who accepted which version of the terms, and when.
CREATE TABLE terms_acceptances (
  site TEXT NOT NULL,
  account_id TEXT NOT NULL,
  version TEXT NOT NULL,
  url TEXT NOT NULL,
  language TEXT NOT NULL,
  accepted_at INTEGER NOT NULL,
  PRIMARY KEY (site, account_id, version)
) STRICT, WITHOUT ROWID;

-- Every answer to a question of consent, never changed: the newest of an account and consent is what counts.
CREATE TABLE consents (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  site TEXT NOT NULL,
  account_id TEXT NOT NULL,
  consent TEXT NOT NULL,
  granted INTEGER NOT NULL CHECK (granted IN (0, 1)),
  -- Where the answer came from, and the words it answered.
  source TEXT NOT NULL CHECK (source IN ('login', 'my_page', 'vipps', 'webhook', 'staff')),
  wording TEXT,
  language TEXT,
  answered_at INTEGER NOT NULL
) STRICT;
CREATE INDEX consents_by_account ON consents (site, account_id, consent, id);

-- Vipps' delegatedConsents as they came: they come with the first login only.
CREATE TABLE delegated_consents (
  site TEXT NOT NULL,
  account_id TEXT NOT NULL,
  msn TEXT NOT NULL,
  sub TEXT NOT NULL,
  -- `timeOfConsent` as Vipps wrote it.
  time_of_consent TEXT NOT NULL,
  raw TEXT NOT NULL CHECK (json_valid(raw)),
  received_at INTEGER NOT NULL,
  PRIMARY KEY (site, account_id, msn, sub, time_of_consent)
) STRICT, WITHOUT ROWID;

-- How each login ended, for customer service. Deleted after LOGIN_EVENTS_DAYS.
CREATE TABLE login_events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  site TEXT NOT NULL,
  at INTEGER NOT NULL,
  -- `logged_in`, or the code of the failure.
  outcome TEXT NOT NULL,
  stage TEXT,
  reason TEXT,
  provider_error TEXT,
  -- The reference on the error page.
  reference TEXT,
  account_id TEXT,
  msn TEXT,
  sub TEXT,
  sid TEXT,
  -- Hash of the browser cookie: tells which failures happened in a browser the account also logged in with.
  browser TEXT
) STRICT;
CREATE INDEX login_events_by_time ON login_events (site, at);
CREATE INDEX login_events_by_account ON login_events (site, account_id, at) WHERE account_id IS NOT NULL;
CREATE INDEX login_events_by_sub ON login_events (site, sub, at) WHERE sub IS NOT NULL;
CREATE INDEX login_events_by_browser ON login_events (site, browser, at) WHERE browser IS NOT NULL;
CREATE INDEX login_events_by_reference ON login_events (site, reference) WHERE reference IS NOT NULL;

-- How many logins ended how, by the hour. Holds nothing about anybody and outlives the events.
CREATE TABLE login_figures (
  site TEXT NOT NULL,
  -- When the hour began.
  hour INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (site, hour, outcome)
) STRICT, WITHOUT ROWID;

-- What staff, and people themselves, did to an account.
CREATE TABLE audit_log (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  site TEXT NOT NULL,
  at INTEGER NOT NULL,
  -- Account id of who did it.
  actor TEXT NOT NULL,
  actor_role TEXT NOT NULL CHECK (actor_role IN ('staff', 'self', 'system')),
  action TEXT NOT NULL,
  account_id TEXT,
  details TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(details))
) STRICT;
CREATE INDEX audit_log_by_time ON audit_log (site, at);
CREATE INDEX audit_log_by_account ON audit_log (site, account_id, at) WHERE account_id IS NOT NULL;
