import { readableHost } from "./host-words.ts";
/** The name and face of the site on our pages. */
export interface SiteFace {
  /** What the site calls itself. */
  readonly name: string;
  /** Whom to call or write to, or where to read on, the first first. */
  readonly contacts: readonly Contact[];
  /** A path of the site, or an https address. */
  readonly logo: string | undefined;
  readonly icon: string | undefined;
  /** `#rrggbb` */
  readonly accent: string | undefined;
}

/** A way to reach the site's people: what it says, and where it leads. */
export interface Contact {
  readonly words: string;
  readonly href: string;
}

/** A site that says nothing of itself goes by its host. */
export const faceOfHost = (origin: string): SiteFace => ({
  name: readableHost(new URL(origin).host).replace(/^www\./, ""),
  contacts: [],
  logo: undefined,
  icon: undefined,
  accent: undefined,
});

/** The origins that a page may load the face's images from (CSP). */
export function imageSources({ logo, icon }: SiteFace): readonly string[] {
  const sources = [logo, icon].flatMap((address) =>
    address === undefined ? [] : [address.startsWith("/") ? "'self'" : new URL(address).origin],
  );
  return [...new Set(sources)];
}
