/**
 * The checkout: fills in the address where the visitor has shared it for this very purpose, and asks for nothing
 * otherwise. Without this script the form is there all the same.
 */
const order = /** @type {HTMLFormElement} */ (document.querySelector("[data-order]"));

/** @param {string} name @param {string | undefined} value */
function fill(name, value) {
  const field = order.elements.namedItem(name);
  if (field instanceof HTMLInputElement && value && field.value === "") field.value = value;
}

/** @param {"ask" | "got" | "none" | "sent"} part @param {boolean} isShown */
function show(part, isShown) {
  for (const element of order.querySelectorAll(`[data-${part}]`)) element.toggleAttribute("hidden", !isShown);
}

async function bringAddress() {
  const response = await fetch("/auth/session?for=delivery", { headers: { accept: "application/json" } });
  if (!response.ok) return;
  const { user, purpose } = await response.json();
  fill("name", user?.name);
  if (purpose !== "delivery") return;
  const { street_address: street, postal_code: code, region } = user.address ?? {};
  fill("street", street?.replaceAll("\n", ", "));
  fill("code", code);
  fill("city", region);
  show("ask", false);
  show(street ? "got" : "none", true);
}

order.addEventListener("submit", (event) => {
  event.preventDefault();
  show("sent", true);
});

bringAddress().catch(() => undefined);
