import { createRequire } from "node:module";

/** The package has no types, and is CommonJS that bundlers and Node import differently. */
const workerd: { readonly default: string } = createRequire(import.meta.url)("workerd");

/** The path of workerd's executable: the one that wrangler runs. */
export const WORKERD = workerd.default;
