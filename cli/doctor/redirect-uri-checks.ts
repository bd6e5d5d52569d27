import { SETTINGS } from "../../src/settings/table.ts";
import { error, type Found, ok, warning } from "./finding.ts";
import type { SettingsSource } from "./settings-source.ts";

const LOCAL = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const IP_ADDRESS = /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]+\])$/i;

/**
 * Vipps' rules for redirect URIs (Login API, redirect URIs) held against SITE_URL and AUTH_PATH as written, also
 * where the worker would refuse them for reasons of its own.
 */
export function checkRedirectUri({ values }: SettingsSource): readonly Found[] {
  const site = values.SITE_URL?.trim() ?? "";
  const authPath = values.AUTH_PATH?.trim() || SETTINGS.AUTH_PATH.default;
  const fault = (what: string, todo: string) => [error(what, todo)];
  const say = 'Set SITE_URL to the origin alone, such as "https://www.example.com".';
  if (site === "") {
    return fault("Without SITE_URL there is no redirect URI.", say);
  }
  const url = URL.parse(site);
  if (url === null) return fault(`SITE_URL is no address: ${site}`, say);
  if (site.includes("#")) return fault("SITE_URL has a #, which Vipps does not take in a redirect URI.", say);
  if (site.includes("?"))
    return fault("SITE_URL has a query string, which Vipps does not take in a redirect URI.", say);
  if (url.pathname !== "/")
    return fault(`SITE_URL has a path (${url.pathname}).`, `${say} Paths go into AUTH_PATH.`);
  if (authPath.endsWith("/"))
    return fault(
      "AUTH_PATH ends with a slash.",
      `Write AUTH_PATH = "${authPath.replace(/\/+$/, "") || "/auth"}": the redirect URI ends with /callback.`,
    );
  if (/[?#]/.test(authPath))
    return fault("AUTH_PATH has a query or a #.", 'Set it to a path alone, such as "/auth".');

  const uri = `${url.origin}${authPath}/callback`;
  const isLocal = LOCAL.test(url.hostname);
  if (url.protocol !== "https:" && !isLocal)
    return fault(
      "The redirect URI does not begin with https://.",
      "Set SITE_URL to the https address of the site.",
    );
  if (isLocal && values.VIPPS_ENVIRONMENT?.trim() === "production")
    return fault(
      `The redirect URI is on this machine (${uri}), which Vipps takes in its test environment only.`,
      "Set SITE_URL to the public address, or VIPPS_ENVIRONMENT to test.",
    );
  if (IP_ADDRESS.test(url.hostname) && !isLocal)
    return fault("The redirect URI has an IP address instead of a name.", "Set SITE_URL to the site's name.");
  // The worker lowers the case of the host and leaves out the usual port, as every URL parser does.
  if (!site.startsWith(url.origin))
    return [
      warning(
        `SITE_URL is written "${site}", but the redirect URI is ${uri}.`,
        `Write SITE_URL = "${url.origin}", and register exactly ${uri}.`,
      ),
    ];
  return [ok(`To be registered, exactly: ${uri}`)];
}
