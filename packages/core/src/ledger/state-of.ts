import type { HeedContext } from "../context.ts";
import { purposeState, topicState } from "./choice.ts";
import type { ConsentState } from "./consent-fold.ts";
import type { Named } from "./name-subject.ts";

/** Reads only, from one moment: the ledger of whoever is named, and nothing that is sealed. */
export function stateOf(
  context: HeedContext,
  named: Named,
  about: { topic: string } | { purpose: string },
): Promise<ConsentState> {
  const subjectId = {
    via: "identifiers",
    column: "subjectId",
    where: { digest: named.digests.flat() },
  } as const;
  return context.storage.transact({
    lock: [],
    clock: context.clock,
    read: { events: { from: "events", where: { subjectId }, orderBy: ["recordedAt", "id"] } },
    decide: ({ events }, now) => ({
      writes: [],
      answer:
        "topic" in about
          ? topicState(context.policy, about.topic, events, now)
          : purposeState(context.policy, about.purpose, events, now),
    }),
  });
}
