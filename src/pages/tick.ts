import { html } from "hono/html";
import { type Language, textsIn } from "./language.ts";
import type { Html } from "./layout.ts";

/**
 * The box that is ticked before the button beside it counts: the same press never hits both.
 * @param words what the tick says.
 * @param problem what was wrong when the form came back without it.
 */
export function tick(words: string, problem?: string): Html {
  const invalid = problem !== undefined && html` aria-invalid="true" aria-describedby="unticked" autofocus`;
  return html`
<div class="tick">
<label class="choice">
<input type="checkbox" name="confirm" value="yes" required autocomplete="off"${invalid}><span>${words}</span>
</label>
${problem !== undefined && html`<p class="wrong" id="unticked" role="alert">${problem}</p>`}
</div>`;
}

/**
 * What a form of the class `deliberate` holds before its buttons: a box to tick, in whose place the page's script,
 * where it runs, watches that the press was meant for this page.
 */
export function deliberation(language: Language, words: string, unticked: boolean): Html {
  const { press } = textsIn(language);
  return html`
<input type="hidden" name="armed" value="">
${tick(words, unticked ? press.tickFirst : undefined)}`;
}

/** Where the script says that a press came too soon; below the buttons, so that none of them moves. */
export function tooSoonHint(language: Language): Html {
  return html`<p class="hint" role="status" data-hint="${textsIn(language).press.tooSoon}"></p>`;
}
