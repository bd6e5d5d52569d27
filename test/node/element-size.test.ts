import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { elementScript } from "../../src/site/element-script.ts";

const script = new URL("../../src/site/vipps-login.client.js", import.meta.url);

test("the login element stays under 4 KB gzip, as it is served", () => {
  const size = gzipSync(elementScript(readFileSync(script, "utf8"), false), { level: 9 }).length;
  console.log(`vipps-login.js: ${size} bytes gzip`);
  expect(size).toBeLessThan(4096);
});
