import { type AuditAction, type AuditEntry, appendAudit } from "../accounts/audit-log.ts";
import { loginOfSession } from "../accounts/login-events.ts";
import { type Records, siteRecords } from "../accounts/records.ts";
import type { Registry } from "../accounts/registry.ts";
import { siteRegistry } from "../accounts/site-accounts.ts";
import { Failure } from "../failure.ts";
import { isLookAhead, notAhead, refuseCrossSite, visitorTimeZone } from "../http/request.ts";
import type { AppContext } from "../http/request-context.ts";
import { logEvent } from "../log.ts";
import type { PageContext } from "../pages/layout.ts";
import { pageContext } from "../pages/page-context.ts";
import { timeZone } from "../pages/time-words.ts";
import { currentSession } from "../session/current-session.ts";
import { carriedTokens } from "../session/session.ts";
import { isLiving, renewSession } from "../session/session-store.ts";
import type { Settings, SupportSettings } from "../settings.ts";
import { faultFields } from "../storage-call.ts";
import { withinTime } from "../waiting.ts";

/** One of the staff whose session the store has just confirmed. */
interface StaffSession {
  readonly accountId: string;
  readonly sid: string;
  /** Of the deployment's own people: they may open the console of every site. */
  readonly isAgency: boolean;
  readonly setCookie: string | undefined;
}

/** A request that one of the staff makes, and what it takes to answer it. */
export interface StaffRequest {
  readonly c: AppContext;
  readonly settings: Settings;
  readonly records: Records;
  readonly registry: Registry;
  readonly staff: StaffSession;
  readonly page: PageContext;
  /** The time zone in which times are shown. */
  readonly zone: string;
}

/** In milliseconds. Shorter than what any request may take, so that slow storage answers like no console. */
const CHECK_LIMIT = 8_000;

/**
 * Lets staff through and answers everybody else, whatever they ask and however, as if there were no such
 * address: nobody learns from an answer that there is a console.
 * @throws {Failure} `not_found` for everybody else; `cross_site` for what another website made staff send;
 *   `storage_unavailable` or `too_slow` where it cannot be found out whether the holder of a session is staff.
 */
export function forStaff(handle: (request: StaffRequest) => Promise<Response>) {
  return async (c: AppContext): Promise<Response> => {
    const { settings } = c.env;
    const { headers, method } = c.req.raw;
    const staff = await staffSession(settings, c.req.raw);
    const records = siteRecords(settings);
    if (staff === undefined || records === undefined) throw new Failure("not_found", { stage: "site" });
    // Nobody else is told even that much. What staff look at is written down, so nothing is shown ahead.
    if (isLookAhead(c.req.raw)) return notAhead();
    if (method === "POST") refuseCrossSite(settings, headers, "support");
    const page = pageContext(headers.get("accept-language"), settings);
    const zone = timeZone(page.language, visitorTimeZone(settings, c.req.raw));
    const registry = siteRegistry(settings);
    const response = await handle({ c, settings, records, registry, staff, page, zone });
    if (staff.setCookie !== undefined) response.headers.append("set-cookie", staff.setCookie);
    return response;
  };
}

/**
 * Who of the staff is asking; `undefined` for anybody else. Storage that fails is no reason to tell staff that there
 * is no console: whoever holds an authentic session is told that it fails.
 */
async function staffSession(settings: Settings, request: Request): Promise<StaffSession | undefined> {
  if (sizeOf(settings.support) + sizeOf(settings.agency) === 0) return undefined;
  try {
    return await withinTime(CHECK_LIMIT, confirmedStaff(settings, request), () => {
      throw new Failure("too_slow", { stage: "support" });
    });
  } catch (error) {
    logEvent("warn", "staff_not_checked", settings.site.origin, faultFields(error));
    const { bearer, cookies } = await carriedTokens(settings.session, request.headers);
    if (bearer === undefined && cookies.length === 0) return undefined;
    throw error;
  }
}

/** A token may still be fresh though its session has ended elsewhere, so the store is always asked. */
async function confirmedStaff(settings: Settings, request: Request): Promise<StaffSession | undefined> {
  const { session, setCookie } = await currentSession(settings, request);
  if (session === undefined) return undefined;
  const { sub: accountId, sid } = session;
  const [lives, role] = await Promise.all([
    (isLookAhead(request) ? isLiving : renewSession)(settings, accountId, sid),
    roleOf(settings, accountId, sid),
  ]);
  return lives && role !== undefined ? { accountId, sid, setCookie, isAgency: role === "agency" } : undefined;
}

/** How many people the settings name. */
export const sizeOf = ({ staffIds, staffPhones, staffGroups }: SupportSettings): number =>
  staffIds.size + staffPhones.size + staffGroups.size;

/** What the holder of a session is to the console: one of the deployment's own, one of the site's, or nobody. */
async function roleOf(
  settings: Settings,
  accountId: string,
  sid: string,
): Promise<"agency" | "site" | undefined> {
  const [isAgency, isSites] = await Promise.all([
    isAgencyStaff(settings, accountId, sid),
    isSiteStaff(settings, accountId),
  ]);
  if (isAgency) return "agency";
  return isSites ? "site" : undefined;
}

/**
 * Whether Vipps said at the login of this very session that it is one of the deployment's people. Accounts are the
 * site's: its staff link people to them and its registry says what they are, so neither counts here.
 */
async function isAgencyStaff(settings: Settings, accountId: string, sid: string): Promise<boolean> {
  const { agency, relyingParty } = settings;
  const records = siteRecords(settings);
  if (sizeOf(agency) === 0 || records === undefined) return false;
  const login = await loginOfSession(records, accountId, sid);
  if (login === undefined || login.msn !== relyingParty.merchantSerialNumber) return false;
  return agency.staffIds.has(login.sub) || (login.phone !== undefined && agency.staffPhones.has(login.phone));
}

/** A phone number counts as the account's own only when it is verified. */
async function isSiteStaff(settings: Settings, accountId: string): Promise<boolean> {
  const { staffIds, staffPhones, staffGroups } = settings.support;
  if (staffIds.has(accountId)) return true;
  if (sizeOf(settings.support) === 0) return false;
  const record = await siteRegistry(settings).get(accountId);
  if (record === undefined) return false;
  const { phone, phoneVerified } = record.account;
  if (phone !== undefined && phoneVerified && staffPhones.has(phone)) return true;
  if (record.account.groups.some((group) => staffGroups.has(group))) return true;
  const { merchantSerialNumber } = settings.relyingParty;
  return record.identities.some(({ msn, sub }) => msn === merchantSerialNumber && staffIds.has(sub));
}

/** What the audit log says besides of a deed of the deployment's own people. */
export const byAgency = ({ isAgency }: StaffSession): AuditEntry["details"] =>
  isAgency ? { by: "agency" } : {};

/**
 * Writes down what one of the staff is about to do; call it before the deed.
 * @throws {Failure} `storage_unavailable`; then the deed must not be done.
 */
export function noteDeed(
  { records, staff }: StaffRequest,
  action: AuditAction,
  accountId: string | undefined,
  details: AuditEntry["details"] = {},
): Promise<void> {
  const told = { ...details, ...byAgency(staff) };
  return appendAudit(records, {
    actor: staff.accountId,
    actorRole: "staff",
    action,
    accountId,
    details: told,
  });
}
