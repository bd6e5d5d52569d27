/**
 * Puts an entry into a map that must not grow without end: over the limit, what was put first goes first.
 * @param limit how many entries the map may hold.
 */
export function putBounded<Key, Value>(map: Map<Key, Value>, key: Key, value: Value, limit: number): void {
  map.delete(key);
  const oldest = map.size >= limit ? map.keys().next() : undefined;
  if (oldest?.done === false) map.delete(oldest.value);
  map.set(key, value);
}
