import { LOGINS } from "../designs/designs.ts";
import { KINDS, type Kind, type Operation } from "../parts/operation.ts";
import { STEPS, type StepCount, type StepFigures, type StepName } from "../parts/steps.ts";
import { table } from "./markdown.ts";
import type { Section } from "./section.ts";

const TITLES: Readonly<Record<StepName, string>> = {
  start: "Starting a login",
  finish: "Finishing a login (the callback)",
  session: "The session route",
  guarded: "A guarded page",
};

const HEADINGS: Readonly<Record<Kind, string>> = {
  fetch: "requests to the provider",
  "kv read": "KV reads",
  "kv write": "KV writes",
  "durable object": "Durable Object calls",
  d1: "D1 round trips (statements, of them writes)",
};

export function stepsSection(figures: StepFigures): Section {
  return {
    markdown: [
      "## Round trips",
      `What a step asks of others, counted by an instrument around the Worker that is the same for all: every fetch, and every call of a KV, Durable Object or D1 binding. \`+\` is what begins behind the answer, for which nobody waits. “Waits” is how many of them the answer waits for one after the other: found by making each kind ${figures.delay} ms slower and looking how much later the answer comes, so what runs side by side counts once. Warm: the isolate has served logins before. Cold: it has served nothing, but KV holds what an earlier one stored. Statements inside a Durable Object are not counted: they cross no network.`,
      ...STEPS.flatMap((step) => [`### ${TITLES[step]}`, tableOf(figures, step)]),
      "A design that never fetches the provider's keys does not check the signature of the ID token; OpenID Connect Core (section 3.1.3.7) lets it trust the TLS connection to the token endpoint instead. With Vipps, which gives no refresh token, @hono/oidc-auth repeats start and finish every 15 minutes.",
    ].join("\n\n"),
    charts: [],
    goals: [],
  };
}

function tableOf({ counts }: StepFigures, step: StepName): string {
  const columns = [
    { heading: "" },
    { heading: "" },
    ...KINDS.map((kind) => ({ heading: HEADINGS[kind] })),
    { heading: "waits", align: "right" },
  ] as const;
  const rows = LOGINS.flatMap(({ id, name, kind }) =>
    counts
      .filter((count) => count.design === id && count.step === step)
      .map((count) => [
        kind === "ours" ? `**${name}**` : name,
        count.state,
        ...KINDS.map((one) => cell(count, one)),
        String(KINDS.reduce((total, one) => total + count.waits[one], 0)),
      ]),
  );
  return table(columns, rows);
}

function cell({ operations }: StepCount, kind: Kind): string {
  const own = operations.filter((operation) => operation.kind === kind);
  const [before, behind] = [own.filter((one) => !one.behindAnswer), own.filter((one) => one.behindAnswer)];
  const parts = [
    before.length > 0 ? words(before) : undefined,
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
