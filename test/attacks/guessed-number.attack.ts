import { type Attack, outcomeOf } from "./attack.ts";
import { ON_PURPOSE, openPersonBrowser, questionOn } from "./person-browser.ts";

/** Rounds of a new account, its erasure and another login, and guesses in each. */
const ROUNDS = 6;
const GUESSES = 4;

const attack: Attack = {
  does: "guesses at a member's number, and takes a new account and erases it to guess on",
  run: async (target) => {
    const { authPath } = target;
    // Per and Ingrid share an email address: Ingrid may be asked whether Per's account is hers.
    await openPersonBrowser(target).logIn("per");
    let compared = 0;
    let refused = 0;
    let number = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const browser = openPersonBrowser(target);
      const asked = await browser.logIn("ingrid");
      let question = questionOn(await asked.text());
      if (question.question !== "proof") throw new Error(`asked for nothing, status ${asked.status}`);
      for (let guess = 0; guess < GUESSES; guess += 1) {
        number += 1;
        const fact = String(10_000 + number);
        const answer = await browser.post(`${authPath}/continue`, { ...question, answer: "fact", fact });
        if (answer.status === 429) refused += 1;
        else compared += 1;
        const next = questionOn(await answer.text());
        if (next.question === "proof") question = next;
      }
      await browser.post(`${authPath}/continue`, { ...question, ...ON_PURPOSE, answer: "new" });
      await browser.post(`${authPath}/me/erase`, ON_PURPOSE);
    }
    const all = ROUNDS * GUESSES;
    return outcomeOf([
      [
        compared === 5,
        `${compared} of ${all} guesses in ${ROUNDS} rounds were compared with anything, 5 may be`,
      ],
      [refused === all - compared, `${refused} were refused, erasing and starting anew notwithstanding`],
      [await memberStillIn(target), "the member still logs in"],
    ]);
  },
};

async function memberStillIn(target: Parameters<Attack["run"]>[0]): Promise<boolean> {
  const browser = openPersonBrowser(target);
  await browser.logIn("per");
  return browser.isLoggedIn();
}

export default attack;
