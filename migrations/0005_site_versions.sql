-- The least version of each further site's document that is believed, so that an old document put back into KV by
-- somebody who can write there opens nowhere. Written by `npm run site` alone; a row outlives its site, so that a
-- removed site cannot be put back either. Holds nothing about anybody.
CREATE TABLE site_versions (
  host TEXT PRIMARY KEY,
  -- Milliseconds since the epoch: when the document was written, or the site removed.
  version INTEGER NOT NULL,
  -- When this row said so, in seconds since the epoch: until KV has the new document everywhere, an older one counts.
  raised_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
