import { logInAsPerson, type PersonChoices } from "../../simulator/person.ts";
import { SITE, type TestSite } from "./site.ts";

/** What `POST /auth/app/start` answers. */
export interface AppStart {
  readonly authorize_url: string;
  readonly state: string;
  readonly app_secret: string;
  readonly redirect_uri: string;
  readonly expires_in: number;
}

/** A native app on a phone: no cookies, JSON, a Bearer token. */
export interface NativeApp {
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  get(path: string, token?: string, headers?: Record<string, string>): Promise<Response>;
  start(redirectUri?: string): Promise<AppStart>;
  /** Does what the person does in the Vipps app; the parameters of the redirect that the app receives. */
  atProvider(start: AppStart, choices?: PersonChoices): Promise<Record<string, string>>;
  /** A whole login; the answer of the finish. */
  logIn(choices?: PersonChoices): Promise<Response>;
}

export function openApp(site: TestSite): NativeApp {
  const send = (path: string, init: RequestInit) => site.fetch(new Request(new URL(path, SITE), init));
  const app: NativeApp = {
    post: (path, body, headers = {}) =>
      send(path, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
    get: (path, token, headers = {}) =>
      send(path, {
        headers: {
          accept: "application/json",
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...headers,
        },
        redirect: "manual",
      }),
    async start(redirectUri) {
      const response = await app.post("/auth/app/start", redirectUri ? { redirect_uri: redirectUri } : {});
      if (response.status !== 200) throw new Error(`start answered ${response.status}`);
      return response.json();
    },
    async atProvider(start, choices = {}) {
      const back = await logInAsPerson(site.simulator.fetch, start.authorize_url, choices);
      return Object.fromEntries(back.searchParams);
    },
    async logIn(choices) {
      const start = await app.start();
      const parameters = await app.atProvider(start, choices);
      return app.post("/auth/app/finish", { ...parameters, app_secret: start.app_secret });
    },
  };
  return app;
}
