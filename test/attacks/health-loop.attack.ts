import { type Attack, outcomeOf } from "./attack.ts";
import { costOf, median, plainCost } from "./costs.ts";

const attack: Attack = {
  does: "asks for the health in a loop",
  run: async (target) => {
    const health = { target: `${target.authPath}/health`, headers: ["CF-Connecting-IP: 203.0.113.9"] };
    const plain = await plainCost(target);
    await costOf(target, health);
    const costs = [];
    for (let round = 0; round < 1_000; round += 1) costs.push(await costOf(target, health));
    const refused = costs.filter(({ status }) => status === 429).length;
    const cost = median(costs.map(({ milliseconds }) => milliseconds));
    return outcomeOf([
      [cost <= 10 * plain, `${cost.toFixed(1)} ms each, ${(cost / plain).toFixed(1)} times a plain 404`],
      [refused > 0, `${refused} of ${costs.length} refused with 429`],
    ]);
  },
};

export default attack;
