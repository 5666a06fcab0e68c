import { randomUUID } from "node:crypto";
import type { Where, Write } from "../contract/storage.ts";
import type { TableName } from "../contract/tables.ts";
import { isOptOut } from "../ledger/event.ts";
import type { JournalRecord } from "./journal.ts";

/** A write, seen without its table's type. */
interface AnyWrite {
  readonly verb: "insert" | "update" | "remove";
  readonly table: TableName;
  readonly row: Readonly<Record<string, unknown>>;
  readonly where: Where;
}

function seen(write: Write): AnyWrite {
  if ("insert" in write) return { verb: "insert", table: write.insert, row: write.row, where: {} };
  if ("update" in write) return { verb: "update", table: write.update, row: write.set, where: write.where };
  return { verb: "remove", table: write.remove, row: {}, where: write.where };
}

/** What the journal makes of a transaction. */
export interface Kept {
  readonly record: JournalRecord;
  /** Whether the caller is answered only when the journal has it. Otherwise it follows in its own time. */
  readonly isAwaited: boolean;
  /** Whether all it does is to silence: then it is recorded also while a restored database waits. */
  readonly isOptOut: boolean;
  /** Owners whose data keys it destroyed. */
  readonly destroyed: readonly string[];
}

/**
 * What of a transaction's writes the journal keeps, or undefined where nothing is: whatever only this
 * database knows of people, what they chose and what they asked for. Steps are not kept, since the choice makes
 * them again; permits and limits are of the moment.
 *
 * Rows that are one subject's go to that subject's part, which dies with it; all else outlives it.
 */
export function keptOf(writes: readonly Write[], now: string): Kept | undefined {
  const all = writes.map((write) => ({ write, ...seen(write) }));
  const has = (verb: AnyWrite["verb"], ...tables: readonly TableName[]) =>
    all.filter((each) => each.verb === verb && tables.includes(each.table));
  const ends = all.filter((each) => each.table === "requests" && each.row["closedAt"] != null);
  const removed = has("remove", "subjects", "dataKeys", "parked");
  const moves = has("update", "requests").find(
    (each) => each.where["subjectId"] !== undefined && each.row["subjectId"] !== undefined,
  );
  const linked =
    moves === undefined
      ? undefined
      : { from: textOf(moves.where["subjectId"]), to: textOf(moves.row["subjectId"]) };
  const erased = linked === undefined ? has("remove", "identifiers")[0]?.where["subjectId"] : undefined;
  const hasChoice =
    has("insert", "events", "requests", "parked").length > 0 ||
    has("update", "requests").some((each) => each.row["endsPaidService"] != null);
  // What was restored without its holds would destroy what must be kept.
  const holds =
    has("insert", "holds").length > 0 ||
    all.some((each) => each.table === "holds" && "releasedAt" in each.row);
  // Nobody is told twice: that it is about to be said is known before it is.
  const farewells = has("update", "farewells").length > 0;
  const silences = all.some((each) => each.table === "suppressions");
  const isAwaited =
    hasChoice ||
    holds ||
    farewells ||
    silences ||
    ends.length > 0 ||
    erased !== undefined ||
    linked !== undefined;
  const adds = has("insert", "subjects", "identifiers", "references");
  const marks = has("update", "identifiers");
  if (!isAwaited && adds.length === 0 && marks.length === 0 && removed.length === 0) return undefined;

  const parts = new Map<string, Write[]>();
  const kept: Write[] = [];
  const toPart = (owner: unknown, write: Write) => {
    const part = parts.get(String(owner)) ?? [];
    parts.set(String(owner), [...part, write]);
  };
  const owners = new Set(has("insert", "subjects", "parked").map((each) => each.row["id"]));
  for (const { write, verb, table, row, where } of all) {
    switch (table) {
      case "subjects":
        if (verb === "insert")
          toPart(row["id"], { insert: "subjects", row: { ...row, frozenBy: null } } as Write);
        else if (verb === "remove") kept.push(write);
        break;
      case "dataKeys":
        // A request's key is made again with its plan.
        if (verb === "remove") kept.push(write);
        else if (owners.has(row["owner"])) toPart(row["owner"], write);
        break;
      case "parked":
        if (verb === "insert") toPart(row["id"], write);
        else kept.push(write);
        break;
      case "identifiers":
      case "events":
      case "invitations":
        if (row["subjectId"] !== undefined) toPart(row["subjectId"], write);
        else kept.push(write);
        // An erasure that is carried out again goes by what was shown to be theirs.
        if (verb === "update" && table === "identifiers" && row["verified"] === 1 && "subjectId" in row)
          kept.push({ update: table, where, set: { verified: 1 } });
        break;
      case "references":
        if (verb !== "insert") kept.push(write);
        else {
          // A link outlives the person it was issued for: see `references` in the tables.
          const { address, subjectId } = row;
          kept.push({ insert: table, row: { ...row, address: null, subjectId: null } } as Write);
          toPart(subjectId, {
            update: table,
            where: { id: row["id"] },
            set: { address, subjectId },
          } as Write);
        }
        break;
      case "farewells":
        // How far it came and nothing else, so that nobody is told twice of an erasure that is carried out again.
        if (verb === "insert")
          kept.push({ insert: table, row: { ...row, address: null, sealed: null } } as Write);
        else if (verb === "update") kept.push(write);
        break;
      case "requests":
        if (
          verb === "insert" ||
          ["closedAt", "identity", "subjectId", "endsPaidService", "madeSubject", "named"].some(
            (name) => name in row,
          )
        )
          kept.push(write);
        break;
      case "steps":
        // Those of a subject that became another's; the rest is planned again.
        if (verb === "update" && "subjectId" in row && !("id" in where)) kept.push(write);
        break;
      case "suppressions":
      case "evidence":
      case "holds":
        kept.push(write);
        break;
      // Of the moment, made again, or the journal's own. What is retained is found again by the erasure that is
      // carried out again, and evidence is sealed anew. A report is about a permit, which is lost as well; who complained
      // said no, and that is kept, and a mailbox that is not there will be reported again.
      case "permits":
      case "reports":
      case "limits":
      case "breakers":
      case "retained":
      case "checkpoints":
      case "evidenceTree":
      case "journal":
      case "journalMarks":
      case "restored":
      case "sightings":
        break;
      default: {
        const never: never = table;
        return never;
      }
    }
  }
  const isOptOutOnly =
    erased === undefined &&
    linked === undefined &&
    ends.length === 0 &&
    (hasChoice || silences) &&
    // Whoever comes back is silenced less.
    all.every((each) => each.table !== "suppressions" || each.row["reason"] !== "returned") &&
    has("insert", "parked").length === 0 &&
    has("insert", "events").every((each) => isOptOut(String(each.row["kind"]))) &&
    all.every((each) => each.table !== "requests" || each.row["right"] === "withdrawal");
  const record: JournalRecord = {
    id: randomUUID(),
    at: now,
    writes: kept,
    parts: [...parts].map(([owner, part]) => ({ owner, writes: part })),
    ...(erased === undefined ? {} : { erased: textOf(erased) }),
    ...(linked === undefined ? {} : { linked }),
  };
  return { record, isAwaited, isOptOut: isOptOutOnly, destroyed: destroyedBy(record) };
}

/** Owners whose data keys a record's transaction destroyed. */
export function destroyedBy({ writes, linked }: JournalRecord): readonly string[] {
  if (linked !== undefined) return [];
  return writes.flatMap((write) =>
    "remove" in write && write.remove === "dataKeys" ? ownersIn(write.where) : [],
  );
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function ownersIn({ owner }: Where): readonly string[] {
  if (typeof owner === "string") return [owner];
  return Array.isArray(owner) ? owner.map(String) : [];
}
