import { filled, textsIn } from "./language.ts";
import { Layout, type PageContext } from "./layout.tsx";

/** Says that an account is gone, and what became of what hung on it. */
export function ErasedPage(props: PageContext) {
  const { me, backToSite } = textsIn(props.language);
  return (
    <Layout {...props} title={me.erasedTitle}>
      <p>{filled(me.erased, { site: props.siteName })}</p>
      <p class="actions">
        <a class="button primary" href="/">
          {backToSite}
        </a>
      </p>
    </Layout>
  );
}
