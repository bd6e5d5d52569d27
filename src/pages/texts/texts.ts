import type { MessageKey } from "../../failure.ts";

/** What a failed login says: what happened, and what to do now. `{brand}` and `{site}` are filled in. */
export interface Message {
  readonly title: string;
  readonly happened: string;
  readonly next: string;
}

/** Every text of the pages in one language. The compiler finds the missing ones. */
export interface Texts {
  readonly messages: Readonly<Record<MessageKey, Message>>;
  readonly tryAgain: string;
  readonly backToSite: string;
  readonly continue: string;
  readonly reference: string;
  readonly referenceHelp: string;
  readonly settingsTitle: string;
  readonly settingsHelp: string;
  readonly confirm: {
    readonly title: string;
    /** `{name}` is the person about to be logged in. */
    readonly who: string;
    readonly why: string;
    readonly warning: string;
    /** `{current}` is who is logged in now. */
    readonly replaces: string;
    readonly someone: string;
    readonly yes: string;
    readonly no: string;
  };
}
