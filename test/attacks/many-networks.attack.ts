import { type Attack, outcomeOf } from "./attack.ts";

const attack: Attack = {
  does: "starts 600 logins from 600 /64 networks of one /48",
  run: async ({ site, authPath }) => {
    const statuses: number[] = [];
    for (let network = 0; network < 600; network += 1) {
      const headers = { "cf-connecting-ip": `2001:db8:48:${network.toString(16)}::1` };
      const response = await fetch(new URL(`${authPath}/login`, site), { headers, redirect: "manual" });
      await response.body?.cancel();
      statuses.push(response.status);
    }
    const refused = statuses.filter((status) => status === 429).length;
    return outcomeOf([[refused > 0, `${refused} of 600 refused with 429`]]);
  },
};

export default attack;
