import { DurableObject } from "cloudflare:workers";

interface Query {
  readonly sql: string;
  readonly params?: readonly SqlStorageValue[] | null;
}

/** A D1 database: SQLite in a Durable Object, which is what D1 is. SCHEMA holds its migrations by name, as JSON. */
export class Database extends DurableObject<{ SCHEMA: string }> {
  constructor(ctx: DurableObjectState, env: { SCHEMA: string }) {
    super(ctx, env);
    const { kv, sql } = ctx.storage;
    const migrations: Readonly<Record<string, string>> = JSON.parse(env.SCHEMA);
    for (const [name, text] of Object.entries(migrations)) {
      if (kv.get(`migration ${name}`) === true) continue;
      sql.exec(text);
      kv.put(`migration ${name}`, true);
    }
  }

  override async fetch(request: Request): Promise<Response> {
    const body = await request.json<Query | readonly Query[]>();
    const queries = Array.isArray(body) ? body : [body as Query];
    try {
      // One transaction for a batch, as D1 has it.
      const results = this.ctx.storage.transactionSync(() => queries.map((query) => this.#run(query)));
      return Response.json(results);
    } catch (error) {
      return Response.json({ success: false, error: error instanceof Error ? error.message : String(error) });
    }
  }

  #run({ sql, params }: Query): unknown {
    const cursor = this.ctx.storage.sql.exec(sql, ...(params ?? []));
    const rows = [...cursor.raw()];
    const changes = this.ctx.storage.sql
      .exec<{ changes: number; id: number }>("SELECT changes() AS changes, last_insert_rowid() AS id")
      .one();
    return {
      success: true,
      results: { columns: cursor.columnNames, rows },
      meta: {
        duration: 0,
        changes: cursor.rowsWritten > 0 ? changes.changes : 0,
        last_row_id: changes.id,
        changed_db: cursor.rowsWritten > 0,
        rows_read: cursor.rowsRead,
        rows_written: cursor.rowsWritten,
      },
    };
  }
}

/** What answers behind workerd's D1 binding. */
export default {
  fetch(request, env): Promise<Response> {
    return env.DATABASE.getByName("d1").fetch(request);
  },
} satisfies ExportedHandler<{ DATABASE: DurableObjectNamespace<Database> }>;
