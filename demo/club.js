/**
 * Puts the visitor's name where a page has room for it, and shows what is meant for one kind of visitor only.
 * `login-change` comes from <vipps-login> when the session is first known and whenever it changes.
 * Loaded before the element's script, so that it listens by then: deferred scripts run in their order.
 */
document.addEventListener("login-change", (event) => {
  const { authenticated, user } = /** @type {CustomEvent} */ (event).detail;
  const firstName = user?.given_name ?? user?.name?.split(" ")[0];

  for (const element of document.querySelectorAll("[data-logged-out]")) {
    element.toggleAttribute("hidden", authenticated);
  }
  say(
    "[data-greeting]",
    authenticated && firstName ? `${greeting(new Date().getHours())}, ${firstName}` : undefined,
  );
  say(
    "[data-welcome]",
    authenticated && user?.name ? `${isNorwegian ? "Velkommen" : "Welcome"}, ${user.name}` : undefined,
  );
});

const isNorwegian = document.documentElement.lang === "nb";

/** What a page says before anyone is logged in, by element. @type {Map<Element, string | null>} */
const original = new Map();

/**
 * @param {string} selector
 * @param {string | undefined} text what to say instead of the page's own words, which come back without it
 */
function say(selector, text) {
  for (const element of document.querySelectorAll(selector)) {
    if (!original.has(element)) original.set(element, element.textContent);
    element.textContent = text ?? original.get(element) ?? "";
  }
}

/** @param {number} hour 0 to 23 */
function greeting(hour) {
  if (hour < 10) return isNorwegian ? "God morgen" : "Good morning";
  if (hour < 18) return isNorwegian ? "God dag" : "Hello";
  return isNorwegian ? "God kveld" : "Good evening";
}
