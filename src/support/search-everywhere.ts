import { appendAudit } from "../accounts/audit-log.ts";
import { searchEverySite, sitesOfReference } from "../accounts/d1-directory.ts";
import type { AccountSearch } from "../accounts/registry.ts";
import type { ShownElsewhere } from "../pages/support/shown.ts";
import { supportTextsIn } from "../pages/support/support-language.ts";
import { type Settings, settingsOfRows } from "../settings.ts";
import { accountPath, consolePath } from "./answers.ts";
import { shownPerson, when } from "./shown-account.ts";
import { type StaffRequest, sizeOf } from "./staff.ts";

/** What one site has of what is looked for. */
interface Finding {
  readonly partition: string;
  readonly accountId: string | undefined;
  readonly shown: Omit<ShownElsewhere, "host" | "href">;
}

/**
 * Looks at all sites of the deployment whose people are in its database, and which its own staff may see, for what one
 * of these staff searches. What is found is shown only once the audit log of each site says so.
 * @param searches those by name are left out.
 * @throws {Failure} `storage_unavailable`.
 */
export async function searchEverywhere(
  request: StaffRequest,
  searches: readonly AccountSearch[],
  reference: string | undefined,
): Promise<readonly ShownElsewhere[]> {
  const { c, settings, records, staff } = request;
  const exact = searches.filter(({ name }) => name === undefined);
  const [accounts, logins] = await Promise.all([
    Promise.all(exact.map((search) => searchEverySite(records.database, search))),
    reference === undefined ? [] : sitesOfReference(records.database, reference),
  ]);
  const findings: readonly Finding[] = [
    ...accounts.flat().map(({ partition, account }): Finding => {
      const { name, phone, email } = shownPerson(account);
      const who = name ?? supportTextsIn(request.page.language).noName;
      const last = account.lastLoginAt;
      return {
        ...{ partition, accountId: account.id },
        shown: {
          who,
          contact: [phone, email].filter(Boolean).join(" · "),
          last: last === undefined ? undefined : when(request, last),
        },
      };
    }),
    ...logins.map((partition) => ({
      ...{ partition, accountId: undefined },
      shown: { who: reference ?? "", contact: "", last: undefined },
    })),
  ];
  const partitions = [...new Set(findings.map(({ partition }) => partition))];
  const background = (work: Promise<unknown>) => c.executionCtx.waitUntil(work);
  const sites = await settingsOfRows(c.env.deployment, partitions, background);
  const visible = findings.flatMap((finding) => {
    const site = sites.get(finding.partition);
    return site !== undefined && isVisible(site) ? [{ ...finding, site }] : [];
  });
  const from = new URL(settings.site.origin).host;
  await Promise.all(
    visible
      .filter(({ partition }) => partition !== records.site)
      .map(({ partition, accountId }) =>
        appendAudit(
          { database: records.database, site: partition },
          {
            ...{ actor: staff.accountId, actorRole: "staff", action: "searched", accountId },
            details: { by: "agency", from },
          },
        ),
      ),
  );
  return visible.map(({ site, accountId, shown }) => ({
    ...shown,
    host: new URL(site.site.origin).host,
    href: hrefOf(request, site, accountId),
  }));
}

/** Sites with another provider, or with people elsewhere than in the database, are none of the agency's to look into. */
const isVisible = ({ agency, accounts }: Settings): boolean =>
  sizeOf(agency) > 0 && accounts.registry.kind === "d1";

/** Here the account; elsewhere that site's own console, which nothing but itself leads into, by its own login. */
function hrefOf(request: StaffRequest, site: Settings, accountId: string | undefined): string {
  if (site.site.partition === request.records.site)
    return accountId === undefined ? consolePath(site) : accountPath(request, accountId);
  const { origin, authPath } = site.site;
  return `${origin}${authPath}/login?return_to=${encodeURIComponent(consolePath(site))}`;
}
