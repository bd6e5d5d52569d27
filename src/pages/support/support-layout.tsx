import type { Child } from "hono/jsx";
import { Layout, type PageContext } from "../layout.tsx";
import type { Notice } from "../texts/support/support-texts.ts";
import { supportTextsIn } from "./support-language.ts";
import { supportStylesheet } from "./support-stylesheet.ts";

/** What every page of the console is given. */
export interface SupportPageProps extends PageContext {
  /** Where the console begins. */
  readonly home: string;
  readonly notice: Notice | undefined;
}

interface SupportLayoutProps extends SupportPageProps {
  readonly title: string;
  readonly children: Child;
}

/** The frame of the console's pages: the way back to the search, and what the last action has led to. */
export function SupportLayout(props: SupportLayoutProps) {
  const { language, home, title, notice, children } = props;
  const texts = supportTextsIn(language);
  return (
    <Layout
      {...props}
      wide={{
        styles: supportStylesheet,
        beside: (
          <nav aria-label={texts.title}>
            <a href={home}>{texts.newSearch}</a>
            <a href={`${home}/log`}>{texts.audit}</a>
          </nav>
        ),
      }}
      title={title}
    >
      {notice !== undefined && (
        <p class="note" role="status">
          {texts.notices[notice]}
        </p>
      )}
      {children}
    </Layout>
  );
}
