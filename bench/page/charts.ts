import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";

/** Colours of one theme. The background is the page's own. */
interface Theme {
  readonly text: string;
  readonly faint: string;
  readonly colours: Readonly<Record<Emphasis, string>>;
}

/** What a bar or a line stands for. */
export type Emphasis = "ours" | "peer" | "baseline";

export const THEMES: Readonly<Record<"light" | "dark", Theme>> = {
  light: {
    text: "#1f2328",
    faint: "#d0d7de",
    colours: { ours: "#e8491d", peer: "#5b6ee1", baseline: "#8c959f" },
  },
  dark: {
    text: "#e6edf3",
    faint: "#3d444d",
    colours: { ours: "#ff7a4d", peer: "#8f9dff", baseline: "#8b949e" },
  },
};

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** The quartiles, where there are several rounds. */
  readonly low?: number;
  readonly high?: number;
  readonly emphasis: Emphasis;
  /** What stands at the end of the bar. */
  readonly text: string;
}

export interface Line {
  readonly emphasis: Emphasis;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

interface Framing {
  readonly title: string;
  readonly subtitle: string;
  readonly theme: Theme;
}

const WIDTH = 760;
const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";

/** A bar for each row, the quartiles of its rounds as a thin line. */
export function barChart(bars: readonly Bar[], { title, subtitle, theme }: Framing): string {
  const rows = bars.map((bar) => ({ ...bar, low: bar.low ?? bar.value, high: bar.high ?? bar.value }));
  const widest = Math.max(...rows.map(({ high }) => high));
  const chart = Plot.plot({
    document: emptyDocument(),
    ...frame(theme),
    height: bars.length * 34 + 12,
    marginLeft: 260,
    marginRight: 90,
    marginTop: 4,
    marginBottom: 8,
    x: { axis: null, domain: [0, widest] },
    y: { label: null, tickSize: 0, domain: rows.map(({ label }) => label), padding: 0.32 },
    marks: [
      Plot.barX(rows, {
        x: "value",
        y: "label",
        fill: ({ emphasis }: Bar) => theme.colours[emphasis],
        rx: 3,
      }),
      Plot.ruleY(rows, { x1: "low", x2: "high", y: "label", stroke: theme.text, strokeWidth: 1.5 }),
      Plot.text(rows, { x: "high", y: "label", text: "text", dx: 8, textAnchor: "start", fill: theme.text }),
    ],
  });
  return framed(chart.outerHTML, bars.length * 34 + 12, { title, subtitle, theme });
}

/** A line through its points; both axes begin at 0. */
export function lineChart(
  { points, emphasis }: Line,
  axes: { readonly x: string; readonly y: string },
  { title, subtitle, theme }: Framing,
): string {
  const height = 300;
  const colour = theme.colours[emphasis];
  const most = (of: (point: Line["points"][number]) => number) => Math.max(...points.map(of));
  const chart = Plot.plot({
    document: emptyDocument(),
    ...frame(theme),
    height,
    marginLeft: 60,
    marginRight: 40,
    marginBottom: 44,
    x: {
      label: axes.x,
      labelAnchor: "center",
      labelArrow: "none",
      domain: [0, most(({ x }) => x)],
      tickFormat: (value: number) => value.toLocaleString("en"),
      ticks: 6,
    },
    y: { label: axes.y, labelArrow: "none", domain: [0, most(({ y }) => y) * 1.15], ticks: 5 },
    marks: [
      Plot.gridY({ stroke: theme.faint, strokeOpacity: 1, ticks: 5 }),
      Plot.lineY(points, { x: "x", y: "y", stroke: colour, strokeWidth: 2 }),
      Plot.dot(points, { x: "x", y: "y", fill: colour, r: 2.5 }),
    ],
  });
  return framed(chart.outerHTML, height, { title, subtitle, theme });
}

function emptyDocument(): Document {
  return parseHTML("<!doctype html><html><body></body></html>").document;
}

function frame(theme: Theme): Plot.PlotOptions {
  return {
    width: WIDTH,
    style: { background: "transparent", color: theme.text, fontFamily: FONT, fontSize: "13px" },
  };
}

const HEAD = 58;

/** Puts title and subtitle over a chart, in one SVG that needs nothing from outside. */
function framed(svg: string, height: number, { title, subtitle, theme }: Framing): string {
  const inner = svg.replace("<svg ", `<svg y="${HEAD}" `);
  const line = (y: number, size: number, weight: number, content: string) =>
    `<text x="4" y="${y}" font-size="${size}" font-weight="${weight}" fill="${theme.text}">${escapeXml(content)}</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height + HEAD}" viewBox="0 0 ${WIDTH} ${height + HEAD}" font-family="${FONT}" role="img"><title>${escapeXml(title)}</title>${line(22, 17, 600, title)}${line(43, 13, 400, subtitle)}${inner}</svg>\n`;
}

function escapeXml(value: string): string {
  return value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
