import type { Behaviour, BehaviourUpdate } from "./behaviour.ts";
import { subjectOf } from "./claims.ts";
import { consentRevokedBody } from "./consent-webhook.ts";
import type { Journal } from "./journal.ts";
import { consentKey, findSalesUnit, type Provider } from "./provider.ts";
import type { SalesUnit } from "./sales-unit.ts";
import type { TestUser } from "./users.ts";

/** A person at a sales unit. */
export interface PersonAtUnit {
  /** Id of the test user. */
  readonly user: string;
  /** The first sales unit where absent. */
  readonly clientId?: string;
}

/** Makes the simulator misbehave and looks inside it, from code. */
export interface SimulatorControl {
  readonly behaviour: Behaviour;
  /**
   * Changes the given members of the behaviour and leaves the others.
   * @throws InvalidBehaviourError naming every wrong member
   */
  setBehaviour(update: BehaviourUpdate): Behaviour;
  /** Back to proper behaviour; what people consented to and the journal stay. */
  resetBehaviour(): Behaviour;
  /** Requests to the endpoints, secrets included. */
  readonly journal: Pick<Journal, "entries" | "count" | "counts" | "clear">;
  readonly users: readonly TestUser[];
  readonly salesUnits: readonly SalesUnit[];
  /** The `sub` of the person at the sales unit. */
  subject(person: PersonAtUnit): Promise<string>;
  /**
   * Signs with a new key from now on.
   * @param options.keepOld whether the key set still lists the keys used so far; it does where absent
   */
  rotateKeys(options?: { readonly keepOld?: boolean }): Promise<void>;
  /** Forgets what everyone, or one person at one sales unit, agreed to share. */
  forgetConsents(person?: PersonAtUnit): void;
  /** Forgets who is remembered in which browser. */
  forgetBrowsers(): void;
  /** The body of the consent-revoked webhook: an unsigned JWT. */
  consentRevokedBody(person: PersonAtUnit): Promise<string>;
  /**
   * The person revokes the consent in the app: it is forgotten, and this is the request the webhook URL gets.
   * The caller sends it.
   */
  revokeConsent(person: PersonAtUnit, webhookUrl: string): Promise<Request>;
}

export function createControl(provider: Provider): SimulatorControl {
  const resolve = (person: PersonAtUnit) => resolvePerson(provider, person);
  const control: SimulatorControl = {
    get behaviour() {
      return provider.behaviour.current;
    },
    setBehaviour: (update) => provider.behaviour.update(update),
    resetBehaviour: () => provider.behaviour.reset(),
    journal: provider.journal,
    users: provider.users,
    salesUnits: provider.salesUnits,
    async subject(person) {
      const { unit, user } = resolve(person);
      return subjectOf(unit, user);
    },
    rotateKeys: ({ keepOld = true } = {}) => provider.keys.rotate(keepOld),
    forgetConsents(person) {
      if (person === undefined) return provider.consents.clear();
      const { unit, user } = resolve(person);
      provider.consents.delete(consentKey(unit, user));
    },
    forgetBrowsers: () => provider.rememberedBrowsers.clear(),
    async consentRevokedBody(person) {
      return consentRevokedBody(await control.subject(person), provider.now());
    },
    async revokeConsent(person, webhookUrl) {
      control.forgetConsents(person);
      return new Request(webhookUrl, {
        method: "POST",
        headers: { "Content-Type": "text/plain" },
        body: await control.consentRevokedBody(person),
        redirect: "manual",
      });
    },
  };
  return control;
}

function resolvePerson(provider: Provider, { user: id, clientId }: PersonAtUnit) {
  const user = provider.users.find((each) => each.id === id);
  if (user === undefined) throw new Error(`There is no test user ${id}.`);
  const unit = clientId === undefined ? provider.salesUnits[0] : findSalesUnit(provider, clientId);
  if (unit === undefined) throw new Error(`There is no sales unit with client_id ${clientId}.`);
  return { user, unit };
}
