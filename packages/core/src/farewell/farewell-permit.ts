import type { HeedContext } from "../context.ts";
import type { ParsedIdentifier } from "../contract/parse-identifier.ts";
import type { PermitAnswer, TopicClass } from "../contract/permit.ts";
import type { Decision } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { suppressionLookups } from "../ledger/name-subject.ts";
import { lockNames } from "../ledger/under-lock.ts";
import { farewellOf } from "./farewell.ts";

/**
 * The one permit that an erased address still gets: for its farewell, while that is being sent. The farewell's own row
 * stands for it, so that nothing more is written about the address: no tag to report about it, and no send log.
 *
 * @returns undefined where it is no farewell: the rules for any other message decide
 */
export async function farewellPermit(
  context: HeedContext,
  ask: { readonly topic: string; readonly messageKey: string },
  identifier: ParsedIdentifier,
  topicClass: TopicClass,
): Promise<PermitAnswer | undefined> {
  const requestId = farewellOf(ask.messageKey);
  if (requestId === undefined || ask.topic !== context.farewell?.topic) return undefined;
  const address = suppressionLookups(context, [identifier]);
  const [farewell] = await context.storage.transact({
    lock: [],
    clock: context.clock,
    read: { farewells: { from: "farewells", where: { address, requestId, state: "attempting" } } },
    decide: ({ farewells }): Decision<readonly Row<"farewells">[]> => ({ writes: [], answer: farewells }),
  });
  if (farewell === undefined) return undefined;
  if (farewell.handedOverAt !== null) return { allowed: false, because: "already-sent" };
  return {
    allowed: true,
    class: topicClass,
    signal: new AbortController().signal,
    handOver: () => handOver(context, farewell),
    // What the sender answers is what became of it.
    settle: async () => {},
  };
}

/** Once in each try, and only while that try is waited for. */
function handOver(
  { storage, clock }: HeedContext,
  { id, requestId, tries }: Row<"farewells">,
): Promise<boolean> {
  return storage.transact({
    lock: lockNames({ requests: [requestId] }),
    clock,
    read: {
      farewells: { from: "farewells", where: { id, state: "attempting", handedOverAt: { isNull: true } } },
    },
    decide: ({ farewells }, now): Decision<boolean> =>
      farewells.some((row) => row.tries === tries)
        ? {
            writes: [{ update: "farewells", where: { id }, set: { handedOverAt: now } }],
            answer: true,
          }
        : { writes: [], answer: false },
  });
}
