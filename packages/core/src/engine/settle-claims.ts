import type { HeedContext } from "../context.ts";
import type { Decision } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { isHeld, settleLocks, settleReads, tellSettled, type Claim } from "./claim.ts";
import { settleWrites, type Settled, type Settlement } from "./settle.ts";
import type { Verdict } from "./verdict.ts";
import { settleChannel, traced, type SettleTrace } from "./tracing.ts";

/**
 * One transaction for the whole batch. A step that is no longer held is left alone: its late answer is void.
 * @returns the steps that were settled, as they are now
 */
export async function settleClaims(
  context: HeedContext,
  claims: readonly Claim[],
  verdictOf: (claim: Claim) => Verdict | undefined,
): Promise<readonly Row<"steps">[]> {
  const steps = claims.map(({ step }) => step);
  const [first] = claims;
  if (first === undefined) return [];
  const { processor, operation } = first.step;
  const trace: SettleTrace = { namespace: context.namespace, processor, operation, steps: claims.length };
  const settled = await traced(settleChannel, trace, async (trace) => {
    const settled = await context.storage.transact({
      lock: settleLocks(steps),
      clock: context.clock,
      read: settleReads(steps),
      decide: (rows, now): Decision<Settled> => {
        const openSteps = new Map(rows.openSteps.map((row) => [row.id, row]));
        const settlements = claims.flatMap((claim): readonly Settlement[] => {
          const { step, key, subjectDigests } = claim;
          const row = openSteps.get(step.id);
          const verdict = verdictOf(claim);
          if (row === undefined || verdict === undefined || !isHeld(row, step)) return [];
          return [{ step: row, verdict, key, subjectDigests }];
        });
        const settled = settleWrites(context, rows, settlements, now);
        return { writes: settled.writes, answer: settled };
      },
    });
    trace.states = Object.fromEntries(
      [...Map.groupBy(settled.steps, ({ state }) => state)].map(([state, steps]) => [state, steps.length]),
    );
    return settled;
  });
  tellSettled(context, settled);
  return settled.steps;
}
