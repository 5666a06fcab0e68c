import type { HeedContext } from "../context.ts";
import type { Row } from "../contract/tables.ts";
import type { Reads, RowsOf } from "../contract/storage.ts";
import { accountOf } from "./breaker.ts";
import type { Unreadable } from "./unreadable.ts";

/** What is still to be done. */
export interface Left {
  /** Steps that are still open. Counted up to 1000: that many means as many or more. */
  readonly open: number;
  /**
   * RFC 3339: when the next open step is due. Behind an open breaker that is when the next probe goes, and for one
   * whose key this process lacks, when it looks again. Or when a farewell is, if that comes first.
   */
  readonly nextAt?: string;
}

const mostCounted = 1000;

const reads = (namespace: string) =>
  ({
    open: {
      from: "steps",
      where: { namespace, state: ["waiting", "due", "running"] },
      limit: mostCounted,
    },
    leased: { from: "steps", where: { namespace, state: "running" }, orderBy: ["leaseUntil"], limit: 1 },
    breakers: { from: "breakers", where: { openUntil: { isNull: false } } },
    farewells: { from: "farewells", where: { namespace }, orderBy: ["dueAt"], limit: 1 },
  }) as const satisfies Reads;

/** Looks at what is open. @param unreadable what this process leaves to others */
export async function whatIsLeft(
  { storage, clock, namespace, processors, farewell }: HeedContext,
  unreadable: Pick<Unreadable, "stepsOf" | "full" | "againAt">,
): Promise<Left> {
  const firstOf = (processor: string) =>
    ({
      from: "steps",
      where: { namespace, processor, state: "due" },
      orderBy: ["dueAt"],
      limit: 1 + unreadable.stepsOf(processor).length,
    }) as const;
  const ids = Object.keys(processors);
  const { open, leased, breakers, farewells } = await storage.transact({
    lock: [],
    clock,
    read: reads(namespace),
    decide: (rows) => ({ writes: [], answer: rows }),
  });
  const firsts = await storage.transact({
    lock: [],
    clock,
    read: Object.fromEntries(ids.map((id) => [id, firstOf(id)])),
    decide: (rows: RowsOf<Record<string, ReturnType<typeof firstOf>>>) => ({ writes: [], answer: rows }),
  });
  const openUntil = new Map(breakers.map(({ account, openUntil }) => [account, openUntil]));
  const dueAt = (id: string, due: readonly Row<"steps">[]): string | undefined => {
    const leftOut = new Set(unreadable.stepsOf(id));
    const first = unreadable.full.includes(id) ? undefined : due.find((step) => !leftOut.has(step.id));
    const processor = processors[id];
    const until = processor === undefined ? undefined : openUntil.get(accountOf(processor));
    const lookedAt = due.some((step) => leftOut.has(step.id)) ? unreadable.againAt : undefined;
    if (first?.dueAt == null) return lookedAt;
    const nextAt = until != null && until > first.dueAt ? until : first.dueAt;
    return lookedAt !== undefined && lookedAt < nextAt ? lookedAt : nextAt;
  };
  const ofKnown = ids.map((id) => dueAt(id, firsts[id] ?? []));
  // Who has no sender leaves them to others, but for the end of their time.
  const ofFarewell = farewell === undefined ? farewells[0]?.expiresAt : farewells[0]?.dueAt;
  const [nextAt] = [...ofKnown, leased[0]?.leaseUntil, ofFarewell]
    .filter((at) => typeof at === "string")
    .toSorted();
  return { open: open.length, ...(nextAt === undefined ? {} : { nextAt }) };
}
