import type { HeedContext } from "../context.ts";
import type { Decision, Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { evidenceWrite } from "../evidence/evidence.ts";
import { open } from "../keys/sealed.ts";
import { lockNames } from "../ledger/under-lock.ts";
import type { FarewellOutcome } from "./farewell.ts";

/** Which farewell, and of which erasure. */
export type FarewellRef = Pick<Row<"farewells">, "id" | "requestId">;

/** A farewell that is being sent. */
export interface Attempt extends FarewellRef {
  readonly email: string;
}

const minuteMs = 60_000;
/** The pause after the first try; each one after it is twice as long, a day at most. */
const firstPauseMs = 5 * minuteMs;
const longestPauseMs = 24 * 60 * minuteMs;

/** How long a sender's answer is waited for. */
export const answerMs = 10 * minuteMs;
/** After that nobody waits for the answer any more, whoever sent it. */
const lostAfterMs = 2 * answerMs;
/** When one is looked at again that could not go on. */
const againMs = minuteMs;
/** When one is whose erasure a restored database carries out once more. */
const erasedAgainMs = 60 * minuteMs;

const later = (now: string, ms: number): string => new Date(Date.parse(now) + ms).toISOString();

/** Those that there is something to do about, longest due first. Without a sender: those whose time is over. */
export function dueFarewells(
  { namespace, storage, clock, farewell }: HeedContext,
  most: number,
): Promise<readonly FarewellRef[]> {
  const dueAt = { atMost: clock.now().toISOString() };
  return storage.transact({
    lock: [],
    clock,
    read: { due: { from: "farewells", where: { namespace, dueAt }, orderBy: ["dueAt", "id"], limit: most } },
    decide: ({ due }, now): Decision<readonly FarewellRef[]> => ({
      writes: [],
      answer: due.filter((row) => farewell !== undefined || row.state !== "open" || row.expiresAt <= now),
    }),
  });
}

/** Under the lock of its request: everything that becomes of a farewell does so one after another. */
function change<A>(
  { storage, clock }: HeedContext,
  { id, requestId }: FarewellRef,
  decide: (row: Row<"farewells">, rows: FarewellRows, now: string) => Decision<A>,
  otherwise: A,
): Promise<A> {
  return storage.transact({
    lock: lockNames({ requests: [requestId] }),
    clock,
    read: {
      farewells: { from: "farewells", where: { id } },
      dataKeys: { from: "dataKeys", where: { owner: id } },
      requests: { from: "requests", where: { id: requestId } },
    },
    decide: (rows, now) => {
      const [row] = rows.farewells;
      return row === undefined ? { writes: [], answer: otherwise } : decide(row, rows, now);
    },
  });
}

interface FarewellRows {
  readonly dataKeys: readonly Row<"dataKeys">[];
  readonly requests: readonly Row<"requests">[];
}

/** Its address and the key of it go; what is left says how it ended. */
function endWrites({ id }: FarewellRef, outcome: FarewellOutcome, now: string): readonly Write[] {
  return [
    {
      update: "farewells",
      where: { id },
      set: { state: "ended", outcome, address: null, sealed: null, handedOverAt: null, dueAt: now },
    },
    { remove: "dataKeys", where: { owner: id } },
  ];
}

/**
 * Takes up one that is due: begins a try, or ends it.
 *
 * @returns the try; `"ended"` when only {@link recordEnd} is left to do; undefined when it is nobody's turn
 */
export function takeUp(context: HeedContext, ref: FarewellRef): Promise<Attempt | "ended" | undefined> {
  const { id, requestId } = ref;
  const put = (set: Partial<Row<"farewells">>): Write => ({ update: "farewells", where: { id }, set });
  return change<Attempt | "ended" | undefined>(
    context,
    ref,
    (row, { dataKeys, requests }, now) => {
      if (row.dueAt > now) return { writes: [], answer: undefined };
      const isOver = row.sealed !== null && row.expiresAt <= now;
      // A restored database carries the erasure out again: until then the row says that there was a farewell.
      if (requests.some(({ closedAt }) => closedAt === null) && !isOver)
        return { writes: [put({ dueAt: later(now, erasedAgainMs) })], answer: undefined };
      if (row.state === "ended") return { writes: [], answer: "ended" };
      const [key] = dataKeys;
      // Whoever had it never said what became of it; or a restoration has taken the key.
      if (row.state === "attempting" || row.sealed === null || key === undefined)
        return { writes: endWrites(ref, "unknown", now), answer: "ended" };
      if (isOver) return { writes: endWrites(ref, "not-sent", now), answer: "ended" };
      if (context.farewell === undefined) return { writes: [], answer: undefined };
      const email = open(context.keys.unwrap(key.wrapped, key.keyId, id), row.sealed, `farewells/${id}`);
      const begun = {
        state: "attempting",
        tries: row.tries + 1,
        handedOverAt: null,
        dueAt: later(now, lostAfterMs),
      };
      return { writes: [put(begun)], answer: { id, requestId, email } };
    },
    undefined,
  );
}

/** Keeps what a try came to. @returns whether it was the last one */
export function settleAttempt(
  context: HeedContext,
  attempt: Attempt,
  outcome: FarewellOutcome | "deferred",
): Promise<boolean> {
  return change(
    context,
    attempt,
    (row, _, now) => {
      if (row.state !== "attempting") return { writes: [], answer: false };
      const pauseMs = Math.min(firstPauseMs * 2 ** (row.tries - 1), longestPauseMs);
      const dueAt = later(now, pauseMs);
      if (outcome === "deferred" && dueAt < row.expiresAt) {
        const set = { state: "open", handedOverAt: null, dueAt };
        return { writes: [{ update: "farewells", where: { id: row.id }, set }], answer: false };
      }
      // What no further try can come in time for is kept no longer.
      return { writes: endWrites(row, outcome === "deferred" ? "not-sent" : outcome, now), answer: true };
    },
    false,
  );
}

/** Looks at one again in a minute. */
export function putOffFarewell(context: HeedContext, ref: FarewellRef): Promise<void> {
  const putOff = (row: Row<"farewells">, _: FarewellRows, now: string): Decision<void> => {
    const set = { dueAt: later(now, againMs) };
    const isMine = row.state !== "attempting";
    return { writes: isMine ? [{ update: "farewells", where: { id: row.id }, set }] : [], answer: undefined };
  };
  return change<void>(context, ref, putOff, undefined);
}

/** Keeps as proof how it ended, and nothing else of it: only when the bytes of its key are gone. */
export function recordEnd(context: HeedContext, ref: FarewellRef): Promise<FarewellOutcome | undefined> {
  const { id, requestId } = ref;
  return change<FarewellOutcome | undefined>(
    context,
    ref,
    (row, _, now) => {
      const outcome = (row.outcome ?? "unknown") as FarewellOutcome;
      const proof = evidenceWrite(context, now, { kind: "farewell.ended", requestId, outcome });
      return { writes: [{ remove: "farewells", where: { id } }, proof], answer: outcome };
    },
    undefined,
  );
}
