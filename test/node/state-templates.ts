// Set-up of all tests in Node: a folder in which what takes long to make is made once for all files of a run.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  export interface ProvidedContext {
    /** For templates of storage; gone when the run is over. */
    stateTemplates: string;
  }
}

export default function setUp({ provide }: TestProject) {
  const folder = mkdtempSync(join(tmpdir(), "state-templates-"));
  provide("stateTemplates", folder);
  return () => rmSync(folder, { recursive: true, force: true });
}
