import { rawRequest } from "./raw-request.ts";

/** What a forged header says, so that it is found wherever it ends up. */
const FORGED = "forged";

/**
 * Header lines with which a visitor may say who is asking, each in a spelling of its own: every sign that a header
 * name may have (RFC 9110 section 5.6.2) in place of the hyphen, cases, doubles, blanks and values that proxies read
 * differently.
 */
export function forgedHeaders(): readonly (readonly string[])[] {
  const names = ["Remote-User", "Remote-Name", "Remote-Email", "Remote-Groups", "Session-Assertion"];
  const signs = ["-", "_", ".", "~", "!", "#", "$", "%", "&", "'", "*", "+", "^", "`", "|"];
  const cases: readonly ((name: string) => string)[] = [
    (name) => name,
    (name) => name.toLowerCase(),
    (name) => name.toUpperCase(),
    (name) =>
      name
        .replace(/[A-Z]/g, (letter) => letter.toLowerCase())
        .replace(/[a-z]$/, (last) => last.toUpperCase()),
  ];
  const spelled = names.flatMap((name) =>
    signs.flatMap((sign) =>
      // Letters after the signs that servers turn into a hyphen, in every case; after the others, in one.
      (["-", "_", ".", "~"].includes(sign) ? cases : cases.slice(0, 1)).map((inCase) => [
        `${inCase(name.replace("-", sign))}: ${FORGED}`,
      ]),
    ),
  );
  const shaped = names.flatMap((name) => {
    const underscored = name.replace("-", "_");
    return [
      [`${name}: ${FORGED}`, `${name}: ${FORGED} too`],
      [`${underscored}: ${FORGED}`, `${name}: ${FORGED}`, `${underscored.toUpperCase()}: ${FORGED}`],
      [`${name}:${FORGED}`],
      [`${name}:\t${FORGED}\t`],
      [`${name} : ${FORGED}`],
      [`${name}\t: ${FORGED}`],
      [` ${name}: ${FORGED}`],
      [`X-Folded: a`, ` ${name}: ${FORGED}`],
      [`${name}: a`, ` ${FORGED}`],
      [`HTTP_${underscored.toUpperCase()}: ${FORGED}`],
      [`Connection: ${name}`, `${name}: ${FORGED}`],
      [`Connection: close, ${name}, ${underscored}`, `${underscored}: ${FORGED}`],
      [`Trailer: ${name}`, `${name}: ${FORGED}`],
      [`${name}_: ${FORGED}`, `_${name}: ${FORGED}`],
    ];
  });
  const basic = [`Authorization: Basic ${btoa(`${FORGED}:x`)}`];
  return [...spelled, ...shaped, basic];
}

const REFUSED = [302, 400, 401];

/** Variables by which a CGI-like application learns who is asking (RFC 3875 section 4.1). */
const IDENTITY = /^(?:HTTP_)?(?:REMOTE.(?:USER|NAME|EMAIL|GROUPS)|SESSION.ASSERTION)$/;

/** What an application saw of one request: its variables by name. */
export type Variables = Readonly<Record<string, string>>;

/** What became of forged headers at one application. */
export interface Outcome {
  readonly sent: number;
  /** Refused by the server in front: as malformed, or, where a folded line hides the cookie, as nobody. */
  readonly refused: number;
  /** Header lines of which anything reached a variable that says who is asking, or took ours away. */
  readonly reached: readonly string[];
}

/**
 * Sends each spelling on a request of its own.
 * @param expected what the application has to see of who is asking, however the request is spelled.
 */
export async function sendForged(
  url: URL,
  headers: readonly string[],
  expected: Variables,
): Promise<Outcome> {
  const spellings = forgedHeaders();
  const reached: string[] = [];
  let refused = 0;
  for (const forged of spellings) {
    const { status, text } = await rawRequest(url, url.pathname, [...headers, ...forged]);
    if (REFUSED.includes(status)) refused += 1;
    else if (status !== 200) reached.push(`${forged.join(" / ")}: answered with ${status}`);
    else {
      const seen = identityIn(variablesOf(text));
      if (JSON.stringify(seen) !== JSON.stringify(identityIn(expected)))
        reached.push(`${forged.join(" / ")}: ${JSON.stringify(seen)}`);
    }
  }
  return { sent: spellings.length, refused, reached };
}

/** The JSON object in an answer, whatever stands around it (chunk sizes). */
export function variablesOf(text: string): Variables {
  const object = /\{.*\}/s.exec(text)?.[0];
  if (object === undefined) throw new Error(`the application did not answer: ${text.slice(0, 500)}`);
  return JSON.parse(object.replace(/\r\n[0-9a-f]+\r\n/g, "")) as Variables;
}

/** Who is asking, by the variables that say so, in one order. An assertion is a new one every twenty seconds. */
function identityIn(variables: Variables): readonly (readonly [string, string])[] {
  return Object.entries(variables)
    .filter(([name]) => IDENTITY.test(name))
    .map(([name, value]): [string, string] => [name, value.startsWith("ey") ? "an assertion" : value])
    .sort(([one], [other]) => (one < other ? -1 : 1));
}
