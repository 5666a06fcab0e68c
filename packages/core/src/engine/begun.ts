import { dueStep } from "../contract/due-step.ts";
import type { DueStep } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { isDestructive } from "../requests/lifecycle.ts";

/** Most that are remembered at one processor. Of the others delivery tells in its own order, as after a crash. */
const most = 10_000;

interface Next {
  readonly step: DueStep;
  readonly dueAt: string;
}

/**
 * What this worker has begun to destroy and goes on with: it finishes that before it begins more. So what was found is
 * still so when it is run, what is gone is soon proven, and at a vendor that limits each endpoint by itself all of
 * them are in use at once. A hint: the claim decides.
 */
export class Begun {
  readonly #next = new Map<string, Map<string, Next>>();

  /** @param settled the steps of a batch, as they are after it */
  note(processor: string, settled: readonly Row<"steps">[]): void {
    const own = this.#next.get(processor) ?? new Map<string, Next>();
    this.#next.set(processor, own);
    for (const row of settled) {
      const goesOn =
        row.state === "due" && row.because === null && row.phase !== "resolve" && row.alone === 0;
      if (!goesOn || row.dueAt === null || !isDestructive(row.operation) || own.size >= most) continue;
      own.set(row.id, { step: dueStep(row), dueAt: row.dueAt });
    }
  }

  /** At most `max` that are due, oldest first; from here on they are the caller's. */
  take(processor: string, now: string, max: number): readonly DueStep[] {
    const taken: DueStep[] = [];
    const own = this.#next.get(processor) ?? new Map<string, Next>();
    for (const [id, { step, dueAt }] of own) {
      if (taken.length >= max) break;
      if (dueAt > now) continue;
      own.delete(id);
      taken.push(step);
    }
    return taken;
  }

  /** Somebody has it in hand. */
  forget({ processor, id }: Pick<DueStep, "processor" | "id">): void {
    this.#next.get(processor)?.delete(id);
  }
}
