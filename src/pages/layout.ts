import { html, raw } from "hono/html";
import { accentStyles } from "./accent-colour.ts";
import { type Language, textsIn } from "./language.ts";
import presses from "./presses.client.js";
import type { SiteFace } from "./site-face.ts";
import { stylesheet } from "./stylesheet.ts";

/**
 * A piece of HTML. The tag `html` escapes every value put into it, for text and for quoted attributes: attributes
 * are always quoted. `false` and `undefined` leave nothing behind.
 */
export type Html = ReturnType<typeof html>;

/** What every page knows about where it is shown. */
export interface PageContext {
  readonly language: Language;
  readonly brand: string;
  /** What the site calls itself, else its host. */
  readonly siteName: string;
  readonly face: SiteFace;
  /** Allows exactly this page's own style and script elements (CSP). */
  readonly nonce: string;
}

interface LayoutProps extends PageContext {
  readonly title: string;
  readonly content: Html;
  /** Where the browser goes by itself after a moment. */
  readonly refreshTo?: string | undefined;
  /** Nothing on the page does more than lead elsewhere: it needs no script that watches presses. */
  readonly inert?: boolean;
  /**
   * The width of the window in place of the card: the styles that such a page needs besides, and what stands
   * beside its title.
   */
  readonly wide?: { readonly styles: string; readonly beside: Html } | undefined;
}

/** The frame around every page: one calm card, nothing loaded from elsewhere. */
export function layout(props: LayoutProps): Html {
  const { language, brand, siteName, face, nonce, title, content, refreshTo, inert = false, wide } = props;
  const accent = face.accent === undefined ? "" : accentStyles(face.accent);
  const heading = html`<h1>${title}</h1>`;
  return html`<!doctype html>
<html lang="${language}" data-brand="${brand}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
${refreshTo !== undefined && html`<meta http-equiv="refresh" content="1; url=${refreshTo}">`}
<title>${title} · ${siteName}</title>
${face.icon !== undefined && html`<link rel="icon" href="${face.icon}">`}
<style nonce="${nonce}">${raw(stylesheet + (wide?.styles ?? "") + accent)}</style>
</head>
<body>
<main${wide && html` class="wide"`}>
<p class="site"><a href="/">${face.logo !== undefined && html`<img src="${face.logo}" alt="">`}${siteName}</a></p>
${wide === undefined ? heading : html`<header class="bar">${heading}${wide.beside}</header>`}
${content}
${wide === undefined && help(props)}
</main>
${!inert && html`<script nonce="${nonce}">${raw(presses)}</script>`}
</body>
</html>
`;
}

/** Whom to ask, on every page that a person reads. */
function help({ language, face }: PageContext): Html | undefined {
  if (face.contacts.length === 0) return undefined;
  const links = face.contacts.map(({ words, href }) => html`<li><a href="${href}">${words}</a></li>`);
  return html`
<div class="help-line"><p>${textsIn(language).help}</p><ul>${links}</ul></div>`;
}
