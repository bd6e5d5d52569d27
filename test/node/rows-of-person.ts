import type { BoundStatement } from "../../cli/d1-session.ts";

/** The site whose rows these are. */
export const SITE = "default";

/** Rows of somebody in every table that has some. The browser is one that only they use. */
export const rowsOf = (id: string, sub: string, browser: string): readonly BoundStatement[] =>
  [
    `INSERT INTO accounts (site, id, name, phone, origin, groups, created_at, updated_at)
     VALUES ('${SITE}', '${id}', 'Kari ${id}', '47999', 'vipps', '["board"]', 1, 1)`,
    `INSERT INTO identities (site, msn, sub, account_id, linked_at, linked_by) VALUES ('${SITE}', '1', '${sub}', '${id}', 1, 'created')`,
    ...["logged_in", "id_token_invalid", "access_denied"].map(
      (outcome, index) => `INSERT INTO logins (site, id, outcome, account_id, msn, sub, browser)
       VALUES ('${SITE}', (abs(random()) >> 11), '${outcome}', ${index === 0 ? `'${id}'` : "NULL"}, '1', ${index < 2 ? `'${sub}'` : "NULL"}, '${browser}')`,
    ),
    `INSERT INTO login_events (site, at, outcome, account_id, msn, sub, browser) VALUES ('${SITE}', 1, 'logged_in', '${id}', '1', '${sub}', '${browser}')`,
    `INSERT INTO consents (site, account_id, consent, granted, source, answered_at) VALUES ('${SITE}', '${id}', 'news', 1, 'login', 1)`,
    `INSERT INTO terms_acceptances (site, account_id, version, url, language, accepted_at) VALUES ('${SITE}', '${id}', '1', 'u', 'nb', 1)`,
    ...[`'${id}'`, "NULL"].map(
      (
        of,
        index,
      ) => `INSERT INTO vipps_consents (site, msn, sub, form, time_of_consent, answered_at, answers, raw, received_at, account_id)
       VALUES ('${SITE}', '1', '${sub}', 'flowResult', 't${index}', 1, '[]', '{}', 1, ${of})`,
    ),
    `INSERT INTO delegated_consents (site, account_id, msn, sub, time_of_consent, raw, received_at) VALUES ('${SITE}', '${id}', '1', '${sub}', 't', '{}', 1)`,
    `INSERT INTO link_requests (site, msn, sub, reference, reason, told, candidates, window_at, requested_at)
     VALUES ('${SITE}', '1', '${sub}', 'REF-${id}', 'name', '{}', '[]', 0, 1)`,
    `INSERT INTO link_requests (site, msn, sub, reference, reason, told, candidates, window_at, requested_at)
     VALUES ('${SITE}', '1', 'stranger-${id}', 'REF2-${id}', 'name', '{}', '["${id}","acc_other"]', 0, 1)`,
    `INSERT INTO audit_log (site, at, actor, actor_role, action, account_id, details) VALUES ('${SITE}', 1, 'x', 'staff', 'viewed', '${id}', '{}')`,
  ].map((sql) => ({ sql, params: [] }));
