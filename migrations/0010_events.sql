-- What the site's other systems are told. An event is written in the transaction of the change that it tells of, so
-- that neither is there without the other, and is delivered from here. Holds ids of ours and nothing else of anybody.
CREATE TABLE events (
  site TEXT NOT NULL,
  -- The account; for somebody without one the reference of the request under which they wait.
  about TEXT NOT NULL,
  -- The `webhook-id`: in order of time, so that one person's events go out in the order in which they came about.
  id TEXT NOT NULL,
  type TEXT NOT NULL,
  data TEXT NOT NULL CHECK (json_valid(data)),
  -- `waiting`, `delivered`, or `given_up` after the last try.
  state TEXT NOT NULL DEFAULT 'waiting',
  -- How often it was sent.
  tries INTEGER NOT NULL DEFAULT 0,
  -- What was wrong with the last try, as a fixed phrase of ours.
  fault TEXT,
  -- When it is to be sent, or sent again; one that is no longer waiting is deleted then. Milliseconds since the epoch.
  due_at INTEGER NOT NULL,
  PRIMARY KEY (site, about, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX events_by_due ON events (state, due_at);
