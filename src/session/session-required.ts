import { Failure, type FailureCode, type Missing } from "../failure.ts";
import { listedOrigin } from "../http/cross-origin.ts";
import { isFramed, isPageRequest } from "../http/request.ts";
import { fittedReturnUrl } from "../http/return-url.ts";
import { type Lack, lacking, type Requirement, requirementText } from "../rules/requirement.ts";
import type { Settings } from "../settings.ts";
import { type AuthenticSession, now } from "./session.ts";

/**
 * Where a person logs in and comes back from to `returnTo`: a path of the site, or a URL on an allowed origin.
 * @param required what the session will have to meet there, where PROTECTED_PATHS does not say so itself.
 */
export function loginUrl(
  { site }: Settings,
  returnTo?: string,
  required: readonly Requirement[] = [],
): string {
  return `${site.origin}${site.authPath}/login${returnQuery(returnTo, required)}`;
}

/** The page that says what a session lacks of what is required in front of `returnTo`. */
export function requiredUrl({ site }: Settings, returnTo: string, required: readonly Requirement[]): string {
  return `${site.origin}${site.authPath}/required${returnQuery(returnTo, required)}`;
}

function returnQuery(returnTo: string | undefined, required: readonly Requirement[]): string {
  const rules = required.map(requirementText).join(" ");
  const parameters = [
    ...(returnTo === undefined ? [] : [`return_to=${encodeURIComponent(returnTo)}`]),
    ...(rules === "" ? [] : [`require=${encodeURIComponent(rules)}`]),
  ];
  return parameters.length === 0 ? "" : `?${parameters.join("&")}`;
}

/** What is required of a session, and where. */
interface RequiredHere {
  readonly required: readonly Requirement[];
  /** Path and query that were asked for, or another safe return URL: only looked for where something is lacking. */
  readonly returnTo: () => string;
  /** Whether a proxy, a route or a link named the requirements: PROTECTED_PATHS does not know of them. */
  readonly isNamed?: boolean;
  readonly setCookie: string | undefined;
  /** The page that says it, for a proxy to send people to; then the answer itself is always JSON. */
  readonly location?: string | undefined;
}

/**
 * Lets a session through that meets what is required. Asks nobody.
 * @throws {Failure} that says what is missing: `group_required`, `age_required`, `too_young`,
 *   `app_confirmation_required` or `fresh_login_required`; a page for a person, a problem for everything else.
 */
export function requireOf(
  settings: Settings,
  request: Request,
  session: AuthenticSession,
  { required, returnTo, isNamed = false, setCookie, location }: RequiredHere,
): void {
  const lacks = lacking(required, session, now());
  const [first] = lacks;
  if (first === undefined) return;
  const canHelp = first.remedy === "login";
  const named = isNamed ? required : [];
  throw new Failure(missingOf(first).code, {
    stage: "site",
    missing: lacks.map(missingOf),
    returnTo: returnTo(),
    require: named.map(requirementText).join(" ") || undefined,
    loginUrl: canHelp ? loginUrl(settings, undefined, named) : undefined,
    jsonOnly: location !== undefined,
    setCookie,
    location,
    readableBy: listedOrigin(settings, request.headers),
  });
}

const CODES = {
  group: "group_required",
  age: "age_required",
  fresh: "fresh_login_required",
  acr: "app_confirmation_required",
} as const satisfies Record<Requirement["kind"], FailureCode>;

function missingOf({ requirement, remedy }: Lack): Missing {
  const rule = requirementText(requirement);
  switch (requirement.kind) {
    case "group":
      return { code: CODES.group, rule, values: requirement.groups };
    case "age":
      return {
        code: remedy === "none" ? "too_young" : CODES.age,
        rule,
        values: [String(requirement.years)],
      };
    case "fresh":
      return { code: CODES.fresh, rule, seconds: requirement.seconds };
    case "acr":
      return { code: CODES.acr, rule };
  }
}

/**
 * The answer where a session is needed and there is none: a page is sent to the login and back, anything else
 * is told.
 * @param returnTo path and query that were asked for.
 * @param setCookie removes a session cookie whose session has ended.
 * @param required what the session will have to meet, where PROTECTED_PATHS does not say so itself.
 * @throws {Failure} `session_required` for scripts, forms and everything else that is no page; `login_in_frame` for a
 *   page in a frame, where nobody can log in.
 */
export function askForLogin(
  settings: Settings,
  request: Request,
  returnTo: string,
  setCookie: string | undefined,
  required: readonly Requirement[] = [],
): Response {
  const back = fittedReturnUrl(settings.site, returnTo);
  if (!isPageRequest(request)) {
    throw new Failure("session_required", {
      stage: "site",
      loginUrl: loginUrl(settings, undefined, required),
      returnTo: back,
      setCookie,
      readableBy: listedOrigin(settings, request.headers),
    });
  }
  if (isFramed(request.headers))
    throw new Failure("login_in_frame", { stage: "site", returnTo: back, setCookie });
  const { origin } = settings.site;
  const url = loginUrl(settings, back, required);
  const headers = new Headers({
    // Another name of the site has other cookies: the login must begin where it will end.
    location: new URL(request.url).origin === origin ? url.slice(origin.length) : url,
    "cache-control": "no-store",
    vary: "cookie",
  });
  if (setCookie !== undefined) headers.append("set-cookie", setCookie);
  return new Response(null, { status: 302, headers });
}
