/** A way to make a text of any length that is hard on some reader. */
export interface Shape {
  readonly name: string;
  /** @param length about how many characters */
  readonly make: (length: number) => string;
}

/** What readers treat in a way of its own: one of each kind, and what a decoder makes of one behind it. */
const PIECES = [
  ..."aA0-_.~/\\;,:=&?#+*%@!'\"`(){}[]<>|^$ \t\n\r\u0000\u00a0",
  ...["å", "ß", "ı", "ﬁ", "ﷺ", "Ａ", "İ", "\u0301", "\u0316", "\u3099", "\ufeff", "😀"],
  ...[
    "%20",
    "%2e",
    "%2f",
    "%25",
    "%2525",
    "%3b",
    "%253B",
    "%3f",
    "%23",
    "%00",
    "%C3%A5",
    "%CC%81",
    "%EF%BD%81",
  ],
  ...[
    "%ff",
    "%E0%A4",
    "//",
    "/./",
    "/../",
    "/;a",
    "a=b&",
    "a=b; ",
    "aa",
    "ae",
    "x.y.",
    "&amp;",
    "\r\n",
    "q=0.5,",
  ],
];

const ENDINGS = ["", "x", "\u0000", "/", "%", ";"];

const repeated = (piece: string, length: number) => piece.repeat(Math.ceil(length / piece.length));

/** Numbers that look drawn and are the same every time (Lehmer, MINSTD). */
function createDice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % sides;
  };
}

/** Every piece repeated, with every ending; and drawn mixtures of them: in turns, one after the other, scattered. */
export function hostileShapes(mixtures: number, endings = ENDINGS): readonly Shape[] {
  const plain = PIECES.flatMap((piece) =>
    endings.map((ending) => ({
      name: `${JSON.stringify(piece)} repeated, then ${JSON.stringify(ending)}`,
      make: (length: number) => repeated(piece, length) + ending,
    })),
  );
  const dice = createDice(28);
  const drawn = () => PIECES[dice(PIECES.length)] ?? "";
  const mixed = Array.from({ length: mixtures }, (_, index): Shape => {
    const [one, two, three, ending] = [drawn(), drawn(), drawn(), ENDINGS[dice(ENDINGS.length)] ?? ""];
    const pieces = [one, two, three].map((piece) => JSON.stringify(piece)).join(" ");
    const ways: readonly ((length: number) => string)[] = [
      (length) => repeated(one + two + three, length) + ending,
      (length) => repeated(one, length / 2) + repeated(two, length / 2) + ending,
      (length) =>
        repeated(one, length / 3) + repeated(two, length / 3) + repeated(three, length / 3) + ending,
      (length) => repeated(repeated(one, 40) + two, length) + three + ending,
    ];
    const way = index % ways.length;
    return {
      name: `${pieces} mixed in way ${way}, then ${JSON.stringify(ending)}`,
      make: ways[way] ?? String,
    };
  });
  return [...plain, ...mixed];
}
