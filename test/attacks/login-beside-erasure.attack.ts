import { type Attack, outcomeOf } from "./attack.ts";
import { ON_PURPOSE, openPersonBrowser } from "./person-browser.ts";

const ROUNDS = 15;
/** Logins of the same person that run beside each erasure. */
const LOGINS = 3;

const attack: Attack = {
  does: "logs in while the account is being erased, to keep a session that nobody can end",
  run: async (target) => {
    const page = `${target.authPath}/me`;
    let erased = 0;
    let open = 0;
    const without: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const owner = openPersonBrowser(target);
      await owner.logIn("sofie");
      const beside = Array.from({ length: LOGINS }, () => openPersonBrowser(target));
      const [answer] = await Promise.all([
        owner.post(`${page}/erase`, ON_PURPOSE),
        ...beside.map((browser) => browser.logIn("sofie")),
      ]);
      if (answer.status === 200) erased += 1;
      // The list of sessions is asked of the store, and an account that is there shows its owner's name.
      for (const browser of beside) {
        const sessions = await browser.get(`${target.authPath}/sessions`);
        await sessions.body?.cancel();
        if (sessions.status !== 200) continue;
        open += 1;
        const shown = await (await browser.get(page)).text();
        if (!shown.includes("Sofie")) without.push(round);
      }
      for (const browser of beside) await browser.post(`${page}/erase`, ON_PURPOSE);
    }
    return outcomeOf([
      [erased === ROUNDS, `${erased} of ${ROUNDS} erasures were carried out`],
      [
        without.length === 0,
        `${without.length} of ${ROUNDS * LOGINS} logins beside them have a session without an account; ${open} came after and are new accounts`,
      ],
    ]);
  },
};

export default attack;
