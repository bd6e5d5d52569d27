import { filled, textsIn } from "./language.ts";
import { Layout, type PageContext } from "./layout.tsx";

interface ConfirmPageProps extends PageContext {
  /** Enough of the name to notice a stranger: given name and initial. */
  readonly name: string | undefined;
  /** Who is logged in here now, if it is somebody else. */
  readonly current: string | undefined;
  readonly action: string;
  readonly attempt: string;
}

/** Asks the browser that a login came back to, when it is not the one that began it. */
export function ConfirmPage(props: ConfirmPageProps) {
  const { language, brand, siteName, name, current, action, attempt } = props;
  const { confirm } = textsIn(language);
  const values = { brand, site: siteName, name: name ?? confirm.someone, current: current ?? "" };
  return (
    <Layout {...props} title={confirm.title}>
      <p>
        <strong>{filled(confirm.who, values)}</strong>
      </p>
      {current !== undefined && <p class="note">{filled(confirm.replaces, values)}</p>}
      <p>{confirm.why}</p>
      <p class="soft">{filled(confirm.warning, values)}</p>
      <form class="actions" method="post" action={action}>
        <input type="hidden" name="attempt" value={attempt} />
        <button class="button primary" type="submit" name="answer" value="yes">
          {confirm.yes}
        </button>
        <button class="button" type="submit" name="answer" value="no">
          {confirm.no}
        </button>
      </form>
    </Layout>
  );
}
