import type { Context, Hono } from "hono";
import { csrf } from "hono/csrf";
import { InvalidBehaviourError } from "./behaviour.ts";
import type { SimulatorControl } from "./control.ts";
import { withoutSecrets } from "./journal.ts";
import { behaviourFromForm } from "./pages/behaviour-form.ts";
import { controlPage } from "./pages/control.ts";
import type { Provider } from "./provider.ts";

const CONTROL_PATH = "/simulator/control";

/** The control page and its counterpart in JSON. */
export function addControlRoutes(app: Hono, provider: Provider, control: SimulatorControl): void {
  const { issuer } = provider;

  app.get("/", (c) => c.redirect(CONTROL_PATH, 302));

  app.get(CONTROL_PATH, (c) => {
    const done = actionOf(c.req.query("done") ?? "");
    return controlPage({ control, issuer, ...(done && { notice: { text: done.notice, isError: false } }) });
  });

  app.post(CONTROL_PATH, csrf(), async (c) => {
    const form = new URLSearchParams(await c.req.text());
    const action = form.get("action") ?? "";
    try {
      const text = await perform(provider, control, action, {
        behaviour: () => behaviourFromForm(form),
        value: (name) => form.get(name) ?? undefined,
      });
      if (text === undefined) return c.redirect(`${CONTROL_PATH}?done=${action}`, 303);
      return controlPage({ control, issuer, notice: { text, isError: false } });
    } catch (error) {
      return controlPage({ control, issuer, notice: { text: problemOf(error), isError: true } });
    }
  });

  app.get("/simulator/state", () => Response.json(stateOf(provider, control), { headers: NO_STORE }));

  app.post("/simulator/behaviour", (c) =>
    withJson(c, (body) => Response.json(provider.behaviour.update(body), { headers: NO_STORE })),
  );

  app.post("/simulator/actions", (c) =>
    withJson(c, async (body) => {
      const values = typeof body === "object" && body !== null ? new Map(Object.entries(body)) : new Map();
      const value = (name: string) => {
        const given: unknown = values.get(name);
        return typeof given === "string" ? given : undefined;
      };
      const action = value("action") ?? "";
      const text = await perform(provider, control, action, {
        behaviour: () => values.get("behaviour"),
        value,
      });
      return Response.json({ done: text ?? ACTIONS[action]?.notice }, { headers: NO_STORE });
    }),
  );
}

const NO_STORE = { "Cache-Control": "no-store" };

interface ActionInput {
  readonly behaviour: () => unknown;
  readonly value: (name: string) => string | undefined;
}

interface Action {
  /** What is said once it is done. */
  readonly notice: string;
  /** @returns words in place of `notice` */
  readonly run: (provider: Provider, control: SimulatorControl, input: ActionInput) => unknown;
}

/** What can be done beside changing the behaviour, by name. */
export const ACTIONS: Readonly<Record<string, Action>> = {
  behaviour: {
    notice: "Saved.",
    run: ({ behaviour }, _control, input) => void behaviour.update(input.behaviour()),
  },
  reset: {
    notice: "The simulator behaves properly again.",
    run: (_, control) => void control.resetBehaviour(),
  },
  rotateKeys: {
    notice: "A new key signs now; the old one is still in the key set.",
    run: (_, control) => control.rotateKeys({ keepOld: true }),
  },
  replaceKeys: {
    notice: "A new key signs now; the old ones are gone from the key set.",
    run: (_, control) => control.rotateKeys({ keepOld: false }),
  },
  forgetConsents: { notice: "All consents are forgotten.", run: (_, control) => control.forgetConsents() },
  forgetBrowsers: {
    notice: "No browser is remembered any more.",
    run: (_, control) => control.forgetBrowsers(),
  },
  clearJournal: { notice: "The requests are forgotten.", run: (_, control) => control.journal.clear() },
  revokeConsent: {
    notice: "The consent is revoked.",
    run: (_, control, { value }) => sendRevocation(control, value),
  },
};

function actionOf(name: string): Action | undefined {
  return Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
}

async function perform(
  provider: Provider,
  control: SimulatorControl,
  name: string,
  input: ActionInput,
): Promise<string | undefined> {
  const action = actionOf(name);
  if (action === undefined)
    throw new RequestError(`There is no such action. Known: ${Object.keys(ACTIONS).join(", ")}.`);
  const text = await action.run(provider, control, input);
  return typeof text === "string" ? text : undefined;
}

/** Milliseconds a webhook may take to answer. */
const WEBHOOK_PATIENCE = 5000;

async function sendRevocation(control: SimulatorControl, value: ActionInput["value"]): Promise<string> {
  const user = control.users.find(({ id }) => id === value("user"));
  const webhook = value("webhook") ?? "";
  const unit =
    control.salesUnits.find(({ clientId }) => clientId === value("clientId")) ?? control.salesUnits[0];
  if (user === undefined || unit === undefined)
    throw new RequestError("There is no such test user or sales unit.");
  if (!/^https?:\/\//.test(webhook) || !URL.canParse(webhook)) {
    throw new RequestError("The address of the webhook must begin with http:// or https://.");
  }
  // Vipps calls the address that was registered; a request from here must not reach whatever else listens nearby.
  if (!unit.redirectUris.some((uri) => URL.parse(uri)?.origin === new URL(webhook).origin))
    throw new RequestError("The webhook must be on the site of a redirect URI of the sales unit.");
  const request = await control.revokeConsent({ user: user.id, clientId: unit.clientId }, webhook);
  try {
    const response = await fetch(request, { signal: AbortSignal.timeout(WEBHOOK_PATIENCE) });
    await response.body?.cancel();
    return `The consent is revoked; the webhook answered ${response.status}.`;
  } catch (error) {
    throw new RequestError(
      `The consent is revoked, but the webhook could not be reached: ${reasonOf(error)}.`,
    );
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

/** A mistake of whoever sent the request. */
class RequestError extends Error {}

function problemOf(error: unknown): string {
  if (error instanceof RequestError || error instanceof InvalidBehaviourError) return error.message;
  throw error;
}

/** JSON only: a page elsewhere can't send that type without asking first. */
async function withJson(
  c: Context,
  answer: (body: unknown) => Promise<Response> | Response,
): Promise<Response> {
  if (!/^application\/json\s*(;|$)/i.test(c.req.header("Content-Type") ?? "")) {
    return Response.json({ error: "The body must be application/json." }, { status: 415 });
  }
  try {
    return await answer(
      await c.req.json().catch(() => Promise.reject(new RequestError("The body is not JSON."))),
    );
  } catch (error) {
    return Response.json({ error: problemOf(error) }, { status: 400 });
  }
}

function stateOf(provider: Provider, control: SimulatorControl) {
  return {
    issuer: provider.issuer,
    salesUnits: control.salesUnits.map(({ clientSecret: _secret, subscriptionKey: _key, ...unit }) => unit),
    users: control.users,
    behaviour: control.behaviour,
    consents: Object.fromEntries(provider.consents),
    rememberedBrowsers: provider.rememberedBrowsers.size,
    requests: control.journal.counts(),
    journal: control.journal.entries.map(withoutSecrets),
  };
}
