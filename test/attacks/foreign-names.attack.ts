import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { rawRequest } from "../node/raw-request.ts";
import { type Attack, outcomeOf } from "./attack.ts";

const attack: Attack = {
  does: "reaches the simulator by a foreign name and from a foreign page, and has it post to a port nearby",
  run: async ({ simulator }) => {
    if (simulator === undefined) throw new Error("there is no simulator");
    let reached = 0;
    const nearby = createServer((_request, response) => {
      reached += 1;
      response.end();
    });
    await new Promise<void>((listening) => nearby.listen(0, "127.0.0.1", listening));
    const webhook = `http://127.0.0.1:${(nearby.address() as AddressInfo).port}/`;
    const foreign = {
      ...simulator,
      port: simulator.port,
      hostname: simulator.hostname,
      host: "attacker.example",
    };
    const named = await rawRequest(foreign as URL, "/simulator/state");
    const post = async (origin: string) => {
      const body = new URLSearchParams({ action: "revokeConsent", user: "kari", webhook });
      const response = await fetch(new URL("/simulator/control", simulator), {
        method: "POST",
        headers: { origin },
        body,
      });
      return response.status;
    };
    const [fromElsewhere, fromItself] = [
      await post("https://attacker.example"),
      await post(simulator.origin),
    ];
    nearby.close();
    return outcomeOf([
      [named.status === 421, `Host: attacker.example: ${named.status}`],
      [fromElsewhere === 403, `Origin: https://attacker.example: ${fromElsewhere}`],
      [reached === 0, `revokeConsent at ${webhook}: ${fromItself}, reached ${reached} times`],
    ]);
  },
};

export default attack;
