import type { Environment } from "./environment.ts";
import type { CostFigures } from "./parts/cost.ts";
import type { EnduranceFigures } from "./parts/endurance.ts";
import type { LoginFigures } from "./parts/logins.ts";
import type { MemoryFigures } from "./parts/memory.ts";
import type { ScaleFigures } from "./parts/scale.ts";
import type { SessionFigures } from "./parts/session.ts";
import type { SizeFigures } from "./parts/size.ts";
import type { StartFigures } from "./parts/start.ts";
import type { StepFigures } from "./parts/steps.ts";

/** Everything one run measured; a part that was not asked for, or failed, is missing. */
export interface Results {
  readonly environment: Environment;
  readonly quick: boolean;
  readonly command: string;
  readonly session?: SessionFigures;
  readonly logins?: LoginFigures;
  readonly steps?: StepFigures;
  readonly scale?: ScaleFigures;
  readonly cost?: CostFigures;
  readonly size?: SizeFigures;
  readonly start?: StartFigures;
  readonly memory?: MemoryFigures;
  readonly endurance?: EnduranceFigures;
}
