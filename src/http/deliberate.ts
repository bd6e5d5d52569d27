/**
 * Whether a form was sent by a deliberate act: our page's script saw that its reader had the page before them
 * (`armed`), or the reader ticked a box away from the button (`confirm`). One press alone may have been meant for
 * whatever lay over the page a moment before.
 */
export function isDeliberate(form: URLSearchParams | undefined): boolean {
  return form?.get("armed") === "yes" || isTicked(form);
}

/** Whether the box was ticked that stands away from the button. */
export function isTicked(form: URLSearchParams | undefined): boolean {
  return form?.get("confirm") === "yes";
}
