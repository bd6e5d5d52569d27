/** Schemes that a browser or the phone itself acts upon: a redirect there ends in no app of the site's. */
const isForeignScheme = (scheme: string): boolean =>
  /^(?:http|wss?|ftp|file|blob|data|about|javascript|vbscript|filesystem|view-source|intent|mailto|tel|sms)$/.test(
    scheme,
  );

/**
 * Whether a native app may receive the redirect at this URI: an https link that the app has claimed (universal
 * link, app link), or a scheme of the app's own with something behind it (RFC 8252 section 7). Vipps takes
 * neither a query nor a fragment.
 */
export function isAppRedirectUri(uri: string): boolean {
  const url = URL.parse(uri);
  if (url === null || !/^[\x21-\x7e]+$/.test(uri) || /[#?\\]/.test(uri)) return false;
  if (url.username !== "" || url.password !== "") return false;
  if (url.protocol === "https:") return uri.startsWith("https://");
  return /^[a-z][a-z0-9+.-]*:\/{1,2}[^/]/.test(uri) && !isForeignScheme(url.protocol.slice(0, -1));
}
