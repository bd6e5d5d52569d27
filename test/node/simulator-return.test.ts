import { describe, expect, it } from "vitest";
import { logInAsPerson } from "../../simulator/person.ts";
import type { Simulator } from "../../simulator/simulator.ts";
import {
  authorize,
  authorizeUrl,
  logIn,
  parametersOf,
  REDIRECT_URI,
  simulatorWith,
} from "./simulator-relying-party.ts";

describe("the way back", () => {
  const back = async (simulator: Simulator) =>
    logInAsPerson(simulator.fetch, authorizeUrl(), {}).then((url) => url.searchParams);

  it.each([
    ["lost", []],
    ["altered", ["state-of-24-characters-A"]],
    ["duplicated", ["state-of-24-characters-x", "state-of-24-characters-x"]],
    ["proper", ["state-of-24-characters-x"]],
  ] as const)("state %s", async (returnState, states) => {
    const simulator = simulatorWith();
    simulator.control.setBehaviour({ returnState });
    const parameters = await back(simulator);
    expect(parameters.getAll("state")).toEqual(states);
    expect(parameters.has("code")).toBe(true);
  });

  it.each([
    ["none", null],
    ["proper", "https://apitest.vipps.no/access-management-1.0/access/"],
    ["wrong", "https://attacker.example/"],
    ["empty", ""],
  ] as const)("iss %s", async (returnIss, iss) => {
    const simulator = simulatorWith();
    simulator.control.setBehaviour({ returnIss });
    expect((await back(simulator)).get("iss")).toBe(iss);
  });

  it("an error of one's choice instead of a code, hostile text included", async () => {
    const simulator = simulatorWith();
    const returnErrorDescription = '"><script>alert(1)</script>\r\nSet-Cookie: a=b æøå';
    simulator.control.setBehaviour({ returnError: "no_such_code", returnErrorDescription });
    expect(Object.fromEntries(await back(simulator))).toEqual({
      error: "no_such_code",
      error_description: returnErrorDescription,
      state: "state-of-24-characters-x",
    });
  });

  it("the state glued to the description, exactly as documented", async () => {
    const simulator = simulatorWith();
    simulator.control.setBehaviour({ returnState: "glued" });
    const url = await logInAsPerson(simulator.fetch, authorizeUrl(), { cancelAt: "app" });
    expect(url.href).toBe(
      `${REDIRECT_URI}?error=access_denied&error_description=user%20cancelled%20the%20login?state=state-of-24-characters-x`,
    );
  });

  it("the faults apply to errors of the authorize request too", async () => {
    const simulator = simulatorWith();
    simulator.control.setBehaviour({ returnState: "lost", returnIss: "proper" });
    const response = await authorize(simulator, { scope: "name" });
    expect(parametersOf(response.headers.get("Location"))).toEqual({
      error: "invalid_scope",
      error_description: expect.any(String),
      iss: simulator.issuer,
    });
  });

  it("another browser: the link is shown, not followed, and works once", async () => {
    const simulator = simulatorWith();
    simulator.control.setBehaviour({ returnBrowser: "other" });
    const pages: { status: number; page: string }[] = [];
    const watching = async (request: Request) => {
      const response = await simulator.fetch(request);
      pages.push({ status: response.status, page: await response.clone().text() });
      return response;
    };
    const url = await logInAsPerson(watching, authorizeUrl());
    expect(pages.at(-1)?.status).toBe(200);
    expect(pages.at(-1)?.page).toContain("Return in another browser");
    expect(url.href).toMatch(`${REDIRECT_URI}?code=`);
    const { claims } = await logIn(simulator);
    expect(claims.name).toBe("Kari Nordmann");
  });
});
