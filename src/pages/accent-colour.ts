/** A colour: red, green and blue from 0 to 255. */
type Colour = readonly [number, number, number];

const WHITE: Colour = [255, 255, 255];
const BLACK: Colour = [0, 0, 0];

/** What of the page an accent is seen on, by theme; of two, the one that it differs less from. */
const BEHIND = { light: ["#ffffff", "#f6f5f2"], dark: ["#1f1f29", "#14141b"] } as const;

/** Text on a button wants 4.5 (WCAG 1.4.3); a little more stays when the button is dimmed under a pointer. */
const TEXT_CONTRAST = 5;
/** Lines and boxes want 3 (WCAG 1.4.11). */
const LINE_CONTRAST = 3.1;

/**
 * The style rules for an accent colour of the site's own, in light and in dark: what is filled with it, the text on
 * that, and lines of it, which are made darker or lighter until they can be told from the page.
 * @param accent `#rrggbb`
 */
export function accentStyles(accent: string): string {
  const own = colourOf(accent);
  const rules = (theme: keyof typeof BEHIND): string => {
    const ink = contrast(own, WHITE) >= contrast(own, BLACK) ? WHITE : BLACK;
    const fill = apart(own, [ink], TEXT_CONTRAST, ink === WHITE ? BLACK : WHITE);
    const line = apart(own, BEHIND[theme].map(colourOf), LINE_CONTRAST, theme === "light" ? BLACK : WHITE);
    return `:root:root{--accent:${written(fill)};--on-accent:${written(ink)};--edge:${written(line)}}`;
  };
  return `${rules("light")}@media (prefers-color-scheme:dark){${rules("dark")}}`;
}

/** The colour, mixed with as much of another as it takes to differ from all of these. */
function apart(colour: Colour, from: readonly Colour[], least: number, towards: Colour): Colour {
  for (let part = 0; part < 100; part += 2) {
    const mixed = mix(colour, towards, part / 100);
    if (from.every((other) => contrast(mixed, other) >= least)) return mixed;
  }
  return towards;
}

function mix(one: Colour, other: Colour, part: number): Colour {
  const channel = (at: 0 | 1 | 2) => Math.round(one[at] + (other[at] - one[at]) * part);
  return [channel(0), channel(1), channel(2)];
}

/** WCAG 2.2, 'contrast ratio'. */
function contrast(one: Colour, other: Colour): number {
  const [a, b] = [luminance(one), luminance(other)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

/** WCAG 2.2, 'relative luminance'. */
function luminance([red, green, blue]: Colour): number {
  const linear = (channel: number) => {
    const part = channel / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}

function colourOf(hex: string): Colour {
  const channel = (at: number) => Number.parseInt(hex.slice(at, at + 2), 16);
  return [channel(1), channel(3), channel(5)];
}

function written(colour: Colour): string {
  return `#${colour.map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;
}
