-- Consents that Vipps collected for the site (`flowResult` or `delegatedConsents`), kept the moment they come:
-- Vipps asks for them once. A row without an account waits for its person to come back.
CREATE TABLE vipps_consents (
  site TEXT NOT NULL,
  msn TEXT NOT NULL,
  sub TEXT NOT NULL,
  form TEXT NOT NULL CHECK (form IN ('flowResult', 'delegatedConsents')),
  -- `timeOfConsent` as Vipps wrote it, or a digest of the claim where there is none: what has come once is known.
  time_of_consent TEXT NOT NULL,
  answered_at INTEGER NOT NULL,
  language TEXT,
  -- The answers that are shaped as documented: a JSON array of `{id, granted, required, wording}`.
  answers TEXT NOT NULL CHECK (json_valid(answers)),
  -- The claim as it came.
  raw TEXT NOT NULL CHECK (json_valid(raw)),
  received_at INTEGER NOT NULL,
  account_id TEXT,
  PRIMARY KEY (site, msn, sub, form, time_of_consent)
) STRICT, WITHOUT ROWID;
CREATE INDEX vipps_consents_by_account ON vipps_consents (site, account_id) WHERE account_id IS NOT NULL;
CREATE INDEX vipps_consents_waiting ON vipps_consents (site, sub, msn) WHERE account_id IS NULL;
CREATE INDEX vipps_consents_waiting_by_time ON vipps_consents (received_at) WHERE account_id IS NULL;

-- Whether the site, or Vipps for it, asked for the consent as a condition.
ALTER TABLE consents ADD COLUMN required INTEGER NOT NULL DEFAULT 0 CHECK (required IN (0, 1));
