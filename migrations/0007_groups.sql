-- Groups of people: what a rule for a path, a member list and the console go by. Code of earlier versions runs on
-- this schema too.

-- Names of groups, sorted, as a JSON array.
ALTER TABLE accounts ADD COLUMN groups TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(groups));

-- Who is in a group, so that a group is listed without a look at everybody. Kept by triggers, whoever writes to
-- `accounts`.
CREATE TABLE group_members (
  site TEXT NOT NULL,
  name TEXT NOT NULL,
  account_id TEXT NOT NULL,
  PRIMARY KEY (site, name, account_id)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER account_made_in_groups AFTER INSERT ON accounts WHEN new.groups <> '[]' BEGIN
  INSERT INTO group_members (site, name, account_id) SELECT DISTINCT new.site, value, new.id FROM json_each(new.groups);
END;
CREATE TRIGGER account_regrouped AFTER UPDATE OF groups ON accounts WHEN new.groups IS NOT old.groups BEGIN
  DELETE FROM group_members WHERE site = old.site AND account_id = old.id
    AND name IN (SELECT value FROM json_each(old.groups));
  INSERT INTO group_members (site, name, account_id) SELECT DISTINCT new.site, value, new.id FROM json_each(new.groups);
END;
CREATE TRIGGER account_deleted_from_groups BEFORE DELETE ON accounts WHEN old.groups <> '[]' BEGIN
  DELETE FROM group_members WHERE site = old.site AND account_id = old.id
    AND name IN (SELECT value FROM json_each(old.groups));
END;
