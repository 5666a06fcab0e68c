import type { HeedContext } from "../context.ts";
import { each } from "../contract/each.ts";
import type { Call, Finding, OutcomeOf } from "../contract/operation.ts";
import type { ProcessorV1 } from "../contract/processor.ts";
import type { Decision, Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { lockNames } from "../ledger/under-lock.ts";
import { parkedStates } from "../requests/lifecycle.ts";

type OwnKind = "heedSubject" | "heedRequest";

/**
 * heed as its own last processor: an erasure ends with what heed itself knows of the person. The subject's
 * and the request's keys go, so that whatever was sealed under them is unreadable, also in back-ups; it
 * counts only when the bytes of the keys are gone from the storage's files.
 */
export function ownStore(
  context: Pick<HeedContext, "storage" | "clock">,
): ProcessorV1<OwnKind, never, never> {
  return {
    specificationVersion: "v1",
    name: "heed",
    account: "own",
    identifiers: { heedSubject: /./, heedRequest: /./ },
    topics: {},
    limits: {},
    operations: {
      erase: {
        batchSize: 20,
        repeat: "safe",
        settlingMs: 0,
        effects: ["irreversible"],
        run: each(async (call, lent) => {
          await lent.proceed?.();
          return destroy(context, call);
        }),
        verify: each((call) => look(context, call)),
      },
    },
    check: async () => ({ account: "own", lacks: [], unknownTopics: [] }),
  };
}

function idOf(call: Call<"erase", OwnKind>, kind: OwnKind): string {
  return call.identifiers.find((identifier) => identifier.kind === kind)?.value ?? "";
}

async function destroy(
  context: Pick<HeedContext, "storage" | "clock">,
  call: Call<"erase", OwnKind>,
): Promise<OutcomeOf["erase"]> {
  const subjectId = idOf(call, "heedSubject");
  const requestId = idOf(call, "heedRequest");
  return context.storage.transact({
    lock: lockNames({ subjects: [subjectId] }),
    clock: context.clock,
    read: {
      subjects: { from: "subjects", where: { id: subjectId } },
      identifiers: { from: "identifiers", where: { subjectId } },
    },
    decide: ({ subjects, identifiers }): Decision<OutcomeOf["erase"]> => ({
      writes: destroyWrites(subjectId, requestId, identifiers),
      answer: subjects.length === 0 ? { status: "absent" } : { status: "done", affected: 1 },
    }),
  });
}

/** Ends what heed itself knows of a subject. */
export function destroyWrites(
  subjectId: string,
  requestId: string,
  identifiers: readonly Row<"identifiers">[],
): readonly Write[] {
  return [
    // The send log goes with the addresses it is kept by.
    { remove: "permits", where: { address: identifiers.map((row) => row.digest) } },
    { update: "references", where: { subjectId }, set: { subjectId: null, address: null } },
    { update: "events", where: { subjectId }, set: { sealed: null } },
    { update: "steps", where: { subjectId }, set: { sealed: null } },
    // An opt-out that failed waits for a human no longer: the erasure saw to it that nothing is sent from there.
    {
      update: "steps",
      where: { subjectId, requestId: { isNull: true }, state: parkedStates },
      set: { state: "cancelled", because: "erasure-requested" },
    },
    { remove: "identifiers", where: { subjectId } },
    { remove: "subjects", where: { id: subjectId } },
    { remove: "dataKeys", where: { owner: [subjectId, requestId] } },
  ];
}

async function look(
  context: Pick<HeedContext, "storage" | "clock">,
  call: Call<"erase", OwnKind>,
): Promise<Finding> {
  const subjectId = idOf(call, "heedSubject");
  const left = await context.storage.transact({
    lock: [],
    clock: context.clock,
    read: {
      subjects: { from: "subjects", where: { id: subjectId } },
      identifiers: { from: "identifiers", where: { subjectId } },
      dataKeys: { from: "dataKeys", where: { owner: [subjectId, idOf(call, "heedRequest")] } },
      sealed: { from: "events", where: { subjectId, sealed: { isNull: false } } },
      references: { from: "references", where: { subjectId } },
    },
    decide: (rows): Decision<number> => ({
      writes: [],
      answer:
        rows.subjects.length +
        rows.identifiers.length +
        rows.dataKeys.length +
        rows.sealed.length +
        rows.references.length,
    }),
  });
  if (left > 0) return { seen: "not-as-asked" };
  return (await context.storage.scrub()) ? { seen: "as-asked" } : { seen: "not-yet", checkAfterMs: 1_000 };
}
