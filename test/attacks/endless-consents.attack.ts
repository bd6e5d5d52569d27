import { type Attack, outcomeOf } from "./attack.ts";
import { openPersonBrowser, questionOn } from "./person-browser.ts";

/** How often somebody changes their mind, and what may come of it in ten minutes. */
const CHANGES = 1_000;
const MAY_BE_WRITTEN = 20;

const attack: Attack = {
  does: "changes one's own consents a thousand times, which would write a row in two tables each",
  settings: { CONSENTS: '[{"id":"newsletter","text":{"en":"Send me the newsletter"}}]' },
  run: async (target) => {
    const { authPath } = target;
    const browser = openPersonBrowser(target);
    const asked = await browser.logIn("kari");
    if (asked.status === 200) {
      const question = questionOn(await asked.text());
      await browser.post(`${authPath}/continue`, { ...question, answer: "accept" });
    }
    if (!(await browser.isLoggedIn())) throw new Error("nobody is logged in");
    const taken = { yes: 0, no: 0 };
    let refused = 0;
    let failed = 0;
    for (let change = 0; change < CHANGES; change += 1) {
      const answer = change % 2 === 0 ? "yes" : "no";
      const { status, body } = await browser.post(`${authPath}/me/consents`, {
        shown: "newsletter",
        ...(answer === "yes" && { consent: "newsletter" }),
      });
      await body?.cancel();
      if (status === 303) taken[answer] += 1;
      else if (status === 429) refused += 1;
      else failed += 1;
    }
    // Saying the same again writes nothing and is not refused, so what was written is at most twice the rarer answer.
    const written = 2 * Math.min(taken.yes, taken.no);
    const download = await browser.get(`${authPath}/me/download`);
    return outcomeOf([
      [written <= MAY_BE_WRITTEN, `${written} of ${CHANGES} changes were taken, ${MAY_BE_WRITTEN} may be`],
      [failed === 0, `${refused} were refused with 429, ${failed} with anything else`],
      [download.status === 429, `what else they fetch of their own is counted with it: ${download.status}`],
    ]);
  },
};

export default attack;
