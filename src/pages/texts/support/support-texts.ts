import type { MessageKey } from "../../../failure.ts";

/** The messages with which a login can end; the others never stand in a login event. */
export type LoginMessage = Exclude<
  MessageKey,
  | "notAllowed"
  | "notFound"
  | "badAddress"
  | "addressTooLong"
  | "tooManyChanges"
  | "loggedOutMeanwhile"
  | "loginNeeded"
  | "loginInFrame"
  | "groupNeeded"
  | "ageNeeded"
  | "tooYoung"
  | "freshNeeded"
  | "appNeeded"
  | "siteUnavailable"
>;

/** What an action has led to, shown on the page after it. */
export type Notice =
  | "sessionEnded"
  | "sessionsEnded"
  | "sessionNotThere"
  | "unlinked"
  | "notUnlinked"
  | "corrected"
  | "groupsChanged"
  | "unchanged"
  | "changedMeanwhile"
  | "erased"
  | "notConfirmed"
  | "linked"
  | "notLinked"
  | "noAccount"
  | "noRequest"
  | "fromElsewhere";

/** A field of the correction that cannot be taken over, and why. */
export type WrongField = "phone" | "email" | "memberNumber" | "staffPhone";

/** Why groups cannot be taken over. */
export type WrongGroups = "name" | "many" | "staff";

/** Every text of the customer-service console in one language. `{…}` is filled in. */
export interface SupportTexts {
  readonly title: string;
  readonly newSearch: string;
  readonly search: string;
  readonly searchHelp: string;
  /** The box with which the deployment's own people look at all its sites. */
  readonly everywhere: string;
  /** Below what they have found. */
  readonly everywhereHelp: string;
  readonly searchButton: string;
  readonly results: string;
  readonly nothing: string;
  /** More fit than are shown. */
  readonly limit: string;
  /** A failure behind a reference, when nobody was known yet. */
  readonly nobody: string;
  readonly noName: string;
  readonly name: string;
  readonly phone: string;
  readonly email: string;
  readonly memberNumber: string;
  readonly accountId: string;
  readonly created: string;
  readonly lastLogin: string;
  readonly never: string;
  readonly verified: string;
  readonly unverified: string;
  readonly origins: Readonly<Record<"vipps" | "import" | "staff" | "site", string>>;
  readonly account: string;
  /** `{brand}` */
  readonly links: string;
  readonly noLinks: string;
  readonly linkedBy: Readonly<Record<"created" | "matched" | "proven" | "staff", string>>;
  /** `{when}` */
  readonly revoked: string;
  readonly unlink: string;
  readonly confirmUnlink: string;
  readonly unlinkHelp: string;
  readonly terms: string;
  /** `{version}`, `{when}` */
  readonly accepted: string;
  readonly consents: string;
  readonly exportHelp: string;
  readonly exportHistory: string;
  /** `{format}` */
  readonly export: string;
  readonly members: string;
  /** Above what a list can be chosen by, and what stands for no choice. */
  readonly choose: string;
  readonly everybody: string;
  readonly show: string;
  readonly handOut: string;
  readonly handOutHelp: string;
  readonly firstPage: string;
  readonly nextPage: string;
  readonly yes: string;
  readonly no: string;
  readonly none: string;
  readonly sessions: string;
  readonly confirmEnd: string;
  readonly endAll: string;
  /** `{delay}` is a length of time. */
  readonly endHelp: string;
  readonly logins: string;
  readonly loggedIn: string;
  /** `{title}` of the page the customer saw. */
  readonly saw: string;
  /** How the account of a login was found. */
  readonly loginHow: Readonly<Record<"known" | "link" | "create", string>>;
  /** Before what stands in the log for whoever runs the site. */
  readonly code: string;
  readonly tellThem: string;
  readonly sameBrowser: string;
  readonly requests: string;
  /** Facts that were tried to prove the account. With {count} and {when}. */
  readonly guesses: string;
  readonly guessCount: string;
  readonly guessesExhausted: string;
  readonly requestReasons: Readonly<Record<"name" | "several" | "taken" | "not_member", string>>;
  readonly requestHelp: string;
  readonly candidates: string;
  readonly noCandidates: string;
  readonly confirmLink: string;
  readonly link: string;
  readonly linkByReference: string;
  readonly next: string;
  readonly correct: string;
  readonly correctHelp: string;
  readonly confirmCorrect: string;
  readonly save: string;
  readonly groups: string;
  readonly newGroup: string;
  readonly confirmGroups: string;
  /** `{delay}` is a length of time. */
  readonly groupsHelp: string;
  /** Beside a group whose members are staff. */
  readonly staffGroup: string;
  readonly wrongGroups: Readonly<Record<WrongGroups, string>>;
  readonly wrong: Readonly<Record<WrongField, string>>;
  readonly erase: string;
  /** `{name}` */
  readonly eraseTitle: string;
  readonly eraseLead: string;
  readonly eraseList: readonly string[];
  readonly eraseKept: string;
  readonly eraseConfirm: string;
  readonly cancel: string;
  readonly audit: string;
  readonly auditHelp: string;
  readonly you: string;
  readonly self: string;
  readonly system: string;
  /** Of what a command did, such as an export. */
  readonly commandLine: string;
  readonly actions: Readonly<
    Record<
      | "viewed"
      | "searched"
      | "sessions_ended"
      | "linked"
      | "unlinked"
      | "corrected"
      | "groups_changed"
      | "consents_changed"
      | "consent_revoked"
      | "downloaded"
      | "exported"
      | "erased",
      string
    >
  >;
  /** How many lines of a list were handed out. */
  readonly rows: string;
  /** What stands in the details of an audit line, in words. */
  readonly details: Readonly<
    Record<
      | "log"
      | "all"
      | "proof"
      | "reference"
      | "current"
      | "history"
      | "agency"
      | "everywhere"
      | "members"
      | "consents"
      | "waiting"
      | "yes"
      | "no",
      string
    >
  >;
  /** `{day}` */
  readonly figures: string;
  readonly cancelled: string;
  readonly failed: string;
  readonly hour: string;
  readonly reason: string;
  readonly count: string;
  readonly byHour: string;
  readonly previousDay: string;
  readonly nextDay: string;
  readonly quietDay: string;
  readonly notices: Readonly<Record<Notice, string>>;
  /** What to tell a customer who saw the message. `{brand}` */
  readonly tell: Readonly<Record<LoginMessage, string>>;
}
