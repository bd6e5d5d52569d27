import type { Design } from "./designs/design.ts";
import type { Environment } from "./environment.ts";
import type { AttemptsFigures } from "./parts/attempts.ts";
import type { CostFigures } from "./parts/cost.ts";
import type { EnduranceFigures } from "./parts/endurance.ts";
import type { LoginFigures } from "./parts/logins.ts";
import type { MemoryFigures } from "./parts/memory.ts";
import type { ScaleFigures } from "./parts/scale.ts";
import type { SessionFigures } from "./parts/session.ts";
import type { SizeFigures } from "./parts/size.ts";
import type { StartFigures } from "./parts/start.ts";
import type { StepFigures } from "./parts/steps.ts";
import type { WalkFigures } from "./parts/walk.ts";

/** Everything one run measured; a part that was not asked for, or failed, is missing. */
export interface Results {
  readonly environment: Environment;
  readonly quick: boolean;
  readonly command: string;
  /** Another revision of this project that was measured beside it. */
  readonly earlier?: Design | undefined;
  readonly session?: SessionFigures;
  readonly logins?: LoginFigures;
  readonly attempts?: AttemptsFigures;
  readonly steps?: StepFigures;
  readonly walk?: WalkFigures;
  readonly scale?: ScaleFigures;
  readonly cost?: CostFigures;
  readonly size?: SizeFigures;
  readonly start?: StartFigures;
  readonly memory?: MemoryFigures;
  readonly endurance?: EnduranceFigures;
}
