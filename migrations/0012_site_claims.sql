-- Which command is writing the document of a host, so that two at once do not both give it away. Written by
-- `npm run site` alone, and taken away when the command ends. Holds nothing about anybody.
CREATE TABLE site_claims (
  host TEXT PRIMARY KEY,
  -- What is done with the host: the same command begun again has the same.
  deed TEXT NOT NULL,
  -- When it no longer counts, in milliseconds since the epoch: a command that was cut off leaves it behind.
  until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
