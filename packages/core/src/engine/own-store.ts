import type { HeedContext } from "../context.ts";
import { sealFarewell } from "../farewell/seal-farewell.ts";
import { each } from "../contract/each.ts";
import type { Call, Finding, OutcomeOf } from "../contract/operation.ts";
import type { ProcessorV1 } from "../contract/processor.ts";
import type { Decision, Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { forgetMessages } from "../ledger/forget-stranger.ts";
import { lockNames } from "../ledger/under-lock.ts";
import { parkedStates } from "../requests/lifecycle.ts";

type OwnKind = "heedSubject" | "heedRequest";

/**
 * heed as its own last processor: an erasure ends with what heed itself knows of the person. The subject's
 * and the request's keys go, so that whatever was sealed under them is unreadable, also in back-ups; it
 * counts only when the bytes of the keys are gone from the storage's files. What is left is the address that the farewell
 * goes to, sealed by itself.
 */
export function ownStore(context: Own): ProcessorV1<OwnKind, never, never> {
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

type Own = Pick<HeedContext, "storage" | "clock" | "keys" | "namespace" | "farewell">;

/** All that the person was ever found by here, without what is somebody else's by now: they may have come back. */
async function addressesOf(
  { storage, clock }: Own,
  call: Call<"erase", OwnKind>,
): Promise<readonly string[]> {
  const subjectId = idOf(call, "heedSubject");
  const digests = await storage.transact({
    lock: [],
    clock,
    read: {
      identifiers: { from: "identifiers", where: { subjectId } },
      requests: { from: "requests", where: { id: idOf(call, "heedRequest") } },
    },
    decide: ({ identifiers, requests }) => ({ writes: [], answer: namedIn(requests, identifiers) }),
  });
  return storage.transact({
    lock: [],
    clock,
    read: { owned: { from: "identifiers", where: { digest: digests } } },
    decide: ({ owned }) => {
      const others = new Set(owned.filter((row) => row.subjectId !== subjectId).map((row) => row.digest));
      return { writes: [], answer: digests.filter((digest) => !others.has(digest)) };
    },
  });
}

function namedIn(
  requests: readonly Row<"requests">[],
  identifiers: readonly Row<"identifiers">[],
): readonly string[] {
  const named = requests.flatMap((row) => JSON.parse(row.named) as string[]);
  return [...new Set([...named, ...identifiers.map((row) => row.digest)])];
}

async function destroy(context: Own, call: Call<"erase", OwnKind>): Promise<OutcomeOf["erase"]> {
  const subjectId = idOf(call, "heedSubject");
  const requestId = idOf(call, "heedRequest");
  const addresses = await addressesOf(context, call);
  return context.storage.transact({
    lock: lockNames({ addresses, subjects: [subjectId] }),
    clock: context.clock,
    read: {
      subjects: { from: "subjects", where: { id: subjectId } },
      identifiers: { from: "identifiers", where: { subjectId } },
      dataKeys: { from: "dataKeys", where: { owner: subjectId } },
      requests: { from: "requests", where: { id: requestId } },
      farewells: { from: "farewells", where: { requestId } },
    },
    decide: (rows, now): Decision<OutcomeOf["erase"]> => ({
      writes: [
        ...sealFarewell(context, subjectId, rows, now),
        ...forgetMessages(addresses),
        ...destroyWrites(subjectId, requestId, rows.identifiers),
        // Which addresses they were is not known any more afterwards, and whoever reads back has to look under them.
        {
          update: "requests",
          where: { id: requestId },
          set: { named: JSON.stringify(namedIn(rows.requests, rows.identifiers)) },
        },
      ],
      answer: rows.subjects.length === 0 ? { status: "absent" } : { status: "done", affected: 1 },
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
    ...forgetMessages(identifiers.map((row) => row.digest)),
    { update: "references", where: { subjectId }, set: { subjectId: null, address: null } },
    { remove: "invitations", where: { subjectId } },
    { update: "events", where: { subjectId }, set: { sealed: null } },
    { update: "steps", where: { subjectId }, set: { sealed: null } },
    // An opt-out that failed waits for a human no longer: the erasure saw to it that nothing is sent from there.
    {
      update: "steps",
      where: { subjectId, requestId: { isNull: true }, state: parkedStates },
      set: { state: "cancelled", because: "erasure-requested" },
    },
    { update: "requests", where: { subjectId }, set: { named: "[]" } },
    { remove: "identifiers", where: { subjectId } },
    { remove: "subjects", where: { id: subjectId } },
    { remove: "dataKeys", where: { owner: [subjectId, requestId] } },
  ];
}

async function look(context: Own, call: Call<"erase", OwnKind>): Promise<Finding> {
  const subjectId = idOf(call, "heedSubject");
  const address = await addressesOf(context, call);
  const left = await context.storage.transact({
    lock: [],
    clock: context.clock,
    read: {
      subjects: { from: "subjects", where: { id: subjectId } },
      identifiers: { from: "identifiers", where: { subjectId } },
      dataKeys: { from: "dataKeys", where: { owner: [subjectId, idOf(call, "heedRequest")] } },
      sealed: { from: "events", where: { subjectId, sealed: { isNull: false } } },
      references: { from: "references", where: { subjectId } },
      permits: { from: "permits", where: { address } },
      reports: { from: "reports", where: { address } },
      invitations: { from: "invitations", where: { subjectId } },
    },
    decide: ({
      subjects,
      identifiers,
      dataKeys,
      sealed,
      references,
      permits,
      reports,
      invitations,
    }): Decision<number> => ({
      writes: [],
      answer: [subjects, identifiers, dataKeys, sealed, references, permits, reports, invitations].flat()
        .length,
    }),
  });
  if (left > 0) return { seen: "not-as-asked" };
  return (await context.storage.scrub()) ? { seen: "as-asked" } : { seen: "not-yet", checkAfterMs: 1_000 };
}
