import type { Design } from "../designs/design.ts";
import { comparedWith, HONO, OURS_D1 } from "../designs/designs.ts";
import type { SizeFigures } from "../parts/size.ts";
import { goal, number, picture, table } from "./markdown.ts";
import type { Chart, Section } from "./section.ts";

/** The goal for the whole bundle, gzip, in bytes. */
const GOAL = 45 * 1024;

export function sizeSection({ sizes, parts }: SizeFigures, earlier?: Design): Section {
  const compared = comparedWith(earlier);
  const sizeOf = (id: string) => sizes.find(({ design }) => design === id);
  const ours = sizeOf(OURS_D1.id);
  const before = earlier && sizeOf(earlier.id);
  const total = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  const dependencies = parts.filter(({ name }) => !name.startsWith("src/") && !name.startsWith("texts"));
  const ofOthers = dependencies.reduce((sum, { bytes }) => sum + bytes, 0);
  const texts = parts.find(({ name }) => name.startsWith("texts"))?.bytes ?? 0;
  const chart: Chart = {
    name: "bundle-size",
    title: "Bundle size",
    subtitle: "KiB, minified and gzip; less is better",
    bars: compared.flatMap(({ id, name, kind }) => {
      const size = sizeOf(id);
      return size === undefined
        ? []
        : [{ label: name, value: size.gzip, emphasis: kind, text: kib(size.gzip) }];
    }),
  };
  return {
    markdown: [
      "## Bundle size",
      "What `wrangler deploy` uploads, with everything that is in it: this project's bundle holds its pages in five languages, the member's own page, customer service and the native apps; the peers' hold the login alone, and no pages but Auth.js' plain ones.",
      table(
        [
          { heading: "" },
          { heading: "minified", align: "right" },
          { heading: "gzip", align: "right" },
          { heading: "gzip, of Hono", align: "right" },
        ],
        compared.flatMap(({ id, name, kind }) => {
          const size = sizeOf(id);
          if (size === undefined) return [];
          const ofHono = size.gzip / (sizeOf(HONO.id)?.gzip ?? Number.NaN);
          return [
            [kind === "ours" ? `**${name}**` : name, kib(size.minified), kib(size.gzip), number(ofHono, 1)],
          ];
        }),
      ),
      picture("bundle-size", "The size of each bundle, minified and gzip"),
      "### Whose the bytes are",
      `The minified bytes of this project's bundle, by esbuild's own account. ${number((ofOthers / total) * 100)} % are dependencies.`,
      table(
        [{ heading: "part" }, { heading: "minified", align: "right" }, { heading: "share", align: "right" }],
        parts.map(({ name, bytes }) => [name, kib(bytes), `${number((bytes / total) * 100, 1)} %`]),
      ),
    ].join("\n\n"),
    charts: [chart],
    goals: [
      goal(
        `the whole bundle, at most ${kib(GOAL)} gzip`,
        (ours?.gzip ?? Number.POSITIVE_INFINITY) <= GOAL,
        `${kib(ours?.gzip ?? Number.NaN)}, of ${kib(ours?.minified ?? Number.NaN)} minified`,
        `Dependencies alone are ${kib(ofOthers)} minified and the texts in five languages ${kib(texts)}; [whose the bytes are](#whose-the-bytes-are) lists the rest. What the peers leave to the site, pages, accounts, sessions, customer service, is in this bundle.`,
      ),
      ...(before === undefined || ours === undefined || earlier === undefined
        ? []
        : [
            goal(
              `the bundle, gzip, not larger than ${earlier.name.split(", ").at(-1)}'s`,
              ours.gzip <= before.gzip,
              `${kib(ours.gzip)} beside ${kib(before.gzip)}`,
            ),
          ]),
    ],
  };
}

function kib(bytes: number): string {
  return `${number(bytes / 1024, 1)} KiB`;
}
