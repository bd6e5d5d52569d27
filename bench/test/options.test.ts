import { describe, expect, it } from "vitest";
import { PARTS, readOptions, UsageError } from "../options.ts";

describe("npm run bench", () => {
  it("measures everything unless told otherwise", () => {
    expect(readOptions([])).toMatchObject({ quick: false, parts: PARTS, command: "npm run bench" });
  });

  it("measures the parts it is asked for, in its own order, and says the command that does so", () => {
    const [first = "", last = ""] = [PARTS[0], PARTS.at(-1)];
    const options = readOptions(["--quick", "--only", `${last}, ${first}`]);
    expect(options.parts).toEqual(PARTS.filter((part) => part === first || part === last));
    expect(options.command).toBe(`npm run bench -- --quick --only ${last},${first}`);
  });

  it("names another revision in the command, and neither where figures go nor where they come from", () => {
    const options = readOptions([
      "--only",
      "logins",
      "--beside",
      "HEAD~1",
      "--json",
      "figures.json",
      "--update",
    ]);
    expect(options).toMatchObject({ beside: "HEAD~1", update: true, from: undefined });
    expect(options.command).toBe("npm run bench -- --only logins --beside HEAD~1");
  });

  it("refuses what it does not know, and says what there is", () => {
    expect(() => readOptions(["--only", "everything"])).toThrow(UsageError);
    expect(() => readOptions(["--only", "everything"])).toThrow([...PARTS, "endurance"].join(", "));
    expect(readOptions([]).parts).not.toContain("endurance");
    expect(readOptions(["--only", "endurance"]).parts).toEqual(["endurance"]);
    expect(() => readOptions(["--fast"])).toThrow(UsageError);
  });
});
