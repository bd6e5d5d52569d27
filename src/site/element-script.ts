/**
 * The login element as it is served: without indentation and lines that hold a comment alone.
 * @param source the script as it is written.
 * @param isRenamed whether MobilePay is called Vipps by now; pages may go on saying `brand="mobilepay"`.
 */
export function elementScript(source: string, isRenamed: boolean): string {
  const script = source.replace(/^[ \t]*(?:\/\/.*|\/\*.*\*\/)?\n?/gm, "");
  return isRenamed ? script.replace('MOBILEPAY = "mobilepay"', 'MOBILEPAY = "vipps"') : script;
}
