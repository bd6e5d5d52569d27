import type { Design } from "../designs/design.ts";
import {
  AUTH_JS,
  BETTER_AUTH_D1,
  BETTER_AUTH_STATELESS,
  OIDC_AUTH,
  OURS_D1,
  PEERS,
} from "../designs/designs.ts";
import { NO_WAITS } from "../parts/operation.ts";
import type { StepCount, StepFigures } from "../parts/steps.ts";
import {
  ASSUMED,
  centralTime,
  edgeTime,
  type ObjectPlacement,
  PLACED,
  recordedAtEdge,
  type Step,
} from "../world/login-times.ts";
import { DETOUR, distance, PUBLISHED, roundTrip } from "../world/network.ts";
import {
  AMSTERDAM,
  CITIES,
  type City,
  OSLO,
  PARIS,
  type Place,
  SYDNEY,
  WASHINGTON,
} from "../world/places.ts";
import { goal, number, picture, table } from "./markdown.ts";
import type { Chart, Section } from "./section.ts";

type LoginStep = "start" | "finish";

/** A way to place the login in the world. */
interface Placed {
  readonly name: string;
  readonly kind: Design["kind"];
  readonly time: (city: City, step: LoginStep) => number;
}

/** The goal: at most this many times a design that stores nothing, in every city. */
const OF_STATELESS = 1.4;

export function worldSection({ counts }: StepFigures, earlier?: Design): Section {
  const find = (design: string, step: LoginStep, state: StepCount["state"]) =>
    counts.find((count) => count.design === design && count.step === step && count.state === state);
  const atEdge = (
    design: Design,
    state: StepCount["state"],
    { name = design.name, placement = PLACED as ObjectPlacement, change = (step: Step) => step } = {},
  ): Placed | undefined => {
    const [start, counted] = [find(design.id, "start", state), find(design.id, "finish", state)];
    if (start === undefined || counted === undefined) return undefined;
    const finish = change(counted);
    const { kind } = design;
    return {
      name,
      kind,
      time: (city, step) =>
        step === "start"
          ? edgeTime(city, start, "open", placement)
          : edgeTime(city, finish, "new", placement),
    };
  };
  const central = (name: string, server: Place): Placed => ({
    name,
    kind: "baseline",
    time: (city, step) => centralTime(city, server, step),
  });
  const servers = [central("a server in Amsterdam", AMSTERDAM), central("a server in Virginia", WASHINGTON)];
  const designs = [OURS_D1, ...(earlier === undefined ? [] : [earlier]), ...PEERS];
  const placed = (state: StepCount["state"]) =>
    [...designs.map((design) => atEdge(design, state)), ...servers].filter((one) => one !== undefined);
  const warm = placed("warm");
  const choices = [
    atEdge(OURS_D1, "warm"),
    atEdge(OURS_D1, "warm", { name: "… objects near the visitor", placement: "near the visitor" }),
    atEdge(OURS_D1, "warm", { name: "… session recorded at the edge", change: recordedAtEdge }),
  ].filter((one) => one !== undefined);
  return {
    markdown: [
      "## The world on paper",
      "What somebody would wait on Cloudflare, by a small model (`bench/world/`): the round trips counted above, times what such a round trip takes from where the person is. It says nothing about load, and leaves out what is the same for all: the time at Vipps, and the page that follows. Milliseconds.",
      "### Starting a login, warm",
      cityTable(warm, "start"),
      "### The callback, warm",
      cityTable(warm, "finish"),
      "### Where the objects stand",
      "The callback once more, with what could have been chosen otherwise: objects that finish logins where their first caller is instead of at `LOGIN_LOCATION`; and the session recorded by the Worker at the edge instead of by that object, in an object of its own that is then born near the visitor. “Of nothing stored” is start and callback together beside better-auth's stateless design.",
      choiceTable(choices, warm),
      farther(counts),
      ...[OSLO, SYDNEY].map((place) =>
        picture(
          `world-${place.name.toLowerCase()}`,
          `Login start and callback for somebody in ${place.name}`,
        ),
      ),
      laterRequests(),
      "### In a cold isolate",
      "The first login after a deployment, or where nobody has logged in for a while. Start and callback together, in milliseconds.",
      coldTable(placed("cold"), warm),
      ...assumptions(),
    ]
      .filter((part) => part !== undefined)
      .join("\n\n"),
    charts: [chartOf(warm, OSLO), chartOf(warm, SYDNEY)],
    goals: goals(warm, choices),
  };
}

function cityTable(placed: readonly Placed[], step: LoginStep): string {
  return table(
    [
      { heading: "" },
      ...placed.map(({ name, kind }) => ({ heading: bold(name, kind), align: "right" }) as const),
    ],
    CITIES.map((city) => [city.place.name, ...placed.map(({ time }) => number(time(city, step)))]),
  );
}

/** Start and callback together. */
function whole({ time }: Placed, city: City): number {
  return time(city, "start") + time(city, "finish");
}

function choiceTable(choices: readonly Placed[], placed: readonly Placed[]): string {
  const stateless = placed.find(({ name }) => name === BETTER_AUTH_STATELESS.name);
  return table(
    [
      { heading: "" },
      ...choices.flatMap(({ name, kind }, index) => [
        { heading: index === 0 ? bold(name, kind) : name, align: "right" } as const,
        { heading: "of nothing stored", align: "right" } as const,
      ]),
    ],
    CITIES.map((city) => [
      city.place.name,
      ...choices.flatMap((choice) => [
        number(choice.time(city, "finish")),
        stateless === undefined ? "–" : number(whole(choice, city) / whole(stateless, city), 2),
      ]),
    ]),
  );
}

/** What it costs when the platform takes the hint for another city than the model does. */
function farther(counts: StepFigures["counts"]): string | undefined {
  const finish = counts.find(
    ({ design, step, state }) => design === OURS_D1.id && step === "finish" && state === "warm",
  );
  if (finish === undefined) return undefined;
  const times = [OSLO, SYDNEY].map((place) => {
    const city = { place, edge: place };
    const [here, there] = [edgeTime(city, finish, "new"), edgeTime(city, finish, "new", PARIS)];
    return `${number(there)} ms instead of ${number(here)} in ${place.name}`;
  });
  return `If Cloudflare took \`weur\` for ${PARIS.name}, ${number(distance(PARIS, PLACED))} km from Vipps and D1, the callback would take ${times.join(", and ")}.`;
}

function goals(warm: readonly Placed[], choices: readonly Placed[]): readonly string[] {
  const named = (design: Design) => warm.find(({ name }) => name === design.name);
  const [ours, stateless] = [named(OURS_D1), named(BETTER_AUTH_STATELESS)];
  if (ours === undefined || stateless === undefined) return [];
  const peers = [OIDC_AUTH, AUTH_JS, BETTER_AUTH_D1].map(named).filter((peer) => peer !== undefined);
  const behind = CITIES.flatMap((city) =>
    peers
      .filter((peer) => whole(ours, city) >= whole(peer, city))
      .map((peer) => `${city.place.name} (${peer.name})`),
  );
  const worst = (choice: Placed) => {
    const ratios = CITIES.map((city) => ({
      city: city.place.name,
      ratio: whole(choice, city) / whole(stateless, city),
    })).sort((a, b) => b.ratio - a.ratio);
    return { ...ratios[0], over: ratios.filter(({ ratio }) => ratio > OF_STATELESS).length };
  };
  const { city = "", ratio = Number.NaN, over } = worst(ours);
  const others = choices.slice(1).map((choice) => {
    const other = worst(choice);
    return `${choice.name.replace("… ", "")}: ${number(other.ratio ?? Number.NaN, 2)}, ${other.over} of them above`;
  });
  return [
    goal(
      `start and callback together, by the model, ahead of @hono/oidc-auth, Auth.js and better-auth with D1 in all ${CITIES.length} cities`,
      behind.length === 0,
      behind.length === 0 ? "ahead in all" : `not ahead in ${behind.join(", ")}`,
    ),
    goal(
      `start and callback together, by the model, at most ${OF_STATELESS} times a design that stores nothing in every city`,
      ratio <= OF_STATELESS,
      `${number(ratio, 2)} in ${city}, the worst; ${over} of ${CITIES.length} above`,
      `With ${others.join("; with ")}.`,
    ),
  ];
}

/** What no step of a login shows: the many requests that come after it. */
function laterRequests(): string {
  const nothing = {
    requests: 1,
    waits: { edge: NO_WAITS, object: NO_WAITS },
  };
  const [oslo, sydney] = [OSLO, SYDNEY].map((place) => {
    const edge = number(edgeTime({ place, edge: place }, nothing, "open"));
    const server = number(ASSUMED.accessNetwork + roundTrip(place, AMSTERDAM));
    return `${edge} ms in ${place.name} (${server} ms to the server in Amsterdam)`;
  });
  return `Every later request waits for nothing behind the edge while the session's token is fresh: ${oslo}, ${sydney}. A login is one request in many.`;
}

function coldTable(cold: readonly Placed[], warm: readonly Placed[]): string {
  const shown = CITIES.filter(({ place }) => place === OSLO || place === SYDNEY);
  return table(
    [
      { heading: "" },
      ...shown.flatMap(({ place }) => [
        { heading: `${place.name}, warm`, align: "right" } as const,
        { heading: `${place.name}, cold`, align: "right" } as const,
      ]),
    ],
    cold.map(({ name, kind, time }) => [
      bold(name, kind),
      ...shown.flatMap((city) => {
        const whole = (of: Placed["time"] | undefined) =>
          of === undefined ? "–" : number(of(city, "start") + of(city, "finish"));
        return [whole(warm.find((one) => one.name === name)?.time), whole(time)];
      }),
    ]),
  );
}

function chartOf(placed: readonly Placed[], place: Place): Chart {
  const city = CITIES.find((one) => one.place === place);
  return {
    name: `world-${place.name.toLowerCase()}`,
    title: `Somebody in ${place.name}: login start and callback together`,
    subtitle: "Milliseconds by the model, warm; less is better",
    bars:
      city === undefined
        ? []
        : placed.map(({ name, kind, time }) => {
            const value = time(city, "start") + time(city, "finish");
            return { label: name, value, emphasis: kind, text: `${number(value)} ms` };
          }),
  };
}

function assumptions(): readonly string[] {
  const { accessNetwork, provider, durableWrite, kvRead, localDatabase } = ASSUMED;
  const errors = PUBLISHED.map(({ from, to, milliseconds }) => roundTrip(from, to) / milliseconds - 1);
  const worst = Math.max(...errors.map(Math.abs));
  return [
    "### Sources and assumptions",
    [
      `- **A round trip** is a model: the great circle there and back at 200 km a millisecond (light in fibre), times ${DETOUR} for detours and routers, and 1 ms. Beside published figures it is at most ${number(worst * 100)} % off (below).`,
      `- **From the person to the edge**: ${accessNetwork} ms for the access network (an assumption) and the way to the nearest data centre that [cloudflare.com/network](https://www.cloudflare.com/network/) lists. Cloudflare says that 95 % of those connected to the Internet are within about 50 ms of it. Internet providers may route elsewhere.`,
      "- **Connections**: starting a login uses the connection that the page before it has opened; the callback opens a new one (TCP and TLS 1.3, two round trips more). Connections between servers are open.",
      `- **Vipps** is taken to be near Amsterdam: the addresses of its outgoing requests, which [its developer pages](https://developer.vippsmobilepay.com/docs/developer-resources/servers/) tell how to look up, belong to Azure's West Europe. Where its login answers is not published. Each request takes it ${provider} ms (an assumption).`,
      `- **Durable Objects** are [born close to the first request](https://developers.cloudflare.com/durable-objects/reference/data-location/), not in every data centre. Cities are not published; the model knows ten, none of them Nordic, so that it errs against this design. Those that finish logins are [asked for in western Europe](https://developers.cloudflare.com/durable-objects/reference/data-location/#provide-a-location-hint) (\`LOGIN_LOCATION\`, by default \`weur\`) and taken to be in ${PLACED.name}. Each call takes a durable write of ${durableWrite} ms (an assumption); what an object asks of others is asked from where it stands.`,
      `- **D1** has one primary; it is taken to be in Amsterdam, ${durableWrite} ms for each call beside the way. The same for all with D1.`,
      `- **KV**: ${kvRead} ms for a value that others have read lately (an assumption).`,
      `- **A server in one place** keeps its database beside it (${localDatabase} ms a statement) and the provider's documents in memory, and makes one token request. That is as good as it can be; one in Amsterdam is beside the provider and has no way to go.`,
      "- Processor time is left out: it is a few milliseconds at most (see above).",
    ].join("\n"),
    table(
      [
        { heading: "round trip" },
        { heading: "distance", align: "right" },
        { heading: "published", align: "right" },
        { heading: "model", align: "right" },
        { heading: "source" },
      ],
      PUBLISHED.map(({ from, to, milliseconds, source }) => [
        `${from.name} – ${to.name}`,
        `${number(distance(from, to))} km`,
        `${number(milliseconds)} ms`,
        `${number(roundTrip(from, to))} ms`,
        source,
      ]),
    ),
    "IBM Cloud: [inter-region latency](https://cloud.ibm.com/docs/vpc?topic=vpc-network-latency-dashboard), averages of 8 November to 7 December 2025. cloudping.co: [matrix of AWS regions](https://cloudping.co/), read in November 2026.",
  ];
}

function bold(name: string, kind: Design["kind"]): string {
  return kind === "ours" ? `**${name}**` : name;
}
