// Names of hosts as people write them. In addresses, letters outside ASCII are Punycode (RFC 3492): `idyrøy.no` is
// `xn--idyry-yua.no` there.

const BASE = 36;
const T_MIN = 1;
const T_MAX = 26;
const SKEW = 38;
const DAMP = 700;
const INITIAL_BIAS = 72;
const INITIAL_N = 128;

/** A host, with its port, as people read it. Whatever is no Punycode stays as it is. */
export function readableHost(host: string): string {
  return host.replace(/(^|\.)xn--([a-z0-9-]{1,59})(?=[.:]|$)/g, (label, dot: string, encoded: string) => {
    const decoded = decodedLabel(encoded);
    return decoded === undefined ? label : dot + decoded;
  });
}

/** A label of a name without its `xn--` (RFC 3492 section 6.2). @returns undefined for what is no Punycode */
function decodedLabel(encoded: string): string | undefined {
  const last = encoded.lastIndexOf("-");
  const points = [...encoded.slice(0, Math.max(0, last))].map((sign) => sign.codePointAt(0) ?? 0);
  let [n, i, bias] = [INITIAL_N, 0, INITIAL_BIAS];
  for (let at = last + 1; at < encoded.length; ) {
    const before = i;
    for (let [weight, k] = [1, BASE]; ; k += BASE) {
      const digit = Number.parseInt(encoded[at] ?? "", 36);
      if (Number.isNaN(digit)) return undefined;
      // Here letters come first, in the digits of base 36 last.
      const value = digit < 10 ? digit + 26 : digit - 10;
      at += 1;
      i += value * weight;
      const t = Math.min(T_MAX, Math.max(T_MIN, k - bias));
      if (value < t) break;
      weight *= BASE - t;
    }
    const length = points.length + 1;
    bias = adapted(i - before, length, before === 0);
    n += Math.floor(i / length);
    i %= length;
    if (n > 0x10ffff) return undefined;
    points.splice(i, 0, n);
    i += 1;
  }
  return String.fromCodePoint(...points);
}

/** RFC 3492 section 6.1. */
function adapted(delta: number, length: number, isFirst: boolean): number {
  let rest = isFirst ? Math.floor(delta / DAMP) : Math.floor(delta / 2);
  rest += Math.floor(rest / length);
  let k = 0;
  for (; rest > ((BASE - T_MIN) * T_MAX) / 2; k += BASE) rest = Math.floor(rest / (BASE - T_MIN));
  return k + Math.floor(((BASE - T_MIN + 1) * rest) / (rest + SKEW));
}
