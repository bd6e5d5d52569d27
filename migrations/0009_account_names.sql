-- The rows by which a new account is found by parts of its name, worked out of the new row alone: `account_names_wanted`
-- reads it back, and every word of it once for each word. What stands there is the same.
--
-- A JSON array of the words before it is as long as they are, and two quotation marks and a comma for each, and one
-- bracket more: so the start of each word is found.
DROP TRIGGER account_made;
CREATE TRIGGER account_made AFTER INSERT ON accounts WHEN new.search_name <> '' BEGIN
  INSERT INTO account_names (site, name, account_id) VALUES (new.site, new.search_name, new.id);
  INSERT INTO account_names (site, name, account_id)
    SELECT new.site, substr(new.search_name || ' ' || new.search_name,
      instr(new.search_name, ' ') + 1, length(new.search_name)), new.id
    WHERE length(new.search_name) - length(replace(new.search_name, ' ', '')) >= 1 ON CONFLICT DO NOTHING;
  INSERT INTO account_names (site, name, account_id)
    SELECT new.site, substr(new.search_name || ' ' || new.search_name,
      length(json_extract('["' || replace(new.search_name, ' ', '","') || '"]', '$[0]', '$[1]')) - 4, length(new.search_name)), new.id
    WHERE length(new.search_name) - length(replace(new.search_name, ' ', '')) >= 2 ON CONFLICT DO NOTHING;
  INSERT INTO account_names (site, name, account_id)
    SELECT new.site, substr(new.search_name || ' ' || new.search_name,
      length(json_extract('["' || replace(new.search_name, ' ', '","') || '"]', '$[0]', '$[1]', '$[2]')) - 6, length(new.search_name)), new.id
    WHERE length(new.search_name) - length(replace(new.search_name, ' ', '')) >= 3 ON CONFLICT DO NOTHING;
  INSERT INTO account_names (site, name, account_id)
    SELECT new.site, substr(new.search_name || ' ' || new.search_name,
      length(json_extract('["' || replace(new.search_name, ' ', '","') || '"]', '$[0]', '$[1]', '$[2]', '$[3]')) - 8, length(new.search_name)), new.id
    WHERE length(new.search_name) - length(replace(new.search_name, ' ', '')) >= 4 ON CONFLICT DO NOTHING;
  INSERT INTO account_names (site, name, account_id)
    SELECT new.site, substr(new.search_name || ' ' || new.search_name,
      length(json_extract('["' || replace(new.search_name, ' ', '","') || '"]', '$[0]', '$[1]', '$[2]', '$[3]', '$[4]')) - 10, length(new.search_name)), new.id
    WHERE length(new.search_name) - length(replace(new.search_name, ' ', '')) >= 5 ON CONFLICT DO NOTHING;
  INSERT INTO account_names (site, name, account_id)
    SELECT new.site, substr(new.search_name || ' ' || new.search_name,
      length(json_extract('["' || replace(new.search_name, ' ', '","') || '"]', '$[0]', '$[1]', '$[2]', '$[3]', '$[4]', '$[5]')) - 12, length(new.search_name)), new.id
    WHERE length(new.search_name) - length(replace(new.search_name, ' ', '')) >= 6 ON CONFLICT DO NOTHING;
  INSERT INTO account_names (site, name, account_id)
    SELECT new.site, substr(new.search_name || ' ' || new.search_name,
      length(json_extract('["' || replace(new.search_name, ' ', '","') || '"]', '$[0]', '$[1]', '$[2]', '$[3]', '$[4]', '$[5]', '$[6]')) - 14, length(new.search_name)), new.id
    WHERE length(new.search_name) - length(replace(new.search_name, ' ', '')) >= 7 ON CONFLICT DO NOTHING;
END;
