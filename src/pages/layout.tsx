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
  /**
   * The width of the window in place of the card: the styles that such a page needs besides, and what stands
   * beside its title.
   */
  readonly wide?: { readonly styles: string; readonly beside: Child } | undefined;
}

/** The frame around every page: one calm card, nothing loaded from elsewhere. */
export function Layout(props: LayoutProps) {
  const { language, brand, siteName, nonce, title, children, refreshTo, wide } = props;
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
          <style nonce={nonce}>{raw(stylesheet + (wide?.styles ?? ""))}</style>
        </head>
        <body>
          <main class={wide && "wide"}>
            <p class="site">{siteName}</p>
            {wide === undefined ? (
              <h1>{title}</h1>
            ) : (
              <header class="bar">
                <h1>{title}</h1>
                {wide.beside}
              </header>
            )}
            {children}
          </main>
        </body>
      </html>
    </>
  );
}
