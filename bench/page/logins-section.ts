import type { Design } from "../designs/design.ts";
import { LOGINS, loginsWith, OIDC_AUTH, OURS_D1, REDIRECT } from "../designs/designs.ts";
import type { LoginFigures, LoginSeries, Step } from "../parts/logins.ts";
import { ratioByRound, type Summary, summarise } from "../statistics.ts";
import { disturbedWarning, processorTime } from "./load-figures.ts";
import { goal, number, picture, table } from "./markdown.ts";
import type { Chart, Section } from "./section.ts";

/** What is shown: a design, or one of the baseline's routes. */
interface Shown {
  readonly id: string;
  readonly name: string;
  readonly kind: Design["kind"];
}

const WRITE: Shown = { id: "durable-write", name: "Bare Hono + one durable write", kind: "baseline" };
const WRITE_ALARM: Shown = { id: "durable-write-alarm", name: "… and an alarm", kind: "baseline" };

function rowsOf(step: Step, earlier: Design | undefined): readonly Shown[] {
  const designs = loginsWith(earlier);
  return step === "start" ? [REDIRECT, WRITE, WRITE_ALARM, ...designs] : designs;
}

const STEPS = ["start", "finish", "whole"] as const satisfies readonly Step[];

const TITLES: Readonly<Record<Step, string>> = {
  start: "Starting a login",
  finish: "Finishing a login",
  whole: "A whole login",
};

/** The goal for starting one: this share of a bare redirect. */
const OF_REDIRECT = 0.5;
/** Goals beside the commit before logins were sealed: this many times its whole logins and finishes. */
const OF_EARLIER = { whole: 2.5, finish: 1.3 } as const;

export function loginsSection(figures: LoginFigures, earlier?: Design): Section {
  const { secondsEach, loginsEach, loginsBefore, persons } = figures;
  const rounds = figures.series[0]?.rounds.length ?? 0;
  const start = of(figures, OURS_D1.id, "start", REDIRECT.id);
  const startOfPeer = of(figures, OURS_D1.id, "start", OIDC_AUTH.id);
  const byProcessor = (step: Step, base: string) =>
    number(
      (processorTime(find(figures, base, step, 16)) ?? Number.NaN) /
        (processorTime(find(figures, OURS_D1.id, step, 16)) ?? Number.NaN),
      2,
    );
  return {
    markdown: [
      "## Logins",
      disturbedWarning(find(figures, REDIRECT.id, "start", 16)?.rounds ?? []),
      `${rounds} rounds: logins started for ${secondsEach} s by browsers without cookies, and ${loginsEach} logins finished that had been confirmed at the provider, of ${persons} people who have an account already; ${loginsBefore} before the first round are not counted. Quartiles in brackets. The provider answers at once from the same process and core; its share is in every figure.`,
      `### ${TITLES.start}`,
      "From the click to the redirect to the provider. With Auth.js that takes the browser two requests (CSRF token, then the form); both are counted as one start. All peers but better-auth with D1 keep the login in cookies of the browser, which forgets nothing once it is used; this project seals it into the `state` and stores nothing until it comes back, when a Durable Object records that it is used. The bare routes show what storing each click would cost.",
      tableOf(figures, "start", earlier),
      picture("login-start", "Starting a login: logins a second at 16 connections"),
      `### ${TITLES.finish}`,
      "From the redirect back to the redirect into the site: the code is exchanged, the ID token checked, the session made. This project and better-auth with D1 also find the account and record a session that can be ended from elsewhere; only this project records that the login is used, once and for good, and notes it for customer service behind the answer.",
      tableOf(figures, "finish", earlier),
      picture("login-finish", "Finishing a login: logins a second at 16 connections"),
      `### ${TITLES.whole}`,
      "Both one after the other. The clock stands still while the generator plays the person at the provider; the latencies are the sums of the two.",
      tableOf(figures, "whole", earlier),
      picture("login-whole", "A whole login: logins a second at 16 connections"),
      "### What stands behind the figures",
      "A login that stores nothing is quicker than one that does. What each of them can do for it:",
      behindTable(),
    ]
      .filter((part) => part !== undefined)
      .join("\n\n"),
    charts: STEPS.map((step) => chartOf(figures, step, earlier)),
    goals: [
      goal(
        `starting a login, at least ${OF_REDIRECT.toFixed(2)} of a bare Hono redirect and as many as @hono/oidc-auth`,
        start.median >= OF_REDIRECT && startOfPeer.median >= 1,
        `${number(start.median, 2)} (by processor time ${byProcessor("start", REDIRECT.id)}); of @hono/oidc-auth, ${number(startOfPeer.median, 2)} (${byProcessor("start", OIDC_AUTH.id)})`,
        "What a start does beside the redirect is the seal, the challenge, the nonce and the cookie.",
      ),
      ...(earlier === undefined
        ? []
        : (["whole", "finish"] as const).map((step) => {
            const { median } = of(figures, OURS_D1.id, step, earlier.id);
            return goal(
              `${step === "whole" ? "whole logins" : "finishes"} a second with D1, at least ${OF_EARLIER[step].toFixed(1)} times ${earlier.name.split(", ").at(-1)}'s`,
              median >= OF_EARLIER[step],
              `${number(median, 2)} (by processor time ${byProcessor(step, earlier.id)})`,
            );
          })),
    ],
  };
}

function behindTable(): string {
  return table(
    [
      { heading: "" },
      { heading: "keeps a login that was started in" },
      { heading: "sessions can be ended from elsewhere" },
      { heading: "checks the ID token's signature" },
      { heading: "life of a session with Vipps" },
    ],
    LOGINS.flatMap(({ name, kind, login }) => {
      if (login === undefined) return [];
      const { attempt, ending, signature, life } = login.behind;
      return [[kind === "ours" ? `**${name}**` : name, attempt, ending, signature, life]];
    }),
  );
}

function tableOf(figures: LoginFigures, step: Step, earlier: Design | undefined): string {
  const columns = [
    { heading: "" },
    { heading: "logins/s, 16 connections", align: "right" },
    ...(step === "start" ? [{ heading: "of a bare redirect", align: "right" } as const] : []),
    { heading: "processor", align: "right" },
    { heading: "median, 1 connection", align: "right" },
    { heading: "p99, 16 connections", align: "right" },
  ] as const;
  const rows = rowsOf(step, earlier).flatMap(({ id, name, kind }) => {
    const [many, one] = [find(figures, id, step, 16), find(figures, id, step, 1)];
    if (many === undefined || one === undefined) return [];
    const { median, low, high } = rates(many);
    const processor = processorTime(many);
    return [
      [
        kind === "ours" ? `**${name}**` : name,
        `${number(median)} (${number(low)}–${number(high)})`,
        ...(step === "start" ? [number(of(figures, id, step, REDIRECT.id).median, 2)] : []),
        processor === undefined ? "–" : `${number(processor)} µs`,
        `${number(summarise(one.rounds.map(({ medianLatency }) => medianLatency)).median, 2)} ms`,
        `${number(summarise(many.rounds.map(({ p99Latency }) => p99Latency)).median, 1)} ms`,
      ],
    ];
  });
  return table(columns, rows);
}

function chartOf(figures: LoginFigures, step: Step, earlier: Design | undefined): Chart {
  const bars = rowsOf(step, earlier).flatMap(({ id, name, kind }) => {
    const series = find(figures, id, step, 16);
    if (series === undefined) return [];
    const { median, low, high } = rates(series);
    return [
      { label: name.replaceAll("`", ""), value: median, low, high, emphasis: kind, text: number(median) },
    ];
  });
  return {
    name: `login-${step}`,
    title: TITLES[step],
    subtitle: "Logins a second on one core, 16 connections; more is better",
    bars,
  };
}

function of(figures: LoginFigures, id: string, step: Step, base: string): Summary {
  const rate = (one: string) => find(figures, one, step, 16)?.rounds.map(({ perSecond }) => perSecond) ?? [];
  return ratioByRound(rate(id), rate(base));
}

function rates({ rounds }: LoginSeries): Summary {
  return summarise(rounds.map(({ perSecond }) => perSecond));
}

function find(
  { series }: LoginFigures,
  design: string,
  step: Step,
  connections: number,
): LoginSeries | undefined {
  return series.find((one) => one.design === design && one.step === step && one.connections === connections);
}
