import { randomUUID } from "node:crypto";
import type { HeedContext } from "../context.ts";
import type { Retained, Target } from "../contract/operation.ts";
import type { Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { newDataKey, open, seal } from "../keys/sealed.ts";
import { dataKeyOf } from "../ledger/subject-record.ts";
import { civilDateIn } from "../requests/deadline.ts";
import type { Found } from "./found.ts";

/** What a processor kept of somebody, whose time has come. */
export interface RetainedPart {
  readonly id: string;
  readonly processor: string;
  /** The operation that left it. */
  readonly operation: string;
  readonly retained: Retained;
  /** The vendor's objects; empty where nothing was resolved, and a human has to look. */
  readonly targets: readonly Target[];
}

/**
 * The writes that remember what a step left in place: one part for each category, with the vendor's ids sealed
 * under a key of its own. Neither the end of the request nor the erasure of heed's own data touches that key, so
 * that the erasure can be finished when the part's time has come. No identifier of the person is kept.
 *
 * @param key opens what the step found; undefined where it never looked
 */
export function retainedWrites(
  context: HeedContext,
  step: Row<"steps">,
  key: Uint8Array | undefined,
  now: string,
): readonly Write[] {
  const { retained = [] } = JSON.parse(step.outcome ?? "{}") as {
    readonly retained?: readonly Retained[];
  };
  const found =
    step.sealed === null || key === undefined
      ? undefined
      : (JSON.parse(open(key, step.sealed, `steps/${step.id}`)) as Found);
  const targets = (found?.targets ?? []).map(({ kind, id, within }): Target => ({
    kind,
    id,
    ...(within === undefined ? {} : { within }),
  }));
  return retained.flatMap((part) => retainedPart(context, step, part, targets, now));
}

function retainedPart(
  context: HeedContext,
  step: Row<"steps">,
  { category, reason, law, until }: Retained,
  targets: readonly Target[],
  now: string,
): readonly Write[] {
  const id = randomUUID();
  const key = newDataKey();
  const row: Row<"retained"> = {
    id,
    namespace: context.namespace,
    requestId: step.requestId,
    stepId: step.id,
    processor: step.processor,
    operation: step.operation,
    category,
    reason,
    law: law ?? null,
    until: until ?? null,
    sealed: targets.length === 0 ? null : seal(key, JSON.stringify(targets), `retained/${id}`),
    keptAt: now,
  };
  const insert: Write = { insert: "retained", row };
  if (targets.length === 0) return [insert];
  return [insert, { insert: "dataKeys", row: { owner: id, ...context.keys.wrap(key, id) } }];
}

/** The parts whose last day is over, in the controller's zone. One without a date is never due by itself. */
export async function retainedDue(context: HeedContext): Promise<readonly RetainedPart[]> {
  const { namespace, storage, clock, policy } = context;
  const today = civilDateIn(policy.controller.zone ?? "UTC", clock.now());
  const where = { namespace, until: { atMost: today } } as const;
  return storage.transact({
    lock: [],
    clock,
    read: {
      parts: { from: "retained", where, orderBy: ["until", "id"] },
      dataKeys: { from: "dataKeys", where: { owner: { via: "retained", column: "id", where } } },
    },
    decide: ({ parts, dataKeys }) => {
      const due = parts.filter(({ until }) => until !== null && until < today);
      return { writes: [], answer: due.map((row) => partOf(context, row, dataKeys)) };
    },
  });
}

function partOf(
  context: HeedContext,
  row: Row<"retained">,
  dataKeys: readonly Row<"dataKeys">[],
): RetainedPart {
  const { id, processor, operation, category, reason, law, until, sealed } = row;
  return {
    id,
    processor,
    operation,
    retained: {
      category,
      reason,
      ...(law === null ? {} : { law }),
      ...(until === null ? {} : { until }),
    },
    targets:
      sealed === null
        ? []
        : (JSON.parse(open(dataKeyOf(context, dataKeys, id), sealed, `retained/${id}`)) as Target[]),
  };
}

/**
 * The part was erased at its processor: its row and its key go.
 *
 * @returns whether the bytes of the key are gone from the storage's files; false: ask `scrub` again later
 */
export async function endRetained(context: HeedContext, id: string): Promise<boolean> {
  const { namespace, storage, clock } = context;
  await storage.transact({
    lock: [],
    clock,
    read: {},
    decide: () => ({
      writes: [
        { remove: "retained", where: { id, namespace } },
        { remove: "dataKeys", where: { owner: id } },
      ],
      answer: undefined,
    }),
  });
  return storage.scrub();
}
