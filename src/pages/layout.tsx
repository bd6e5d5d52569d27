import { raw } from "hono/html";
import type { Child } from "hono/jsx";
import type { Language } from "./language.ts";
import { stylesheet } from "./stylesheet.ts";

/** What every page knows about where it is shown. */
export interface PageContext {
  readonly language: Language;
  readonly brand: string;
  /** Host of the site, as people know it. */
  readonly siteName: string;
  /** Allows exactly this page's own style element (CSP). */
  readonly nonce: string;
}

interface LayoutProps extends PageContext {
  readonly title: string;
  readonly children: Child;
  /** Where the browser goes by itself after a moment. */
  readonly refreshTo?: string | undefined;
}

/** The frame around every page: one calm card, nothing loaded from elsewhere. */
export function Layout({ language, brand, siteName, nonce, title, children, refreshTo }: LayoutProps) {
  return (
    <>
      {raw("<!doctype html>")}
      <html lang={language} data-brand={brand}>
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="robots" content="noindex" />
          <meta name="color-scheme" content="light dark" />
          {refreshTo === undefined ? null : <meta http-equiv="refresh" content={`1; url=${refreshTo}`} />}
          <title>{`${title} · ${siteName}`}</title>
          <style nonce={nonce}>{raw(stylesheet)}</style>
        </head>
        <body>
          <main>
            <p class="site">{siteName}</p>
            <h1>{title}</h1>
            {children}
          </main>
        </body>
      </html>
    </>
  );
}
