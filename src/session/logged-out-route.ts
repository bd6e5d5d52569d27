import type { AppContext } from "../http/request-context.ts";
import { loggedOutPage } from "../pages/logged-out-page.ts";
import { pageContext } from "../pages/page-context.ts";
import { pageResponse } from "../pages/page-response.ts";

/**
 * `GET /auth/logged-out`: where somebody comes after logging out who named no other place. There is no log-out at
 * Vipps for a site to ask for: a browser that Vipps remembers stays remembered, and the page says so.
 */
export function showLoggedOut(c: AppContext): Promise<Response> {
  const { settings } = c.env;
  const context = pageContext(c.req.raw.headers.get("accept-language"), settings);
  const loginHref = `${settings.site.authPath}/login?return_to=%2F`;
  return pageResponse(loggedOutPage({ ...context, loginHref }), context.nonce, 200);
}
