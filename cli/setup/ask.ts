import type { Readable, Writable } from "node:stream";
import { type CANCEL_SYMBOL, confirm, isCancel, multiselect, password, select, text } from "@clack/prompts";
import { CommandError } from "../command-error.mjs";
import { type Answers, type Behind, type Field, faultOf } from "./answers.ts";

/** Where questions are asked. */
export interface Terminal {
  readonly input: Readable;
  readonly output: Writable;
}

function sure<Value>(value: Value | typeof CANCEL_SYMBOL): Value {
  if (isCancel(value)) throw new CommandError("Nothing more was done.", "cancelled");
  return value;
}

const ENVIRONMENTS = [
  { value: "staging", label: "staging", hint: "Vipps' test environment" },
  { value: "production", label: "production", hint: "real customers" },
];

/** Which environment of the configuration is to be set up. @throws {CommandError} */
export async function askEnvironment(terminal: Terminal): Promise<string> {
  return sure(await select({ ...terminal, message: "Which environment?", options: ENVIRONMENTS }));
}

/** Whether the deployment serves a site by itself. @throws {CommandError} */
export async function askSitesOnly(terminal: Terminal): Promise<boolean> {
  const message = "What does it serve?";
  return sure(await select({ ...terminal, message, options: [...SERVED], initialValue: false }));
}

const SERVED = [
  { value: false, label: "one site", hint: "more can be added later" },
  { value: true, label: 'only sites that are added with "vipps-login site add"' },
];

const MARKETS = [
  { value: "", label: "none", hint: "Vipps decides by the customer" },
  { value: "NO", label: "Norway" },
  { value: "DK", label: "Denmark" },
  { value: "FI", label: "Finland" },
  { value: "SE", label: "Sweden" },
];

const SCOPES = ["name", "phoneNumber", "email", "address", "birthDate"].map((value) => ({
  value,
  label: value,
}));

const BEHIND = [
  { value: "assets", label: "a folder of static files" },
  { value: "origin", label: "a server at an address of its own", hint: "ORIGIN_URL" },
  { value: "route", label: "the server that the site's DNS record points at" },
] as const;

/** What is known already: from the command line, which is not asked again, and from the configuration, which is offered. */
export interface Known {
  readonly given: Answers;
  readonly present: Readonly<Record<string, string>>;
}

/** Asks for what the command line did not say. @throws {CommandError} */
export async function askAnswers(terminal: Terminal, { given, present }: Known): Promise<Answers> {
  if (given.sitesOnly) return { ...given, behind: given.behind ?? (await askBehind(terminal, present)) };
  const values: Partial<Record<string, string>> = { ...given.values };
  const askText = async (name: Field["name"], message: string, placeholder: string, required: boolean) => {
    if (values[name] !== undefined) return;
    const answer = await text({
      ...terminal,
      message,
      placeholder,
      initialValue: present[name] ?? "",
      validate: (value = "") => (required && value.trim() === "" ? "This is needed." : faultOf(name, value)),
    });
    values[name] = sure(answer) ?? "";
  };
  await askText("SITE_URL", "Where is the site?", "https://www.example.com", true);
  await askText("VIPPS_CLIENT_ID", "Client id of the sales unit (portal.vippsmobilepay.com)", "", true);
  await askText("VIPPS_MSN", "Merchant Serial Number of the sales unit", "123456", true);
  values.VIPPS_MARKET ??= sure(
    await select({
      ...terminal,
      message: "In which market?",
      options: MARKETS,
      initialValue: present.VIPPS_MARKET ?? "",
    }),
  );
  values.VIPPS_SCOPE ??= `openid ${sure(
    await multiselect({
      ...terminal,
      message: "What do you need to know of a customer? (space selects; ask only for what you need)",
      options: SCOPES,
      initialValues: (present.VIPPS_SCOPE ?? "name phoneNumber email")
        .split(/\s+/)
        .filter((one) => one !== "openid"),
      required: false,
    }),
  ).join(" ")}`.trim();
  const behind = given.behind ?? (await askBehind(terminal, present));
  await askText("PROTECTED_PATHS", "Which paths need a login? (empty for none)", "/members/*", false);
  await askText("TERMS_URL", "Terms that customers must accept (empty for none)", "/terms", false);
  if (values.TERMS_URL) await askText("TERMS_VERSION", "Which version are they?", "2026-11", true);
  else values.TERMS_VERSION ??= "";
  await askText("PRIVACY_URL", "The privacy statement (empty for none)", "/privacy", false);
  return { ...given, values, behind };
}

async function askBehind(terminal: Terminal, present: Readonly<Record<string, string>>): Promise<Behind> {
  const kind = sure(
    await select({
      ...terminal,
      message: "What is behind the login?",
      options: [...BEHIND],
      initialValue: present.ORIGIN_URL ? ("origin" as const) : ("assets" as const),
    }),
  );
  if (kind === "route") return { kind };
  if (kind === "assets") {
    const directory = await text({
      ...terminal,
      message: "In which folder are the files?",
      initialValue: "demo",
      validate: (value = "") => (value.trim() === "" ? "This is needed." : undefined),
    });
    return { kind, directory: sure(directory).trim() };
  }
  const url = await text({
    ...terminal,
    message: "Where is the server?",
    placeholder: "https://origin.example.com",
    initialValue: present.ORIGIN_URL ?? "",
    validate: (value = "") => (value.trim() === "" ? "This is needed." : faultOf("ORIGIN_URL", value)),
  });
  return { kind, url: sure(url).trim() };
}

/** The client secret; what is typed is not shown. @throws {CommandError} */
export async function askClientSecret(terminal: Terminal): Promise<string> {
  const secret = await password({
    ...terminal,
    message: "Client secret of the sales unit (goes to Cloudflare and nowhere else)",
    validate: (value = "") => (value.trim() === "" ? "This is needed." : undefined),
  });
  return sure(secret).trim();
}

/** @throws {CommandError} unless the answer is yes */
export async function askToGoOn(terminal: Terminal, message: string): Promise<void> {
  if (!sure(await confirm({ ...terminal, message })))
    throw new CommandError("Nothing was done.", "cancelled");
}
