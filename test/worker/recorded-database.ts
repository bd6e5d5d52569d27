/** What one statement cost, by D1's own counters. */
export interface Cost {
  /** The statement with single spaces. */
  readonly sql: string;
  readonly read: number;
  readonly written: number;
  /** Rows it returned or changed. */
  readonly rows: number;
}

/** A real database, and what was asked of it. */
export interface RecordedDatabase {
  readonly database: D1Database;
  readonly costs: Cost[];
}

export const oneLine = (sql: string): string => sql.replace(/\s+/g, " ").trim();

/** A real database that notes what each statement cost. */
export function recordCosts(real: D1Database): RecordedDatabase {
  const costs: Cost[] = [];
  const known = new WeakMap<object, { readonly sql: string; readonly statement: D1PreparedStatement }>();
  const note = (sql: string, { meta, results }: D1Result) => {
    const rows = Math.max(results.length, meta.changes);
    costs.push({ sql: oneLine(sql), read: meta.rows_read, written: meta.rows_written, rows });
  };
  const recorded = (sql: string, statement: D1PreparedStatement): D1PreparedStatement => {
    const all = async () => {
      const result = await statement.all();
      note(sql, result);
      return result;
    };
    const proxy = new Proxy(statement, {
      get(target, name) {
        if (name === "all" || name === "run") return all;
        // Its own answer has no counters.
        if (name === "first") return async () => (await all()).results[0] ?? null;
        const member = Reflect.get(target, name);
        // Whatever is given back by an async function is asked whether it is a promise.
        if (name === "then") return undefined;
        if (name !== "bind") throw new Error(`${String(name)} is not recorded`);
        return (...args: unknown[]) => recorded(sql, Reflect.apply(member, target, args));
      },
    });
    known.set(proxy, { sql, statement });
    return proxy;
  };
  const database = new Proxy(real, {
    get(target, name) {
      if (name === "prepare") return (sql: string) => recorded(sql, target.prepare(sql));
      const member = Reflect.get(target, name);
      if (name !== "batch") return typeof member === "function" ? member.bind(target) : member;
      return async (batch: D1PreparedStatement[]) => {
        const statements = batch.map((one) => {
          const found = known.get(one);
          if (found === undefined) throw new Error("a statement of another database");
          return found;
        });
        const results = await target.batch(statements.map(({ statement }) => statement));
        for (const [index, result] of results.entries()) note(statements[index]?.sql ?? "", result);
        return results;
      };
    },
  });
  return { database, costs };
}
