-- Costs that do not grow with the registry. Code of version 0.1.0 runs on this schema too: nothing it reads or
-- writes is gone. What each table holds, why and for how long is in docs/storage.md.

-- A foreign key makes SQLite look for identities of a deleted account by a plan of its own, which walks through
-- all identities of the site. Statements make and delete both together instead.
CREATE TABLE identities_without_key (
  site TEXT NOT NULL,
  msn TEXT NOT NULL,
  sub TEXT NOT NULL,
  account_id TEXT NOT NULL,
  linked_at INTEGER NOT NULL,
  linked_by TEXT NOT NULL CHECK (linked_by IN ('created', 'matched', 'proven', 'staff')),
  -- What Vipps said last, as JSON: only what has changed since is taken over into the account.
  told TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(told)),
  -- Until version 0.1.0 of every login, later of those before LOGIN_EVENTS_DAYS: the others are in `logins`.
  last_login_at INTEGER,
  consent_revoked_at INTEGER,
  PRIMARY KEY (site, msn, sub)
) STRICT, WITHOUT ROWID;
INSERT INTO identities_without_key
  SELECT site, msn, sub, account_id, linked_at, linked_by, told, last_login_at, consent_revoked_at FROM identities;
DROP TABLE identities;
ALTER TABLE identities_without_key RENAME TO identities;
CREATE INDEX identities_by_account ON identities (site, account_id);

-- How each login ended, for customer service. One row and one entry in an index for a login that succeeds: rows
-- written are what D1 charges most for. Takes the place of `login_events`, which is read until its rows are gone.
CREATE TABLE logins (
  site TEXT NOT NULL,
  -- Seconds since the epoch times 2^20, and a number that tells the logins of one second apart.
  id INTEGER NOT NULL,
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
  browser TEXT,
  PRIMARY KEY (site, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX logins_by_account ON logins (account_id, site, id) WHERE account_id IS NOT NULL;
CREATE INDEX logins_by_sub ON logins (sub, site, id) WHERE account_id IS NULL AND sub IS NOT NULL;
CREATE INDEX logins_by_browser ON logins (browser, site, id)
  WHERE account_id IS NULL AND sub IS NULL AND browser IS NOT NULL;
CREATE INDEX logins_by_reference ON logins (reference, site) WHERE reference IS NOT NULL;

-- Letters that were not folded in version 0.1.0.
UPDATE accounts SET search_name =
  replace(replace(replace(replace(search_name, 'ŧ', 't'), 'ǥ', 'g'), 'ʒ', 'z'), 'ʹ', '')
WHERE search_name GLOB '*[ŧǥʒʹ]*';

-- Where the console finds people by the beginning of any part of their name. Kept by triggers, whoever writes to
-- `accounts`.
CREATE TABLE account_names (
  site TEXT NOT NULL,
  -- `search_name` from one of its words on, with the words before it behind.
  name TEXT NOT NULL,
  account_id TEXT NOT NULL,
  PRIMARY KEY (site, name, account_id)
) STRICT, WITHOUT ROWID;
-- What stands there for each account: a row for each of the first eight words.
CREATE VIEW account_names_wanted AS
  SELECT DISTINCT accounts.site AS site, accounts.id AS account_id,
    substr(
      search_name || ' ' || search_name,
      1 + coalesce((
        SELECT sum(length(earlier.value) + 1) FROM json_each('["' || replace(search_name, ' ', '","') || '"]') earlier
        WHERE earlier.key < word.key
      ), 0),
      length(search_name)
    ) AS name
  FROM accounts, json_each('["' || replace(search_name, ' ', '","') || '"]') word
  WHERE search_name <> '' AND word.key < 8;
-- In eight steps, so that none of them takes long where there are a million accounts.
INSERT INTO account_names SELECT site, name, account_id FROM account_names_wanted
  WHERE account_id < 'acc_7';
INSERT INTO account_names SELECT site, name, account_id FROM account_names_wanted
  WHERE account_id >= 'acc_7' AND account_id < 'acc_F';
INSERT INTO account_names SELECT site, name, account_id FROM account_names_wanted
  WHERE account_id >= 'acc_F' AND account_id < 'acc_N';
INSERT INTO account_names SELECT site, name, account_id FROM account_names_wanted
  WHERE account_id >= 'acc_N' AND account_id < 'acc_V';
INSERT INTO account_names SELECT site, name, account_id FROM account_names_wanted
  WHERE account_id >= 'acc_V' AND account_id < 'acc_c';
INSERT INTO account_names SELECT site, name, account_id FROM account_names_wanted
  WHERE account_id >= 'acc_c' AND account_id < 'acc_k';
INSERT INTO account_names SELECT site, name, account_id FROM account_names_wanted
  WHERE account_id >= 'acc_k' AND account_id < 'acc_s';
INSERT INTO account_names SELECT site, name, account_id FROM account_names_wanted
  WHERE account_id >= 'acc_s';
CREATE TRIGGER account_made AFTER INSERT ON accounts WHEN new.search_name <> '' BEGIN
  INSERT INTO account_names (site, name, account_id)
    SELECT site, name, account_id FROM account_names_wanted WHERE site = new.site AND account_id = new.id;
END;
CREATE TRIGGER account_to_be_renamed BEFORE UPDATE OF search_name ON accounts
WHEN new.search_name IS NOT old.search_name BEGIN
  DELETE FROM account_names WHERE site = old.site AND account_id = old.id AND name IN
    (SELECT name FROM account_names_wanted WHERE site = old.site AND account_id = old.id);
END;
CREATE TRIGGER account_renamed AFTER UPDATE OF search_name ON accounts
WHEN new.search_name IS NOT old.search_name BEGIN
  INSERT INTO account_names (site, name, account_id)
    SELECT site, name, account_id FROM account_names_wanted WHERE site = new.site AND account_id = new.id;
END;
CREATE TRIGGER account_to_be_deleted BEFORE DELETE ON accounts BEGIN
  DELETE FROM account_names WHERE site = old.site AND account_id = old.id AND name IN
    (SELECT name FROM account_names_wanted WHERE site = old.site AND account_id = old.id);
END;

-- For which accounts somebody waits, so that they are found from the account. Kept by triggers.
CREATE TABLE link_candidates (
  site TEXT NOT NULL,
  account_id TEXT NOT NULL,
  msn TEXT NOT NULL,
  sub TEXT NOT NULL,
  PRIMARY KEY (site, account_id, msn, sub)
) STRICT, WITHOUT ROWID;
INSERT INTO link_candidates (site, account_id, msn, sub)
  SELECT DISTINCT site, value, msn, sub FROM link_requests, json_each(candidates);
CREATE TRIGGER link_requested AFTER INSERT ON link_requests BEGIN
  INSERT INTO link_candidates (site, account_id, msn, sub)
    SELECT DISTINCT new.site, value, new.msn, new.sub FROM json_each(new.candidates);
END;
CREATE TRIGGER link_requested_again AFTER UPDATE OF candidates ON link_requests BEGIN
  DELETE FROM link_candidates WHERE site = old.site AND msn = old.msn AND sub = old.sub
    AND account_id IN (SELECT value FROM json_each(old.candidates));
  INSERT INTO link_candidates (site, account_id, msn, sub)
    SELECT DISTINCT new.site, value, new.msn, new.sub FROM json_each(new.candidates);
END;
CREATE TRIGGER link_request_closed AFTER DELETE ON link_requests BEGIN
  DELETE FROM link_candidates WHERE site = old.site AND msn = old.msn AND sub = old.sub
    AND account_id IN (SELECT value FROM json_each(old.candidates));
END;

-- Facts given to prove an old account, counted before they are looked at. Nothing but time clears a row.
CREATE TABLE proof_guesses (
  site TEXT NOT NULL,
  -- `person:` and a digest of the guesser's msn and sub, or `account:` and one of the account guessed at.
  subject TEXT NOT NULL,
  count INTEGER NOT NULL,
  -- When they no longer count.
  until INTEGER NOT NULL,
  PRIMARY KEY (site, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX proof_guesses_by_time ON proof_guesses (until);

-- Who was erased lately, so that a login that was under way at that time makes nothing anew.
CREATE TABLE erasures (
  site TEXT NOT NULL,
  -- `person:` and a digest of msn and sub.
  subject TEXT NOT NULL,
  -- Milliseconds since the epoch.
  erased_at INTEGER NOT NULL,
  PRIMARY KEY (site, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX erasures_by_time ON erasures (erased_at);
