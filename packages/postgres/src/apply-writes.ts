import {
  checkValue,
  conflictOf,
  type Condition,
  type TableName,
  type Where,
  type Write,
} from "@heed/core/storage";
import type { TouchedStep } from "./delivery/follow-steps.ts";
import { insertInto, type Insert } from "./insert-sql.ts";
import { definitionOf, sqlName } from "./schema.ts";
import { inOrder, type Result, type Session, type Statement } from "./session.ts";
import { removeWhere, updateRows, updateWhere, type AnyRow } from "./sql.ts";

/** Writes that become one statement. `shape`: what another write must have to join. */
interface Group {
  readonly shape: string;
  readonly table: TableName;
  /** It reads other tables, or it touches rows that cannot be told beforehand. */
  readonly isOpenEnded: boolean;
  readonly keys: Set<string>;
  readonly writes: Write[];
}

function readsOthers(where: Where): boolean {
  return Object.values(where).some(
    (condition: Condition) => typeof condition === "object" && condition !== null && "via" in condition,
  );
}

/** The key of the one row that is meant, when `where` is nothing but its key. */
function keyIn(table: TableName, where: Where): string | undefined {
  const { key } = definitionOf(table);
  const isKey =
    Object.keys(where).length === key.length &&
    key.every((column) => typeof where[column] === "string" || typeof where[column] === "number");
  return isKey ? keyOf(table, where) : undefined;
}

function keyOf(table: TableName, row: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(definitionOf(table).key.map((column) => row[column]));
}

function groupFor(write: Write): Group {
  const writes = [write];
  if ("insert" in write) {
    const { insert: table, row } = write;
    const conflict = conflictOf(write);
    // One statement raises no row twice.
    const key = typeof conflict === "string" ? keyOf(table, row) : undefined;
    const keys = new Set(key === undefined ? [] : [key]);
    return { shape: `insert ${table} ${conflict}`, table, isOpenEnded: false, keys, writes };
  }
  if ("remove" in write) {
    return { shape: "", table: write.remove, isOpenEnded: readsOthers(write.where), keys: new Set(), writes };
  }
  const { update: table, where, set } = write;
  const key = keyIn(table, where);
  const columns = Object.keys(set);
  const movesKey = columns.some((column) => definitionOf(table).key.includes(column));
  const shape = key === undefined || movesKey ? "" : `update ${table} ${columns.join()}`;
  return {
    shape,
    table,
    isOpenEnded: readsOthers(where),
    keys: new Set(key === undefined ? [] : [key]),
    writes,
  };
}

/** True when `write` changed places with the group, and nobody could tell. */
function commutes(group: Group, one: Group): boolean {
  return group.table !== one.table && !group.isOpenEnded && !one.isOpenEnded;
}

/**
 * The writes in as few statements as possible: of one table and shape they become one, past those of other
 * tables. Writes of one table keep their order, and so does whatever reads another table.
 */
function grouped(writes: readonly Write[]): readonly Group[] {
  const groups: Group[] = [];
  for (const write of writes) {
    if ("update" in write && Object.keys(write.set).length === 0) {
      // Nothing is set; a mistake in it is a mistake all the same.
      updateWhere("", write.update, write.where, {});
      continue;
    }
    const one = groupFor(write);
    let at = groups.length - 1;
    while (at >= 0 && groups[at]?.shape !== one.shape && commutes(groups[at] ?? one, one)) at -= 1;
    const group = groups[at];
    const key = [...one.keys][0];
    const joins =
      group !== undefined &&
      one.shape !== "" &&
      group.shape === one.shape &&
      // Of two updates of one row the second must win.
      (key === undefined || !group.keys.has(key));
    if (joins) {
      group.writes.push(write);
      if (key !== undefined) group.keys.add(key);
    } else groups.push(one);
  }
  return groups;
}

const isInsert = ({ writes: [first] }: Group): boolean => first !== undefined && "insert" in first;

/** Groups that become one statement: inserts into different tables, past whatever stands between them. */
function batched(groups: readonly Group[]): readonly (readonly Group[])[] {
  const batches: Group[][] = [];
  for (const group of groups) {
    const joins = (batch: readonly Group[]) =>
      isInsert(group) && batch.every((each) => isInsert(each) && each.table !== group.table);
    const isPassable = (batch: readonly Group[]) => batch.every((each) => commutes(each, group));
    let at = batches.length - 1;
    while (at >= 0 && !joins(batches[at]!) && isPassable(batches[at]!)) at -= 1;
    const batch = batches[at];
    if (batch !== undefined && joins(batch)) batch.push(group);
    else batches.push([group]);
  }
  return batches;
}

function statementOf(schema: string, batch: readonly Group[], isAnswered: boolean): Statement {
  const [group] = batch;
  const [first] = group?.writes ?? [];
  if (group === undefined || first === undefined) throw new TypeError("A group of writes has none.");
  const { shape, table, writes } = group;
  if ("insert" in first) return insertInto(schema, batch.map(insertOf), isAnswered);
  if ("remove" in first) return removeWhere(schema, table, first.where);
  if (shape === "" || writes.length === 1) return updateWhere(schema, table, first.where, first.set);
  const rows = writes.flatMap((write) => ("update" in write ? [{ key: write.where, set: write.set }] : []));
  for (const { key } of rows) {
    for (const [column, value] of Object.entries(key)) checkValue(table, column, value);
  }
  return updateRows(schema, table, rows);
}

function insertOf({ table, writes }: Group): Insert {
  const inserts = writes.flatMap((write) => ("insert" in write ? [write] : []));
  const [first] = inserts;
  return { table, rows: inserts.map(({ row }) => row), conflict: first !== undefined && conflictOf(first) };
}

/** Whether the write leaves bytes behind that must be scrubbed. */
function removesSecrets(write: Write): boolean {
  return (
    !("insert" in write) && definitionOf("remove" in write ? write.remove : write.update).secret === true
  );
}

/**
 * Makes statements of the writes, which carry them out as if one after another.
 *
 * @param isAnswered whether steps that are inserted are to be answered
 * @returns what sends all of them at once, and resolves with the steps that were touched
 * @throws TypeError when a write does not fit its table
 */
export function preparedWrites(
  schema: string,
  writes: readonly Write[],
  isAnswered: boolean,
): (session: Session) => Promise<readonly TouchedStep[]> {
  const batches = batched(grouped(writes));
  const statements = batches.map((batch) => statementOf(schema, batch, isAnswered));
  if (writes.some(removesSecrets)) {
    const sql = `INSERT INTO ${sqlName(schema, "heed_unscrubbed")} DEFAULT VALUES`;
    statements.push({ sql, values: [] });
  }
  return async (session) => {
    const answers = await inOrder(statements.map(({ sql, values }) => session.run(sql, values)));
    return touchedBy(batches, answers);
  };
}

function touchedBy(
  batches: readonly (readonly Group[])[],
  answers: readonly Result[],
): readonly TouchedStep[] {
  const touched = new Map<string, TouchedStep>();
  for (const [index, batch] of batches.entries()) {
    const group = batch.find(({ table }) => table === "steps");
    if (group === undefined) continue;
    const [first] = group.writes;
    const isRemoved = first !== undefined && "remove" in first;
    const isInserted = isInsert(group);
    for (const row of answers[index]?.rows ?? []) {
      const step = touchedStep(row, { isRemoved, isNew: isInserted && !touched.has(String(row["id"])) });
      touched.set(step.id, step);
    }
  }
  return [...touched.values()];
}

/**
 * The steps that writes touch, as far as that can be told before they are carried out: when they insert steps and
 * do nothing else to any.
 */
export function plannedSteps(writes: readonly Write[]): readonly TouchedStep[] | undefined {
  const planned: TouchedStep[] = [];
  for (const write of writes) {
    if ("insert" in write) {
      if (write.insert !== "steps") continue;
      if (conflictOf(write) !== false) return undefined;
      planned.push(touchedStep(write.row, { isRemoved: false, isNew: true }));
    } else if (("update" in write ? write.update : write.remove) === "steps") return undefined;
  }
  return planned;
}

function touchedStep(
  row: AnyRow,
  { isRemoved, isNew }: { readonly isRemoved: boolean; readonly isNew: boolean },
): TouchedStep {
  // Its job comes when it is due, or when its lease runs out.
  const isLeased = row["state"] === "running";
  const at = isLeased ? row["leaseUntil"] : row["state"] === "due" ? row["dueAt"] : null;
  return {
    id: String(row["id"]),
    namespace: String(row["namespace"]),
    processor: String(row["processor"]),
    lane: Number(row["lane"]),
    at: typeof at === "string" && !isRemoved ? at : undefined,
    isLeased,
    isNew,
  };
}
