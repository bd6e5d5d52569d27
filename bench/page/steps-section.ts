import type { Design } from "../designs/design.ts";
import { loginsWith, OURS_D1 } from "../designs/designs.ts";
import { type Kind, type Operation, totalOf } from "../parts/operation.ts";
import { STEPS, type StepCount, type StepFigures, type StepName } from "../parts/steps.ts";
import { goal, table } from "./markdown.ts";
import type { Section } from "./section.ts";

const TITLES: Readonly<Record<StepName, string>> = {
  start: "Starting a login",
  finish: "Finishing a login (the callback)",
  session: "The session route",
  guarded: "A guarded page",
};

const COLUMNS: readonly { readonly heading: string; readonly kinds: readonly Kind[] }[] = [
  { heading: "requests to the provider", kinds: ["fetch"] },
  { heading: "KV reads", kinds: ["kv read"] },
  { heading: "KV writes", kinds: ["kv write"] },
  { heading: "Durable Object calls", kinds: ["placed object", "durable object"] },
  { heading: "D1 round trips (statements, of them writes)", kinds: ["d1"] },
];

/** The goal for the callback: this many waits from the edge. */
const GOAL = 2;

export function stepsSection(figures: StepFigures, earlier?: Design): Section {
  const callback = figures.counts.find(
    ({ design, step, state }) => design === OURS_D1.id && step === "finish" && state === "warm",
  );
  return {
    markdown: [
      "## Round trips",
      `What a step asks of others, counted by an instrument around the Worker that is the same for all: every fetch, and every call of a KV, Durable Object or D1 binding. \`+\` is what begins behind the answer, for which nobody waits. “Waits” is how many of them the answer waits for one after the other: found by making each kind ${figures.delay} ms slower and looking how much later the answer comes, so what runs side by side counts once. Warm: the isolate has served logins before. Cold: it has served nothing, but KV holds what an earlier one stored. “In the object” is what is asked, and waited for, not where the visitor is but within a Durable Object that the edge called. Statements inside a Durable Object are not counted: they cross no network.`,
      ...STEPS.flatMap((step) => [`### ${TITLES[step]}`, tableOf(figures, step, earlier)]),
      "A design that never fetches the provider's keys does not check the signature of the ID token; OpenID Connect Core (section 3.1.3.7) lets it trust the TLS connection to the token endpoint instead. With Vipps, which gives no refresh token, @hono/oidc-auth repeats start and finish every 15 minutes.",
    ].join("\n\n"),
    charts: [],
    goals:
      callback === undefined
        ? []
        : [
            goal(
              `the callback of somebody who is known, with D1, waits at most ${GOAL} times from the edge`,
              totalOf(callback.waits.edge) <= GOAL,
              `${totalOf(callback.waits.edge)}, and ${totalOf(callback.waits.object)} in the object`,
            ),
          ],
  };
}

function tableOf({ counts }: StepFigures, step: StepName, earlier: Design | undefined): string {
  const columns = [
    { heading: "" },
    { heading: "" },
    ...COLUMNS.map(({ heading }) => ({ heading })),
    { heading: "waits from the edge", align: "right" },
    { heading: "waits in the object", align: "right" },
  ] as const;
  const rows = loginsWith(earlier).flatMap(({ id, name, kind }) =>
    counts
      .filter((count) => count.design === id && count.step === step)
      .map((count) => [
        kind === "ours" ? `**${name}**` : name,
        count.state,
        ...COLUMNS.map(({ kinds }) => cell(count, kinds)),
        String(totalOf(count.waits.edge)),
        String(totalOf(count.waits.object)),
      ]),
  );
  return table(columns, rows);
}

function cell({ operations }: StepCount, kinds: readonly Kind[]): string {
  const own = operations.filter((operation) => kinds.includes(operation.kind));
  const [before, behind] = [own.filter((one) => !one.behindAnswer), own.filter((one) => one.behindAnswer)];
  const [edge, object] = [
    before.filter(({ origin }) => origin === "edge"),
    before.filter(({ origin }) => origin === "object"),
  ];
  const parts = [
    edge.length > 0 ? words(edge) : undefined,
    object.length > 0 ? `in the object ${words(object)}` : undefined,
    behind.length > 0 ? `+ ${words(behind)}` : undefined,
  ];
  return parts.filter((part) => part !== undefined).join(" ") || "–";
}

/** How many, and what: the last part of a path, the statements of a database. */
function words(operations: readonly Operation[]): string {
  const [first] = operations;
  if (first?.kind === "kv read" || first?.kind === "kv write") return String(operations.length);
  if (first?.kind === "d1") {
    const sum = (of: (operation: Operation) => number | undefined) =>
      operations.reduce((total, operation) => total + (of(operation) ?? 0), 0);
    return `${operations.length} (${sum(({ statements }) => statements)}, ${sum(({ writes }) => writes)})`;
  }
  const names = operations.map(({ name }) => name.split("/").at(-1) ?? name).map(shortened);
  return `${operations.length}: ${names.join(", ")}`;
}

function shortened(name: string): string {
  return name === "openid-configuration" ? "discovery" : name.replace(".json", "");
}
