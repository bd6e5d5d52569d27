import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { parse } from "@decimalturn/toml-patch";
import { UsageError } from "../options.ts";
import type { Design } from "./design.ts";
import { OURS_D1 } from "./ours.ts";

interface WranglerConfig {
  readonly durable_objects: {
    readonly bindings: readonly { readonly name: string; readonly class_name: string }[];
  };
}

/**
 * Another revision of this project as a design, configured like today's. Its files are unpacked and use the packages
 * that are installed here.
 * @param root the repository
 * @param folder where its files go: outside the repository, so that nothing of it can be committed
 * @throws {UsageError} when there is no such revision
 */
export function earlierDesign(root: string, revision: string, folder: string): Design {
  const project = join(folder, "earlier");
  mkdirSync(project, { recursive: true });
  const commit = git(root, revision, [
    "rev-parse",
    "--short",
    "--verify",
    "--end-of-options",
    `${revision}^{commit}`,
  ]);
  const id = commit.toString("utf8").trim();
  const files = git(root, revision, ["archive", "--format=tar", id]);
  execFileSync("tar", ["--extract", "--directory", project], { input: files });
  symlinkSync(join(root, "node_modules"), join(project, "node_modules"));
  const config = parse(readFileSync(join(project, "wrangler.toml"), "utf8")) as WranglerConfig;
  const migrations = join(project, "migrations");
  return {
    ...OURS_D1,
    id: "earlier",
    name: `vipps-login-worker, commit ${id}`,
    kind: "baseline",
    source: { project },
    bindings: {
      ...OURS_D1.bindings,
      d1: {
        name: OURS_D1.bindings.d1?.name ?? "",
        schema: readdirSync(migrations)
          .sort()
          .map((file) => join(migrations, file)),
      },
      durableObjects: Object.fromEntries(
        config.durable_objects.bindings.map(({ name, class_name }) => [name, class_name]),
      ),
    },
    configuredAs: "This project at that commit, configured as above.",
  };
}

function git(root: string, revision: string, args: readonly string[]): Buffer {
  try {
    return execFileSync("git", [...args], {
      cwd: root,
      maxBuffer: 2 ** 28,
      stdio: ["ignore", "pipe", "ignore"],
    });
  } catch {
    throw new UsageError(`--beside takes a revision of this repository, not “${revision}”.`);
  }
}
