import { inspect } from "node:util";
import { memory, systemClock } from "@heed/core";
import {
  tables,
  type HeedStorage,
  type Query,
  type TableDefinition,
  type TableName,
  type Write,
} from "@heed/core/storage";
import fc from "fast-check";
import { expect } from "vitest";

// Few values, so that rows collide and conditions meet.
const name = fc.constantFrom("a", "b", "c", "å", "");
const amount = fc.constantFrom(-1, 0, 1, 10, 9);
const bytes = fc.uint8Array({ maxLength: 3 });
const nullable = fc.option(name);

function conditionOn(value: fc.Arbitrary<string | number>) {
  return fc.oneof(
    value,
    fc.array(value, { maxLength: 3 }),
    value.map((atMost) => ({ atMost })),
    value.map((above) => ({ above })),
    fc.boolean().map((isNull) => ({ isNull })),
  );
}

const viaLimits = fc
  .record({ arrival: conditionOn(amount) }, { requiredKeys: [] })
  .map((where) => ({ via: "limits", column: "bucket", where }) as const);
const viaOthers = fc
  .record({ digest: fc.oneof(conditionOn(name), viaLimits), at: conditionOn(name) }, { requiredKeys: [] })
  .map((where) => ({ via: "suppressions", column: "scope", where }) as const);
// A column that may be null, which equals nothing.
const viaNullable = fc
  .record({ address: conditionOn(name) }, { requiredKeys: [] })
  .map((where) => ({ via: "references", column: "subjectId", where }) as const);
const text = fc.oneof(
  { weight: 3, arbitrary: conditionOn(name) },
  { weight: 1, arbitrary: viaLimits },
  { weight: 1, arbitrary: viaOthers },
  { weight: 1, arbitrary: viaNullable },
);
const some = { requiredKeys: [] };

const shapes = {
  limits: {
    row: {
      bucket: name,
      arrival: amount,
      arrival1: amount,
      arrival2: amount,
      pushedBackUntil: amount,
      used: amount,
      usedUntil: amount,
    },
    where: { bucket: text, arrival: conditionOn(amount), pushedBackUntil: conditionOn(amount) },
  },
  dataKeys: {
    row: { owner: name, wrapped: bytes, keyId: name },
    where: { owner: text, keyId: text },
  },
  permits: {
    row: {
      id: name,
      address: name,
      message: name,
      topic: name,
      class: name,
      state: name,
      takenAt: name,
      handedOverAt: nullable,
      settledAt: nullable,
      outcome: nullable,
      optedOutAt: nullable,
      repeats: fc.constantFrom(null, 1),
      suppression: nullable,
    },
    where: { id: text, address: text, message: text, state: text, outcome: text, optedOutAt: text },
  },
  suppressions: {
    row: { digest: name, scope: name, reason: name, at: name },
    where: { digest: text, scope: text, at: text },
  },
  references: {
    row: { id: name, address: nullable, subjectId: nullable, suppressions: name },
    where: { id: text, address: text, subjectId: text },
  },
  journalMarks: {
    row: { writer: name, number: amount, journal: name },
    where: { writer: text, number: conditionOn(amount) },
  },
} as const;

// Nobody raises what is secret.
const raisedBy: Readonly<Record<string, readonly string[]>> = {
  limits: ["arrival", "used"],
  permits: ["state"],
  suppressions: ["at", "reason"],
  journalMarks: ["number"],
};

/** Columns that no unique rule is about: an update of any other is refused as soon as it meets two rows. */
function unkeyed(table: string, row: Readonly<Record<string, fc.Arbitrary<unknown>>>) {
  const { key, unique = [] }: TableDefinition = tables[table as TableName];
  const ruled = new Set([...key, ...unique.flat()]);
  return Object.fromEntries(Object.entries(row).filter(([column]) => !ruled.has(column)));
}

const write: fc.Arbitrary<Write> = fc.oneof(
  ...Object.entries(shapes).flatMap(([table, { row, where }]) => [
    fc.record({
      insert: fc.constant(table),
      row: fc.record<Record<string, unknown>>(row),
      // One plain insert of a key that is taken undoes all that came before it.
      orKeep: fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, fc.boolean()),
    }),
    ...(raisedBy[table] ?? []).map((orRaise) =>
      fc.record({
        insert: fc.constant(table),
        row: fc.record<Record<string, unknown>>(row),
        orRaise: fc.constant(orRaise),
      }),
    ),
    fc.record({
      update: fc.constant(table),
      where: fc.record<Record<string, unknown>>(where, some),
      set: fc.oneof(
        { weight: 4, arbitrary: fc.record<Record<string, unknown>>(unkeyed(table, row), some) },
        fc.record<Record<string, unknown>>(row, some),
      ),
    }),
    fc.record({ remove: fc.constant(table), where: fc.record<Record<string, unknown>>(where, some) }),
  ]),
) as fc.Arbitrary<unknown> as fc.Arbitrary<Write>;

const query: fc.Arbitrary<Query> = fc.oneof(
  ...Object.entries(shapes).map(([table, { row, where }]) => {
    const sortable = Object.keys(row).filter((column) => column !== "wrapped");
    return fc.record({
      from: fc.constant(table),
      where: fc.record<Record<string, unknown>>(where, some),
      // Ends with the whole row, so that the order is total and a limit cuts both alike.
      orderBy: fc.shuffledSubarray(sortable).map((columns) => columns.concat(sortable)),
      limit: fc.nat(4),
    });
  }),
) as fc.Arbitrary<unknown> as fc.Arbitrary<Query>;

/** Whatever comes of it, as text: the rows, or the kind of refusal. */
async function outcome(storage: HeedStorage, writes: readonly Write[], asked: Query): Promise<string> {
  try {
    const found = await storage.transact({
      lock: [],
      read: { found: asked },
      clock: systemClock,
      decide: (rows) => ({ writes, answer: rows.found }),
    });
    return inspect(
      found.map((row) => Object.entries(row)),
      { depth: null },
    );
  } catch (error) {
    return error instanceof Error ? error.name : "";
  }
}

const transactions = fc.array(fc.tuple(fc.array(write, { maxLength: 10 }), query), {
  minLength: 1,
  maxLength: 25,
});

const everything = [
  { remove: "limits", where: {} },
  { remove: "dataKeys", where: {} },
  { remove: "permits", where: {} },
  { remove: "suppressions", where: {} },
  { remove: "references", where: {} },
  { remove: "journalMarks", where: {} },
] as const;

/** Random series of transactions, each answered as the reference answers it. Empties the tables that it uses. */
export async function sameAsMemory(storage: HeedStorage, numRuns: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(transactions, async (series) => {
      const reference = memory();
      await outcome(storage, everything, { from: "limits", where: {} });
      for (const [writes, asked] of series) {
        const [ours, theirs] = [
          await outcome(storage, writes, asked),
          await outcome(reference, writes, asked),
        ];
        expect(ours).toBe(theirs);
      }
    }),
    { numRuns },
  );
}
