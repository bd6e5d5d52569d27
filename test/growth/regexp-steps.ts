import { type AST, RegExpParser } from "@eslint-community/regexpp";

/**
 * How many steps a backtracking engine takes to match a regular expression: it tries every place from where the
 * search begins, alternatives in order, and goes back as ECMAScript says (ECMA-262 section 22.2.2). What V8 saves by
 * being clever is not saved here, so the steps never grow more slowly than its time.
 */
export interface SteppedMatch {
  readonly steps: number;
  /** Where the match begins and ends; `undefined` for none, and where the steps ran out. */
  readonly at: readonly [start: number, end: number] | undefined;
  /** Whether the steps ran out before there was an answer. */
  readonly gaveUp: boolean;
}

/** Steps after which an engine gives up: what grows has grown enough by then. */
const STEP_LIMIT = 4_000_000;

/** What is left to match behind a node: whether the whole succeeds from there on. */
type Rest = (at: number) => boolean;
/** Matches a node and what is left behind it. */
type Matcher = (at: number, rest: Rest) => boolean;

class OutOfSteps extends Error {}

interface Program {
  readonly match: (text: string, from: number) => SteppedMatch;
}

const programs = new Map<string, Program>();
const parser = new RegExpParser({ ecmaVersion: 2025 });

/** Steps through one search of an expression, from a place in a text on. */
export function stepThrough({ source, flags }: RegExp, text: string, from: number): SteppedMatch {
  const key = `${flags}/${source}`;
  const known = programs.get(key) ?? compile(source, flags);
  programs.set(key, known);
  return known.match(text, from);
}

function compile(source: string, flags: string): Program {
  const unicode = flags.includes("u") || flags.includes("v");
  const pattern = parser.parsePattern(source, 0, source.length, {
    unicode: flags.includes("u"),
    unicodeSets: flags.includes("v"),
  });
  const charFlags = flags.replace(/[gyd]/g, "");
  let text = "";
  let steps = 0;
  let groups: (readonly [number, number] | undefined)[] = [];

  const step = () => {
    steps += 1;
    if (steps > STEP_LIMIT) throw new OutOfSteps();
  };
  const widthAt = (at: number) => (unicode && (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);
  const widthBefore = (at: number) => (unicode && at > 1 && (text.codePointAt(at - 2) ?? 0) > 0xffff ? 2 : 1);

  /** One character by the engine's own rules, each remembered: classes, sets, properties, case. */
  function characterTest(raw: string): (character: string) => boolean {
    const native = new RegExp(`^(?:${raw})$`, charFlags.replace("m", ""));
    const known = new Map<string, boolean>();
    return (character) => {
      const before = known.get(character);
      if (before !== undefined) return before;
      native.lastIndex = 0;
      const matches = NATIVE_EXEC.call(native, character) !== null;
      known.set(character, matches);
      return matches;
    };
  }

  function single(raw: string, backwards: boolean): (at: number) => number {
    const matches = characterTest(raw);
    return (at) => {
      step();
      if (backwards) {
        const width = widthBefore(at);
        return at - width >= 0 && matches(text.slice(at - width, at)) ? at - width : -1;
      }
      const width = widthAt(at);
      return at < text.length && matches(text.slice(at, at + width)) ? at + width : -1;
    };
  }

  function element(node: AST.Element, backwards: boolean): Matcher {
    switch (node.type) {
      case "Character":
      case "CharacterSet":
      case "CharacterClass":
      case "ExpressionCharacterClass": {
        const next = single(node.raw, backwards);
        return (at, rest) => {
          const end = next(at);
          return end >= 0 && rest(end);
        };
      }
      case "Group":
        return alternatives(node.alternatives, backwards);
      case "CapturingGroup": {
        const inner = alternatives(node.alternatives, backwards);
        const index = captures.indexOf(node);
        return (at, rest) => {
          const before = groups[index];
          const matched = inner(at, (end) => {
            const within = groups[index];
            groups[index] = backwards ? [end, at] : [at, end];
            if (rest(end)) return true;
            groups[index] = within;
            return false;
          });
          if (!matched) groups[index] = before;
          return matched;
        };
      }
      case "Backreference": {
        const wanted = Array.isArray(node.resolved) ? node.resolved[0] : node.resolved;
        const index = captures.indexOf(wanted as AST.CapturingGroup);
        return (at, rest) => {
          const [start, end] = groups[index] ?? [0, 0];
          steps += end - start;
          const same = text.startsWith(text.slice(start, end), at);
          return same && rest(at + end - start);
        };
      }
      case "Assertion":
        return assertion(node);
      case "Quantifier":
        return quantifier(node, backwards);
    }
  }

  function assertion(node: AST.Assertion): Matcher {
    const isWord = characterTest("\\w");
    const isLineEnd = characterTest("[\\n\\r\\u2028\\u2029]");
    const multiline = flags.includes("m");
    switch (node.kind) {
      case "start":
        return (at, rest) => (at === 0 || (multiline && isLineEnd(text[at - 1] ?? ""))) && rest(at);
      case "end":
        return (at, rest) => (at === text.length || (multiline && isLineEnd(text[at] ?? ""))) && rest(at);
      case "word":
        return (at, rest) => {
          const differs =
            (at > 0 && isWord(text[at - 1] ?? "")) !== (at < text.length && isWord(text[at] ?? ""));
          return differs !== node.negate && rest(at);
        };
      default: {
        const inner = alternatives(node.alternatives, node.kind === "lookbehind");
        return (at, rest) => inner(at, () => true) !== node.negate && rest(at);
      }
    }
  }

  function quantifier({ element: inner, min, max, greedy }: AST.Quantifier, backwards: boolean): Matcher {
    const isSingle =
      inner.type === "Character" || inner.type === "CharacterSet" || inner.type === "CharacterClass";
    if (isSingle && !unicode) return run(single(inner.raw, backwards), min, max, greedy, backwards);
    const one = element(inner, backwards);
    const repeat = (count: number, at: number, rest: Rest): boolean => {
      step();
      const more = () =>
        count < max && one(at, (end) => (end === at && count >= min ? false : repeat(count + 1, end, rest)));
      if (count < min) return more();
      return greedy ? more() || rest(at) : rest(at) || more();
    };
    return (at, rest) => repeat(0, at, rest);
  }

  /** Repeats of one character, which need no memory of each of them. */
  function run(
    next: (at: number) => number,
    min: number,
    max: number,
    greedy: boolean,
    backwards: boolean,
  ): Matcher {
    const direction = backwards ? -1 : 1;
    return (at, rest) => {
      let count = 0;
      let end = at;
      const goOn = () => {
        const after = count < max ? next(end) : -1;
        if (after < 0) return false;
        count += 1;
        end = after;
        return true;
      };
      while (count < min) if (!goOn()) return false;
      if (!greedy) {
        do if (rest(end)) return true;
        while (goOn());
        return false;
      }
      while (goOn());
      for (; count >= min; count -= 1, end -= direction) {
        step();
        if (rest(end)) return true;
      }
      return false;
    };
  }

  function alternatives(list: readonly AST.Alternative[], backwards: boolean): Matcher {
    const each = list.map(({ elements }) => {
      const matchers = elements.map((one) => element(one, backwards));
      const inOrder = backwards ? matchers.toReversed() : matchers;
      return (at: number, rest: Rest): boolean => {
        const from = (index: number, place: number): boolean => {
          const matcher = inOrder[index];
          return matcher === undefined ? rest(place) : matcher(place, (end) => from(index + 1, end));
        };
        return from(0, at);
      };
    });
    return (at, rest) => each.some((alternative) => alternative(at, rest));
  }

  const captures: AST.CapturingGroup[] = [];
  collectCaptures(pattern, captures);
  const whole = alternatives(pattern.alternatives, false);

  return {
    match(given, from) {
      text = given;
      steps = 0;
      try {
        for (let start = from; start <= text.length; start += start < text.length ? widthAt(start) : 1) {
          step();
          groups = [];
          let end = -1;
          const found = whole(start, (at) => {
            end = at;
            return true;
          });
          if (found) return { steps, at: [start, end], gaveUp: false };
          if (flags.includes("y")) break;
        }
        return { steps, at: undefined, gaveUp: false };
      } catch (error) {
        if (!(error instanceof OutOfSteps) && !(error instanceof RangeError)) throw error;
        return { steps, at: undefined, gaveUp: true };
      }
    },
  };
}

function collectCaptures(
  node: AST.Pattern | AST.Alternative | AST.Element,
  into: AST.CapturingGroup[],
): void {
  if (node.type === "CapturingGroup") into.push(node);
  if ("alternatives" in node && node.alternatives !== undefined)
    for (const each of node.alternatives) if (each.type === "Alternative") collectCaptures(each, into);
  if (node.type === "Alternative") for (const each of node.elements) collectCaptures(each, into);
  if (node.type === "Quantifier") collectCaptures(node.element, into);
}

/** The engine's own way to match, whatever has been put in its place. */
export const NATIVE_EXEC = RegExp.prototype.exec;
