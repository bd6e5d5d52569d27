import type { Hono } from "hono";
import { COPY_SCRIPT_PATH, STYLESHEET_PATH } from "./layout.ts";
import { STYLESHEET } from "./style.ts";

/** Copies the text of the named field when its button is pressed; without script the button stays hidden. */
const COPY_SCRIPT = `for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copy);
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      document.execCommand("copy");
    }
    document.querySelector("[data-copied]").textContent = "Copied.";
  });
}
`;

/** The stylesheet and the one script, served from here so that the pages need nothing from elsewhere. */
export function addAssetRoutes(app: Hono): void {
  app.get(STYLESHEET_PATH, () => asset(STYLESHEET, "text/css"));
  app.get(COPY_SCRIPT_PATH, () => asset(COPY_SCRIPT, "text/javascript"));
}

function asset(text: string, type: string): Response {
  return new Response(text, {
    headers: {
      "Content-Type": `${type}; charset=utf-8`,
      "Cache-Control": "no-cache",
      "X-Content-Type-Options": "nosniff",
    },
  });
}
