import type { Client } from "pg";

/** Tables of any schema, the server's own too, with a row that holds the text: as it is, or in bytes. */
export async function placesOf(client: Client, text: string): Promise<readonly string[]> {
  const { rows } = await client.query(
    "SELECT table_schema AS schema, table_name AS name FROM information_schema.tables WHERE table_type = 'BASE TABLE'",
  );
  const found: string[] = [];
  for (const { schema, name } of rows as { schema: string; name: string }[]) {
    const hits = await client.query(
      `SELECT 1 FROM "${schema}"."${name}" AS row WHERE strpos(lower(row::text), lower($1)) > 0 OR strpos(row::text, $2) > 0 LIMIT 1`,
      [text, Buffer.from(text).toString("hex")],
    );
    if (hits.rows.length > 0) found.push(`${schema}.${name}`);
  }
  return found;
}
