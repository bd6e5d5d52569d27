-- Lists of people on the console and in exports: each page of them begins in an index. Code of earlier versions runs on
-- this schema too.

-- Who ever gave an answer to a question of consent. Which answer counts is the newest, and is looked up by person.
CREATE INDEX consents_by_answer ON consents (site, consent, granted, account_id);

-- The few without a name, whom `account_names` does not list.
CREATE INDEX accounts_without_name ON accounts (site, id) WHERE search_name = '';
