import { type Attack, outcomeOf } from "./attack.ts";

const attack: Attack = {
  does: "has one login lead into the next, by a return URL in another spelling",
  run: async ({ site, authPath }) => {
    const spellings = [
      "%6cogin",
      "LOGIN",
      "login/",
      "/login",
      "login;x",
      "%256cogin",
      "./login",
      "app/start",
      "me/erase",
    ];
    const seen = await Promise.all(
      spellings.map(async (spelling): Promise<readonly [boolean, string]> => {
        const wanted = `${authPath}/${spelling}?prompt=login`;
        const body = new URLSearchParams({ return_to: wanted });
        // Logging out ends where a login would, and tells at once who shows the page.
        const headers = { origin: site.origin, accept: "text/html" };
        const url = new URL(`${authPath}/logout`, site);
        const response = await fetch(url, { method: "POST", body, headers, redirect: "manual" });
        const end = response.headers.get("location");
        return [end === "/", `return_to=${wanted} ends at ${end}`];
      }),
    );
    return outcomeOf(seen);
  },
};

export default attack;
