import type { HeedContext } from "../context.ts";
import type { Decision } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { InvalidInputError } from "../errors/invalid-input-error.ts";
import { evidenceWrite } from "../evidence/evidence.ts";
import { lockNames } from "../ledger/under-lock.ts";
import { isHeldBack } from "../requests/lifecycle.ts";

/**
 * Ends a hold: what it alone held back is due at once, also where its time has come long ago. Repeating it after a
 * crash does what is lacking.
 *
 * @throws InvalidInputError `no-such-hold`
 */
export async function releaseHold(context: HeedContext, id: string): Promise<{ readonly changed: boolean }> {
  const { hold, changed } = await context.storage.transact({
    lock: [`hold:${id}`],
    clock: context.clock,
    read: { holds: { from: "holds", where: { id, namespace: context.namespace } } },
    decide: ({ holds: [hold] }, now): Decision<{ hold: Row<"holds">; changed: boolean }> => {
      if (hold === undefined) throw noSuchHold();
      if (hold.releasedAt !== null) return { writes: [], answer: { hold, changed: false } };
      return {
        writes: [
          { update: "holds", where: { id }, set: { releasedAt: now } },
          evidenceWrite(context, now, { kind: "hold.released", holdId: id }),
        ],
        answer: { hold, changed: true },
      };
    },
  });
  await wake(context, hold);
  if (changed) context.hub.emit("hold.released", { holdId: id });
  return { changed };
}

function noSuchHold(): InvalidInputError {
  return new InvalidInputError("There is no such hold. Pass the id that `holds.place` answered.", {
    code: "no-such-hold",
    issues: [{ path: "id", message: "unknown" }],
  });
}

const mostAtOnce = 200;

/** Makes what is held back in the hold's scope due. A step that another hold covers is put off again when claimed. */
async function wake(context: HeedContext, hold: Row<"holds">): Promise<void> {
  const { namespace, subjectId, processor } = hold;
  // A subject is of one controller: naming that too would only tempt a database to read all that is due there.
  const scopes =
    subjectId === null
      ? (processor === null ? Object.keys(context.processors) : [processor]).map((id) => ({
          namespace,
          processor: id,
        }))
      : [{ subjectId }];
  for (const scope of scopes) {
    const woken = new Set<string>();
    for (;;) {
      const steps = await heldIn(context, scope);
      // A step that comes up again was put off anew by another hold, and comes after all that were not woken yet.
      const next = steps.filter(({ id }) => !woken.has(id));
      if (next.length === 0) break;
      await makeDue(context, next);
      for (const { id } of next) woken.add(id);
    }
  }
}

async function heldIn(
  { storage, clock }: HeedContext,
  scope: { readonly namespace: string; readonly processor: string } | { readonly subjectId: string },
): Promise<readonly Row<"steps">[]> {
  const dueAt = { above: clock.now().toISOString() };
  return storage.transact({
    lock: [],
    clock,
    read: {
      steps: {
        from: "steps",
        where: { ...scope, state: "due", because: "legal-hold", dueAt },
        orderBy: ["dueAt"],
        limit: mostAtOnce,
      },
    },
    decide: ({ steps }) => ({ writes: [], answer: steps }),
  });
}

async function makeDue({ storage, clock }: HeedContext, steps: readonly Row<"steps">[]): Promise<void> {
  const ids = steps.map(({ id }) => id);
  await storage.transact({
    lock: lockNames({ subjects: steps.map(({ subjectId }) => subjectId), steps: ids }),
    clock,
    read: { steps: { from: "steps", where: { id: ids } } },
    decide: ({ steps: found }, now): Decision<void> => {
      const held = found.filter((step) => isHeldBack(step)).map(({ id }) => id);
      return {
        writes: held.length === 0 ? [] : [{ update: "steps", where: { id: held }, set: { dueAt: now } }],
        answer: undefined,
      };
    },
  });
}
