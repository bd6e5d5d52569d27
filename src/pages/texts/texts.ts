import type { MessageKey } from "../../failure.ts";

/** What a failed login says: what happened, and what to do now. `{brand}` and `{site}` are filled in. */
export interface Message {
  readonly title: string;
  readonly happened: string;
  readonly next: string;
}

/** Every text of the pages in one language. The compiler finds the missing ones. */
export interface Texts {
  readonly messages: Readonly<Record<Exclude<MessageKey, "loggedOutMeanwhile">, Message>>;
  readonly logIn: string;
  readonly tryAgain: string;
  /** Before the site's phone number, email address or page. */
  readonly help: string;
  readonly logOut: string;
  readonly backToSite: string;
  readonly continue: string;
  readonly reference: string;
  readonly referenceHelp: string;
  readonly settingsHelp: string;
  /** About presses that may have been meant for something else. */
  readonly press: {
    readonly tickFirst: string;
    /** To somebody whose press came before it could be told that it was meant for this page. */
    readonly tooSoon: string;
  };
  /** The page after logging out. */
  readonly loggedOut: {
    /** Before it, to somebody who came by a link, which logs nobody out. `{site}` in `how` */
    readonly ask: string;
    readonly how: string;
    readonly title: string;
    readonly done: string;
    readonly again: string;
    /** There is no way for a site to log anybody out at Vipps. `{brand}`, `{site}` */
    readonly shared: string;
  };
  /** To whoever says no to a login that was answered with yes before, or whose terms were accepted. */
  readonly noTooLate: { readonly title: string; readonly yes: string; readonly accepted: string };
  /** To somebody who meets another person's name, or a login that is not theirs. `{brand}` */
  readonly notYou: string;
  /** A person's own page. */
  readonly me: {
    readonly title: string;
    readonly intro: string;
    readonly name: string;
    readonly phone: string;
    readonly email: string;
    readonly address: string;
    readonly birthdate: string;
    readonly memberNumber: string;
    readonly groups: string;
    readonly accountId: string;
    /** The site's words for what it asks for (`PURPOSES`), by name; a name without words is shown as it is. */
    readonly purposes: Readonly<Record<string, string>>;
    readonly since: string;
    readonly consents: string;
    readonly saved: string;
    readonly save: string;
    /** Stands above the consents that Vipps asked for. */
    readonly atVipps: string;
    /** What withdrawing a consent means that is a condition. */
    readonly required: string;
    readonly terms: string;
    readonly accepted: string;
    readonly sessions: string;
    readonly download: string;
    readonly erase: string;
    readonly eraseHelp: string;
    readonly eraseConfirm: string;
    readonly eraseSubmit: string;
    readonly erasedTitle: string;
    readonly erased: string;
  };
  /** The page that asks a person to accept the terms, and for voluntary consents. */
  readonly terms: {
    readonly title: string;
    readonly titleAgain: string;
    readonly lead: string;
    /** The terms have changed since the person accepted them. */
    readonly leadAgain: string;
    /** There are no terms to accept, only voluntary consents. */
    readonly leadConsents: string;
    readonly terms: string;
    readonly privacy: string;
    readonly accept: string;
    readonly voluntary: string;
    readonly voluntaryHelp: string;
    readonly submit: string;
    readonly submitConsents: string;
    readonly decline: string;
    readonly missing: string;
  };
  /** The page that asks a person to prove an old account. */
  readonly proof: {
    readonly title: string;
    /** One account fits, but has another name. */
    readonly name: string;
    /** Several accounts fit. */
    readonly several: string;
    /** Another user of the brand has the account that fits. */
    readonly taken: string;
    readonly factLead: string;
    readonly factLabel: string;
    readonly factSubmit: string;
    readonly wrong: string;
    readonly exhausted: string;
    readonly siteLead: string;
    /** Stands beside a box, in browsers without script. */
    readonly siteTick: string;
    readonly siteSubmit: string;
    readonly newLead: string;
    /** Likewise. */
    readonly newTick: string;
    readonly newSubmit: string;
    readonly help: string;
  };
  readonly confirm: {
    readonly title: string;
    /** What is about to happen to the person; stands below the name, or what stands for one. */
    readonly who: string;
    readonly why: string;
    readonly warning: string;
    /** `{current}` is who is logged in now. */
    readonly replaces: string;
    /** Stands for a name where only the phone number is known; `{digits}` are its last two. */
    readonly numberEnding: string;
    /** Stands for the name of the person about to be logged in where nothing is known. */
    readonly somebody: string;
    /** Stands for the name of who is logged in now where nothing is known. */
    readonly someone: string;
    /** Stands beside a box, in browsers without script. */
    readonly tick: string;
    readonly yes: string;
    readonly no: string;
  };
  readonly sessions: {
    readonly title: string;
    readonly intro: string;
    readonly onlyHere: string;
    /** `{browser}` and `{system}` are names: Safari, iPhone. */
    readonly device: string;
    readonly unknownDevice: string;
    readonly thisDevice: string;
    readonly usedNow: string;
    /** `{when}` is how long ago. */
    readonly used: string;
    /** `{when}` is a date and a time of day. */
    readonly begun: string;
    readonly end: string;
    readonly endOthers: string;
    /** `{delay}` is a length of time. */
    readonly endedOne: string;
    readonly endedOthers: string;
  };
}
