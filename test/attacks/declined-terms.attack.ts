import { type Attack, outcomeOf } from "./attack.ts";
import { ON_PURPOSE, openPersonBrowser, questionOn } from "./person-browser.ts";

const attack: Attack = {
  does: "says 'I am new here', declines the terms, and looks whether an account was made all the same",
  settings: { TERMS_URL: "https://site.example/terms", TERMS_VERSION: "1" },
  run: async (target) => {
    const { authPath } = target;
    const carryOn = (path: Record<string, string>) => ({ ...path, answer: "accept", terms: "accepted" });
    const per = openPersonBrowser(target);
    const terms = questionOn(await (await per.logIn("per")).text());
    await per.post(`${authPath}/continue`, carryOn({ ...terms }));

    /** What Ingrid is asked first, and whether she has been let in when all is declined. */
    const declined = async () => {
      const browser = openPersonBrowser(target);
      const first = questionOn(await (await browser.logIn("ingrid")).text());
      const isNew = { ...first, ...ON_PURPOSE, answer: "new" };
      const second = questionOn(await (await browser.post(`${authPath}/continue`, isNew)).text());
      const answer = await browser.post(`${authPath}/continue`, { ...second, answer: "decline" });
      return {
        asked: [first.question, second.question].join(", then "),
        status: answer.status,
        isIn: await browser.isLoggedIn(),
      };
    };
    const [once, twice] = [await declined(), await declined()];
    return outcomeOf([
      [(await per.isLoggedIn()) === true, "the member is in"],
      [once.asked === "proof, then terms", `asked for ${once.asked}; declined with ${once.status}`],
      [!once.isIn && !twice.isIn, "no session came of it"],
      // With an account left behind there would be nothing to prove.
      [
        twice.asked === once.asked,
        `the next login is asked for ${twice.asked} again, as somebody unknown is`,
      ],
    ]);
  },
};

export default attack;
