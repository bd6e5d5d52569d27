/** How numbers of a country are grouped, by what they begin with: the first that fits counts. */
const countries = (): readonly (readonly [country: string, number: RegExp, groups: readonly number[]])[] => [
  ["47", /^[49]\d{7}$/, [3, 2, 3]],
  ["47", /^\d{8}$/, [2, 2, 2, 2]],
  ["45", /^\d{8}$/, [2, 2, 2, 2]],
  ["46", /^7\d{8}$/, [2, 3, 2, 2]],
  ["46", /^\d{8,9}$/, [2, 3, 2, 2]],
  ["358", /^\d{8,10}$/, [2, 3, 5]],
];

/**
 * A phone number as people in its country write it: `+47 999 99 901`. One that is not Nordic has its digits in
 * threes.
 * @param phone E.164 digits without the plus sign.
 */
export function phoneWords(phone: string): string {
  for (const [country, shape, groups] of countries()) {
    const number = phone.slice(country.length);
    if (phone.startsWith(country) && shape.test(number)) return `+${country} ${inGroups(number, groups)}`;
  }
  return `+${inGroups(phone, [2, 3, 3, 3, 4])}`;
}

function inGroups(digits: string, groups: readonly number[]): string {
  const parts: string[] = [];
  let at = 0;
  for (const length of groups) {
    if (at < digits.length) parts.push(digits.slice(at, at + length));
    at += length;
  }
  return parts.join(" ");
}
