import type { Hono } from "hono";
import type { SimulatorControl } from "./control.ts";
import type { Provider } from "./provider.ts";

export function addControlRoutes(_app: Hono, _provider: Provider, _control: SimulatorControl): void {}
