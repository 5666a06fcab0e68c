import { tables, type HeedStorage, type Row, type Write } from "@heed/core/storage";

export { dataKey, read, subject, write } from "@heed/testing/private";

/** An instant so many milliseconds from now. */
export function inMs(ms: number): string {
  return new Date(Date.now() + ms).toISOString();
}

/** A step of the processor `crm` that has been due for a second, with what is given. */
export function step(id: string, given: Partial<Row<"steps">> = {}): Write {
  const blank = Object.entries(tables.steps.columns).map(([column, type]) => [
    column,
    type.endsWith("?") ? null : type === "text" ? "-" : 0,
  ]);
  const usual = { id, namespace: "acme", processor: "crm", state: "due", dueAt: inMs(-1_000), lane: 1 };
  return { insert: "steps", row: { ...Object.fromEntries(blank), ...usual, ...given } as Row<"steps"> };
}

/** Changes one step. */
export function set(id: string, set: Partial<Row<"steps">>): Write {
  return { update: "steps", where: { id }, set };
}

/** Ids of the steps that a worker would be told now. */
export async function due(storage: HeedStorage, max = 100): Promise<readonly string[]> {
  return (await storage.due({ namespace: "acme", now: inMs(0), max })).map(({ id }) => id);
}
