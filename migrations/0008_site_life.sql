-- What an agency's day does to sites: a renamed one keeps its rows, and a key that leaked signs nowhere again.

-- Under which `site` the rows of the host stand, where that is not the host itself: it was renamed or imported.
ALTER TABLE site_versions ADD COLUMN site TEXT;

-- Session keys that were dropped because somebody else may have them. Written by `npm run site` alone; a row
-- outlives its site. Holds nothing about anybody.
CREATE TABLE revoked_session_keys (
  -- RFC 7638, SHA-256: whatever name somebody gives the key.
  thumbprint TEXT PRIMARY KEY,
  -- At which site it signed, and when it was dropped, in seconds since the epoch.
  host TEXT NOT NULL,
  revoked_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
