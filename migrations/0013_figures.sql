-- Figures of an hour are worked out of its logins by whoever asks for them and by the daily run, so that a login writes
-- no row for them. Code of earlier versions, which counts by itself, runs on this schema too.

-- 1: yet to be counted. Earlier versions count a login when they write it, and leave this empty.
ALTER TABLE logins ADD COLUMN uncounted INTEGER;

-- From which login on the figures of a site have yet to count.
CREATE TABLE counted_logins (
  site TEXT NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (site)
) STRICT, WITHOUT ROWID;
-- What is there has been counted, and need not be looked at. From site to site, however many logins each has.
INSERT INTO counted_logins (site, until)
  WITH RECURSIVE one(site) AS (
    SELECT min(site) FROM logins
    UNION ALL SELECT (SELECT min(site) FROM logins WHERE site > one.site) FROM one WHERE one.site IS NOT NULL)
  SELECT site, (SELECT max(id) + 1 FROM logins WHERE site = one.site) FROM one WHERE site IS NOT NULL;

-- A login that goes before it was counted, such as that of somebody who is erased, is counted when it goes.
CREATE TRIGGER login_deleted_uncounted BEFORE DELETE ON logins
WHEN old.uncounted = 1 AND old.id >= coalesce((SELECT until FROM counted_logins WHERE site = old.site), 0) BEGIN
  INSERT INTO login_figures (site, hour, outcome, count)
    VALUES (old.site, (old.id >> 20) - (old.id >> 20) % 3600, old.outcome, 1)
    ON CONFLICT DO UPDATE SET count = count + 1;
END;
