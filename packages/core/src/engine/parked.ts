import type { HeedContext } from "../context.ts";
import type { Decision } from "../contract/storage.ts";
import type { ParsedIdentifier } from "../contract/parse-identifier.ts";
import { open } from "../keys/sealed.ts";
import type { Choice } from "../ledger/choice-event.ts";
import { recordChoice } from "../ledger/record-choice.ts";
import { dataKeyOf, indexDigests } from "../ledger/subject-record.ts";

/**
 * Applies the opt-ins that arrived while an erasure ran, now that it has ended: the person came back, as
 * somebody new. Idempotent by the event's id, so a crash in between repeats it harmlessly.
 */
export async function applyParked(context: HeedContext): Promise<number> {
  const ended = { via: "requests", column: "id", where: { closedAt: { isNull: false } } } as const;
  const parked = await context.storage.transact({
    lock: [],
    clock: context.clock,
    read: {
      parked: { from: "parked", where: { requestId: ended }, orderBy: ["parkedAt", "id"] },
      dataKeys: {
        from: "dataKeys",
        where: { owner: { via: "parked", column: "id", where: { requestId: ended } } },
      },
    },
    decide: ({ parked, dataKeys }): Decision<readonly { id: string; content: string }[]> => ({
      writes: [],
      answer: parked.map(({ id, sealed }) => ({
        id,
        content: open(dataKeyOf(context, dataKeys, id), sealed, `parked/${id}`),
      })),
    }),
  });
  for (const { id, content } of parked) {
    const { identifiers, choice } = JSON.parse(content) as {
      identifiers: ParsedIdentifier[];
      choice: Choice;
    };
    const digests = identifiers.map((identifier) => indexDigests(context, identifier));
    const { parked: isParkedAgain } = await recordChoice(
      context,
      { named: { identifiers, digests } },
      choice,
    );
    if (isParkedAgain) continue;
    await context.storage.transact({
      lock: [],
      clock: context.clock,
      read: {},
      decide: (): Decision<void> => ({
        writes: [
          { remove: "parked", where: { id } },
          { remove: "dataKeys", where: { owner: id } },
        ],
        answer: undefined,
      }),
    });
  }
  return parked.length;
}
