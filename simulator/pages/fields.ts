import { html } from "hono/html";
import type { Html } from "./layout.ts";

/** A labelled list to choose from; each value with its words. */
export function choice<Value extends string>(
  name: string,
  label: string,
  labels: Readonly<Record<Value, string>>,
  current: Value,
): Html {
  const options = Object.entries<string>(labels);
  return labelled(
    name,
    label,
    html`<select id="${idOf(name)}" name="${name}">${options.map(
      ([value, words]) =>
        html`<option value="${value}"${value === current ? html` selected` : ""}>${words}</option>`,
    )}</select>`,
  );
}

interface NumberField {
  readonly name: string;
  readonly label: string;
  readonly value: number | null;
  readonly min: number;
  readonly max: number;
  readonly step?: string;
}

export function numberField({ name, label, value, min, max, step = "1" }: NumberField): Html {
  return labelled(
    name,
    label,
    html`<input type="number" id="${idOf(name)}" name="${name}" value="${value ?? ""}" min="${min}" max="${max}" step="${step}">`,
  );
}

/** A field for any text, with suggestions from the `datalist` of the given id. */
export function textField(name: string, label: string, value: string, list?: string): Html {
  return labelled(
    name,
    label,
    html`<input type="text" id="${idOf(name)}" name="${name}" value="${value}" autocomplete="off"${list === undefined ? "" : html` list="${list}"`}>`,
  );
}

export function tickBox(name: string, value: string, label: string, ticked: boolean): Html {
  const id = idOf(`${name}-${value}`);
  return html`<p class="tick"><input type="checkbox" id="${id}" name="${name}" value="${value}"${ticked ? html` checked` : ""}> <label for="${id}">${label}</label></p>`;
}

function labelled(name: string, label: string, field: Html): Html {
  return html`<div class="field"><label for="${idOf(name)}">${label}</label>${field}</div>`;
}

function idOf(name: string): string {
  return name.replaceAll(".", "-");
}
