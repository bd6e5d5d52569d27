import { describe, expect, it, vi } from "vitest";
import { askedNow, canBeJudged, claimsWorthAsking, readAskedBefore } from "../../src/vipps/claims.ts";
import { openBrowser } from "../worker/browser.ts";
import { accountsDatabase } from "../worker/database.ts";
import { inFakeTime, stopTime } from "./fake-time.ts";
import { logInAt } from "./hostile-provider.ts";
import { openHostileSite } from "./hostile-site.ts";

const NO_EMAIL = { email: undefined, email_verified: undefined };
const NO_NAME = { name: undefined };
const NO_PHONE = { phone_number: undefined, phone_number_verified: undefined };

/** What the ID token brings; userinfo brings all that anybody has. */
const BROUGHT = {
  everything: {},
  "all but email": NO_EMAIL,
  "all but name": NO_NAME,
  "all but number": NO_PHONE,
  "email alone": { ...NO_NAME, ...NO_PHONE },
  nothing: { ...NO_EMAIL, ...NO_NAME, ...NO_PHONE },
} as const;

/** How userinfo answers. */
const USERINFO = {
  proper: undefined,
  partial: (sub: string) => Response.json({ sub }),
  says401: () => new Response(null, { status: 401 }),
  says503: () => new Response("down", { status: 503 }),
  slow: () => new Promise<Response>(() => undefined),
} as const;

type Brought = keyof typeof BROUGHT;
type Answer = keyof typeof USERINFO;

/** `in`: logged in. `no`: an error page. With `+` userinfo was asked. */
type Outcome = "in" | "in+" | "no+";

const BASIC = "openid name phoneNumber email";

/** Scope, what came, and what happens for each of: proper, partial, 401, 503, slow. */
const TABLE: readonly (readonly [string, Brought, readonly Outcome[]])[] = [
  [BASIC, "everything", ["in", "in", "in", "in", "in"]],
  [BASIC, "all but email", ["in+", "in+", "in+", "in+", "in+"]],
  [BASIC, "all but name", ["in+", "in+", "no+", "no+", "no+"]],
  [BASIC, "all but number", ["in+", "in+", "no+", "no+", "no+"]],
  [BASIC, "email alone", ["in+", "in+", "no+", "no+", "no+"]],
  [BASIC, "nothing", ["in+", "in+", "no+", "no+", "no+"]],
  [`${BASIC} address`, "everything", ["in+", "in+", "in+", "in+", "in+"]],
  [`${BASIC} birthDate gender nin`, "everything", ["in+", "in+", "in+", "in+", "in+"]],
  [`${BASIC} customFlow`, "everything", ["in+", "in+", "in+", "in+", "in+"]],
  [`${BASIC} customFlow`, "all but email", ["in+", "in+", "in+", "in+", "in+"]],
  [`${BASIC} customFlow`, "all but number", ["in+", "in+", "no+", "no+", "no+"]],
  [`${BASIC} delegatedConsents`, "everything", ["in+", "in+", "in+", "in+", "in+"]],
  ["openid customFlow", "nothing", ["in+", "in+", "in+", "in+", "in+"]],
  ["openid", "nothing", ["in", "in", "in", "in", "in"]],
  ["openid name", "all but email", ["in", "in", "in", "in", "in"]],
  ["openid email", "all but email", ["in+", "in+", "in+", "in+", "in+"]],
  ["openid email", "nothing", ["in+", "in+", "no+", "no+", "no+"]],
];

let people = 0;

async function outcomeOf(scope: string, brought: Brought, answer: Answer): Promise<Outcome> {
  const { provider, site, browser } = openHostileSite({ vars: { VIPPS_SCOPE: scope } });
  // Somebody new each time: of a known person it is remembered what they have not.
  people += 1;
  const person = { phone_number: `47${90_000_000 + people}`, email: `person.${people}@example.com` };
  const sub = crypto.randomUUID();
  provider.claims = { sub, ...person, ...BROUGHT[brought] };
  provider.userinfo = { sub, ...person };
  const callback = provider.authorize(await browser.startLogin());
  const given = USERINFO[answer];
  if (given !== undefined) provider.answers.userinfo = () => given(sub);
  if (answer === "slow") stopTime();
  const response =
    answer === "slow"
      ? (await inFakeTime(browser.get(callback.href))).value
      : await browser.get(callback.href);
  vi.useRealTimers();
  vi.unstubAllGlobals();
  const asked = provider.count("userinfo") === 0 ? "" : "+";
  if (response.status === 303) {
    const failed = site.log.filter(({ event }) => event === "userinfo_failed");
    expect(failed).toHaveLength(asked === "+" && !["proper", "partial"].includes(answer) ? 1 : 0);
  } else {
    expect(response.status).toBe(502);
    expect((await browser.session()).authenticated).toBe(false);
  }
  return `${response.status === 303 ? "in" : "no"}${asked}` as Outcome;
}

describe("R6 what may be absent never refuses a login", () => {
  it("whatever was asked for, whatever came, and however userinfo answers", async () => {
    const answers = Object.keys(USERINFO) as Answer[];
    const rows: string[] = [];
    for (const [scope, brought, expected] of TABLE) {
      const got: Outcome[] = [];
      for (const answer of answers) got.push(await outcomeOf(scope, brought, answer));
      rows.push(`${scope.padEnd(50)} ${brought.padEnd(15)} ${got.map((one) => one.padEnd(8)).join("")}`);
      expect({ scope, brought, got }).toEqual({ scope, brought, got: expected });
    }
    console.log(
      `${"scope".padEnd(50)} ${"ID token brings".padEnd(15)} ${answers.map((one) => one.padEnd(8)).join("")}\n${rows.join("\n")}`,
    );
  });

  it("userinfo about somebody else is refused even where nothing of it was needed", async () => {
    const { provider, expectRefused } = openHostileSite({ vars: { VIPPS_SCOPE: `${BASIC} address` } });
    provider.userinfo = { sub: "00000000-0000-4000-8000-000000000000" };
    await expectRefused("userinfo_invalid");
  });
});

describe("R6 what was asked for in vain", () => {
  const hostile = () => {
    const opened = openHostileSite({ vars: { VIPPS_SCOPE: `${BASIC} address` } });
    opened.provider.claims = NO_EMAIL;
    opened.provider.userinfo = { ...NO_EMAIL };
    return opened;
  };

  it("is not asked for again at the next login, and is after a month", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { provider, site } = hostile();
    const asked = async () => {
      const before = provider.count("userinfo");
      expect((await logInAt(provider, openBrowser(site))).status).toBe(303);
      return provider.count("userinfo") - before;
    };
    const counts = [await asked(), await asked(), await asked()];
    vi.setSystemTime(Date.now() + 31 * 24 * 3600_000);
    counts.push(await asked(), await asked());
    expect(counts).toEqual([1, 0, 0, 1, 0]);
    console.log(
      `userinfo requests in five logins of a person without email and address: ${counts.join(" ")}`,
    );
  });

  it("is asked for again once the person has withdrawn the consent at Vipps", async () => {
    const { provider, site } = hostile();
    await logInAt(provider, openBrowser(site));
    await accountsDatabase().prepare("UPDATE identities SET consent_revoked_at = 1").run();
    await logInAt(provider, openBrowser(site));
    expect(provider.count("userinfo")).toBe(2);
  });

  it("is asked for again when the last answer was a failure", async () => {
    const { provider, site } = hostile();
    provider.answers.userinfo = () => new Response("down", { status: 503 });
    await logInAt(provider, openBrowser(site));
    delete provider.answers.userinfo;
    await logInAt(provider, openBrowser(site));
    await logInAt(provider, openBrowser(site));
    // Twice at the first login, for the failure might have passed; not at the third.
    expect(provider.count("userinfo")).toBe(3);
  });
});

describe("R6 the claims worth asking for", () => {
  const scope = ["openid", "name", "phoneNumber", "email", "address", "customFlow"];
  const claims = { name: "Kari", phone_number: "4799999901" };
  const NOW = 1_800_000_000;
  const DAY = 24 * 3600;

  it("are the missing ones, but for those that were asked for lately", () => {
    expect(claimsWorthAsking(scope, claims, undefined, NOW)).toEqual(["email", "address", "flowResult"]);
    const before = { at: NOW - 10 * DAY, claims: ["address", "email", "flowResult"] };
    // What is collected may have been changed by its owner; a person's address is the person's.
    expect(claimsWorthAsking(scope, claims, before, NOW)).toEqual(["flowResult"]);
    expect(claimsWorthAsking(scope, claims, { ...before, at: NOW - 31 * DAY }, NOW)).toHaveLength(3);
    expect(claimsWorthAsking(scope, claims, { ...before, at: NOW + 60 }, NOW)).toHaveLength(3);
    expect(claimsWorthAsking([...scope, "gender"], claims, { ...before, at: NOW }, NOW)).toEqual(["gender"]);
  });

  it("are kept as asked where they did not come, and consents where they did too", () => {
    const all = { ...claims, email: "kari@example.com", flowResult: {} };
    const asked = ["email", "address", "flowResult"];
    expect(askedNow(scope, all, asked, NOW)).toEqual({ at: NOW, claims: ["address", "flowResult"] });
    expect(askedNow(["openid", "name"], claims, ["name"], NOW)).toBeUndefined();
  });

  it("are read back tolerantly", () => {
    expect(readAskedBefore({ at: 1, claims: ["email", 7] })).toEqual({ at: 1, claims: ["email"] });
    for (const kept of [undefined, null, "x", [], {}, { at: "1", claims: [] }, { at: 1 }]) {
      expect(readAskedBefore(kept)).toBeUndefined();
    }
  });

  it("stop a login only where they are a name or a number, or where nothing came at all", () => {
    expect(canBeJudged(scope, claims)).toBe(true);
    expect(canBeJudged(scope, { name: "Kari" })).toBe(false);
    expect(canBeJudged(["openid", "email"], {})).toBe(false);
    expect(canBeJudged(["openid", "email"], { name: "Kari" })).toBe(true);
    expect(canBeJudged(["openid", "customFlow"], {})).toBe(true);
  });
});

describe("R6 a name", () => {
  const PARTS = { given_name: "Kari", family_name: "Nordmann" };

  /** What the account, the session and the headers behind a proxy say. */
  async function namesOf(claims: Record<string, unknown>, userinfo: Record<string, unknown> = {}) {
    const { provider, browser, logIn } = openHostileSite();
    const sub = crypto.randomUUID();
    provider.claims = { ...provider.claims, sub, given_name: undefined, family_name: undefined, ...claims };
    provider.answers.userinfo = () => Response.json({ sub, ...userinfo });
    expect((await logIn()).status).toBe(303);
    const { user } = await browser.session();
    const kept = await accountsDatabase()
      .prepare("SELECT name FROM accounts WHERE id = ?")
      .bind(user?.sub)
      .first("name");
    const told = (await browser.get("/auth/verify")).headers.get("remote-name");
    return [kept, user?.name ?? null, told];
  }

  it.each([
    ["its parts", { name: undefined, ...PARTS }, "Kari Nordmann"],
    ["its parts beside a blank", { name: " \u00a0", ...PARTS }, "Kari Nordmann"],
    ["its parts beside what nobody sees", { name: "\u200b\u2060", ...PARTS }, "Kari Nordmann"],
    ["one part", { name: undefined, given_name: "Kari", family_name: " " }, "Kari"],
    ["itself, whatever its parts", { name: "Kari N", ...PARTS }, "Kari N"],
    ["nothing but blanks", { name: " ", given_name: "", family_name: "\t" }, null],
  ])(
    "is one and the same for the account, the session and the headers: from %s",
    async (_from, claims, name) => {
      expect(await namesOf(claims)).toEqual([name, name, name]);
    },
  );

  it("that userinfo knows goes before one put together", async () => {
    const names = await namesOf({ name: undefined, ...PARTS }, { name: "Kari Anne Nordmann" });
    expect(new Set(names)).toEqual(new Set(["Kari Anne Nordmann"]));
  });
});
