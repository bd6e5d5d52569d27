/** Who sends a request: a person who goes to a page, a script, a page that loads something, who looks ahead. */
export type Sender = "person" | "script" | "page" | "ahead";

/** A kind of request that reaches a site, as it is really sent. */
export interface RequestKind {
  readonly what: string;
  readonly sender: Sender;
  readonly headers: Readonly<Record<string, string>>;
  readonly method?: "HEAD";
  /** Shown in a part of another page. */
  readonly isFramed?: true;
  /** Looks ahead where it reads; a server of that name that posts calls a webhook. */
  readonly readsOnly?: true;
}

const HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";
const CHROME =
  "Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Mobile Safari/537.36";
const IPHONE =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)";

const navigation = (destination = "document") => ({
  accept: HTML,
  "sec-fetch-mode": "navigate",
  "sec-fetch-dest": destination,
});
const fetched = (accept = "*/*", mode = "cors") => ({
  accept,
  "sec-fetch-mode": mode,
  "sec-fetch-dest": "empty",
});
const loaded = (destination: string, accept = "*/*") => ({
  accept,
  "sec-fetch-mode": "no-cors",
  "sec-fetch-dest": destination,
});

/** Every kind that docs/site.md names, and further ones of the same sort. */
export const REQUEST_KINDS: readonly RequestKind[] = [
  // Persons.
  { what: "a link in Chromium, Firefox or Safari", sender: "person", headers: navigation() },
  { what: "an old browser without Fetch Metadata", sender: "person", headers: { accept: HTML } },
  { what: "a browser that takes anything", sender: "person", headers: { accept: "*/*" } },
  { what: "a browser that names no types", sender: "person", headers: {} },
  { what: "an empty Accept", sender: "person", headers: { accept: "" } },
  { what: "XHTML alone", sender: "person", headers: { accept: "application/xhtml+xml" } },
  { what: "any text", sender: "person", headers: { accept: "text/*" } },
  {
    what: "an Android app's browser, which names the app",
    sender: "person",
    headers: {
      ...navigation(),
      "x-requested-with": "com.facebook.katana",
      "user-agent": `${CHROME} [FB_IAB/FB4A]`,
    },
  },
  {
    what: "a phone of a make whose name ends in bot",
    sender: "person",
    headers: { ...navigation(), "user-agent": CHROME.replace("Pixel 9", "CUBOT KINGKONG 9") },
  },
  {
    what: "the same without Fetch Metadata",
    sender: "person",
    headers: { accept: HTML, "x-requested-with": "com.example.app" },
  },
  {
    what: "an Android app that hides its name behind another",
    sender: "person",
    headers: { ...navigation(), "x-requested-with": "XMLHttpRequest" },
  },
  {
    what: "an iOS app's browser",
    sender: "person",
    headers: { accept: HTML, "user-agent": `${IPHONE} Instagram 400.0` },
  },
  {
    what: "a phone whose name reads like a robot's",
    sender: "person",
    headers: { ...navigation(), "user-agent": CHROME.replace("Pixel 9", "CUBOT_X30") },
  },
  {
    what: "a navigation that a service worker passes on",
    sender: "person",
    headers: { accept: HTML, "sec-fetch-mode": "navigate", "sec-fetch-dest": "empty" },
  },
  {
    what: "a service worker's navigation preload",
    sender: "person",
    headers: { ...navigation(), "service-worker-navigation-preload": "true" },
  },
  { what: "a page in an iframe", sender: "person", isFramed: true, headers: navigation("iframe") },
  { what: "a page in a frame", sender: "person", isFramed: true, headers: navigation("frame") },
  { what: "a page in an object", sender: "person", isFramed: true, headers: navigation("object") },
  { what: "a page in an embed", sender: "person", isFramed: true, headers: navigation("embed") },
  {
    what: "curl over HTTP/1.1 that offers HTTP/2",
    sender: "person",
    headers: { accept: "*/*", upgrade: "h2c", connection: "Upgrade, HTTP2-Settings" },
  },
  {
    what: "a person who takes JSON, too",
    sender: "person",
    headers: { accept: "application/json, text/html;q=0.5" },
  },
  {
    what: "Node's fetch that asks for a page",
    sender: "person",
    headers: { accept: HTML, "sec-fetch-mode": "cors" },
  },
  {
    what: "a scanner that passes for a browser",
    sender: "person",
    headers: { ...navigation(), "user-agent": CHROME },
  },

  // Scripts.
  { what: "a script's fetch", sender: "script", headers: fetched() },
  { what: "a script's fetch of the same origin", sender: "script", headers: fetched("*/*", "same-origin") },
  { what: "a fetch without CORS", sender: "script", headers: fetched("*/*", "no-cors") },
  {
    what: "a fetch that wants HTML (Turbo, htmx)",
    sender: "script",
    headers: fetched("text/html, application/xhtml+xml"),
  },
  { what: "a fetch for JSON", sender: "script", headers: fetched("application/json") },
  { what: "axios in a browser", sender: "script", headers: fetched("application/json, text/plain, */*") },
  { what: "Node's fetch", sender: "script", headers: { accept: "*/*", "sec-fetch-mode": "cors" } },
  {
    what: "an old browser's XMLHttpRequest",
    sender: "script",
    headers: { accept: "*/*", "x-requested-with": "XMLHttpRequest" },
  },
  {
    what: "the same in lower case",
    sender: "script",
    headers: { accept: HTML, "x-requested-with": "xmlhttprequest " },
  },
  { what: "a program that wants JSON", sender: "script", headers: { accept: "application/json" } },
  {
    what: "a program that wants a problem",
    sender: "script",
    headers: { accept: "application/problem+json" },
  },
  {
    what: "a program that refuses HTML",
    sender: "script",
    headers: { accept: "application/json, text/html;q=0, */*;q=0.0" },
  },
  { what: "events", sender: "script", headers: { accept: "text/event-stream" } },
  {
    what: "a websocket",
    sender: "script",
    headers: { upgrade: "websocket", connection: "Upgrade", accept: "*/*" },
  },
  {
    what: "a router's data (React Server Components)",
    sender: "script",
    headers: { ...fetched(), rsc: "1" },
  },

  // Pages that load something.
  { what: "an image", sender: "page", headers: loaded("image", "image/avif,image/webp,*/*;q=0.8") },
  { what: "a script element", sender: "page", headers: loaded("script") },
  { what: "a style sheet", sender: "page", headers: loaded("style", "text/css,*/*;q=0.1") },
  { what: "a video", sender: "page", headers: { ...loaded("video"), range: "bytes=0-" } },
  { what: "a font", sender: "page", headers: { ...loaded("font"), "sec-fetch-mode": "cors" } },
  { what: "a manifest", sender: "page", headers: { ...loaded("manifest"), "sec-fetch-mode": "cors" } },

  // Who looks ahead.
  { what: "a request for headers alone", sender: "ahead", method: "HEAD", headers: { accept: "*/*" } },
  { what: "a browser's request for headers alone", sender: "ahead", method: "HEAD", headers: navigation() },
  {
    what: "Chromium: <link rel=prefetch>",
    sender: "ahead",
    headers: { ...loaded("empty"), "sec-purpose": "prefetch" },
  },
  {
    what: "Chromium: speculation rules, prefetch",
    sender: "ahead",
    headers: { ...navigation(), "sec-purpose": "prefetch", purpose: "prefetch" },
  },
  {
    what: "Chromium: through a proxy that hides the address",
    sender: "ahead",
    headers: { ...navigation(), "sec-purpose": "prefetch;anonymous-client-ip" },
  },
  {
    what: "Chromium: speculation rules, prerender",
    sender: "ahead",
    headers: { ...navigation(), "sec-purpose": "prefetch;prerender" },
  },
  {
    what: "Chromium: a preview of a link",
    sender: "ahead",
    headers: { ...navigation(), "sec-purpose": "prefetch;prerender;preview" },
  },
  {
    what: "what a prerendered page loads",
    sender: "ahead",
    headers: { ...fetched(), "sec-purpose": "prefetch;prerender" },
  },
  {
    what: "older Chromium and Safari: prefetch",
    sender: "ahead",
    headers: { ...navigation(), purpose: "prefetch" },
  },
  { what: "Safari: Top Sites", sender: "ahead", headers: { accept: HTML, purpose: "preview" } },
  {
    what: "older Safari, and Facebook's app",
    sender: "ahead",
    headers: { accept: HTML, "x-purpose": "preview" },
  },
  { what: "older Firefox: prefetch", sender: "ahead", headers: { accept: HTML, "x-moz": "prefetch" } },
  { what: "Firefox: prefetch", sender: "ahead", headers: { ...loaded("empty"), "sec-purpose": "prefetch" } },
  {
    what: "Next.js: router",
    sender: "ahead",
    headers: { ...fetched(), rsc: "1", "next-router-prefetch": "1" },
  },
  {
    what: "Next.js: a segment",
    sender: "ahead",
    headers: { ...fetched(), "next-router-segment-prefetch": "/_tree" },
  },
  {
    what: "Next.js: pages router",
    sender: "ahead",
    headers: { ...fetched(), "x-middleware-prefetch": "1", purpose: "prefetch" },
  },
  {
    what: "Inertia",
    sender: "ahead",
    headers: { ...fetched(), "x-inertia": "true", "x-requested-with": "XMLHttpRequest", purpose: "prefetch" },
  },
  {
    what: "Turbo",
    sender: "ahead",
    headers: { ...fetched("text/html, application/xhtml+xml"), "x-sec-purpose": "prefetch" },
  },
  {
    what: "htmx: preload",
    sender: "ahead",
    headers: { ...fetched(), "hx-request": "true", "hx-preloaded": "true" },
  },
  { what: "in capitals", sender: "ahead", headers: { ...navigation(), "sec-purpose": "Prefetch" } },
  {
    what: "Slack's preview",
    sender: "ahead",
    headers: { accept: "*/*", "user-agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)" },
  },
  {
    what: "Facebook's preview",
    sender: "ahead",
    headers: {
      accept: "*/*",
      "user-agent": "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    },
  },
  {
    what: "Messages' preview",
    sender: "ahead",
    headers: { accept: HTML, "user-agent": `${IPHONE} facebookexternalhit/1.1 Facebot Twitterbot/1.0` },
  },
  {
    what: "WhatsApp's preview",
    sender: "ahead",
    headers: { accept: "*/*", "user-agent": "WhatsApp/2.26.1 A" },
  },
  {
    what: "Telegram's preview",
    sender: "ahead",
    headers: { accept: "*/*", "user-agent": "TelegramBot (like TwitterBot)" },
  },
  {
    what: "Discord's preview",
    sender: "ahead",
    headers: {
      accept: "*/*",
      "user-agent": "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
    },
  },
  {
    what: "LinkedIn's preview",
    sender: "ahead",
    headers: {
      accept: "*/*",
      "user-agent": "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
    },
  },
  {
    what: "Teams' and Skype's preview",
    sender: "ahead",
    headers: {
      accept: "*/*",
      "user-agent": "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
    },
  },
  ...Object.entries({
    "Slack's, of pictures": "Slack-ImgProxy (+https://api.slack.com/robots)",
    Mastodon: "Mastodon/4.4.3 (http.rb/5.2.0; +https://mastodon.example/)",
    Bluesky: "Mozilla/5.0 (compatible; Bluesky Cardyb/1.1; +mailto:support@bsky.app)",
    Snapchat:
      "Mozilla/5.0 (compatible; Snap URL Preview Service; bot; snapchat; https://developers.snap.com/robots)",
    Pinterest: "Mozilla/5.0 (compatible; Pinterestbot/1.0; +https://www.pinterest.com/bot.html)",
    Reddit: "Mozilla/5.0 (compatible; redditbot/1.0; +https://www.reddit.com/feedback)",
    Iframely: "Iframely/1.3.1 (+https://iframely.com/docs/about)",
    Google: "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Gmail's, of pictures":
      "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    Apple:
      "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.1.1 Safari/605.1.15 (Applebot/0.1; +http://www.apple.com/go/applebot)",
  }).map(([whose, agent]): RequestKind => {
    return {
      what: `a preview or a robot: ${whose}`,
      sender: "ahead",
      readsOnly: true,
      headers: { accept: "*/*", "user-agent": agent },
    };
  }),
];

/** The kinds that one sort of sender sends. */
export const kindsOf = (sender: Sender): readonly RequestKind[] =>
  REQUEST_KINDS.filter((kind) => kind.sender === sender);
