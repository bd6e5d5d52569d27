import { type Exchange, exchangesWith } from "../exchange.ts";
import type { Seen } from "../seen.ts";
import { jsonOf } from "./json-of.ts";

/** What the server alone may know: the secrets of the settings, and those of every login of the run. */
function serverSecrets(seen: Seen): readonly (readonly [name: string, value: string])[] {
  const ofLogins = exchangesWith(seen.exchanges, "token")
    .filter(({ from }) => from === "worker")
    .flatMap((exchange) => {
      const { access_token, id_token } = jsonOf(exchange);
      return [
        ["code verifier", new URLSearchParams(exchange.requestBody).get("code_verifier")],
        ["access token", access_token],
        ["ID token", id_token],
      ] as const;
    });
  return [...Object.entries(seen.secrets), ...ofLogins].flatMap(([name, value]) =>
    typeof value === "string" && value.length >= 8 ? [[name, value] as const] : [],
  );
}

/** Where in a browser's traffic something stood that the server alone may know. Names it, never quotes it. */
export function leaks(seen: Seen): readonly string[] {
  const secrets = serverSecrets(seen);
  const found = seen.exchanges
    .filter(({ from }) => from === "browser")
    .flatMap((exchange) => {
      const text = textOf(exchange);
      return secrets
        .filter(([, value]) => text.includes(value) || text.includes(encodeURIComponent(value)))
        .map(([name]) => `${name} in ${exchange.method} ${new URL(exchange.url).pathname}`);
    });
  return [...new Set(found)];
}

function textOf({ url, requestHeaders, requestBody, responseHeaders, responseBody }: Exchange): string {
  const headers = [...Object.values(requestHeaders), ...Object.values(responseHeaders)];
  return [url, requestBody ?? "", responseBody ?? "", ...headers].join("\n");
}
