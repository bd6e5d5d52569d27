import { type Attack, outcomeOf } from "./attack.ts";
import { tryToDelay } from "./costs.ts";

const attack: Attack = {
  does: "sends session cookies that are long to read",
  run: async (target) => {
    const name = "__Host-vipps-session";
    const cookies = [
      `${name}=a${" ".repeat(120_000)}x`,
      `${" ".repeat(60_000)}x${" ".repeat(60_000)}${name}=a`,
      `${name}=a;`.repeat(5_000),
      `${name}=a.${"a".repeat(120_000)}`,
      `${";".repeat(120_000)}${name}=a`,
    ];
    const seen: (readonly [boolean, string])[] = [];
    for (const cookie of cookies) {
      const request = { target: `${target.authPath}/session`, headers: [`Cookie: ${cookie}`] };
      for (const [good, line] of await tryToDelay(target, request)) {
        const shown = cookie.trim().slice(0, 24);
        seen.push([good, `Cookie: ${shown}… (${cookie.length} characters): ${line}`]);
      }
    }
    return outcomeOf(seen);
  },
};

export default attack;
