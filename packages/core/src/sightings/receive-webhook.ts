import { randomUUID } from "node:crypto";
import type { HeedContext } from "../context.ts";
import type { Identifier } from "../contract/identifier.ts";
import type { InputOf } from "../contract/operation.ts";
import type { Sighting } from "../contract/sighting.ts";
import type { Decision, Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import type { Found } from "../engine/found.ts";
import { UnsupportedOperationError } from "../errors/unsupported-operation-error.ts";
import { newDataKey, seal } from "../keys/sealed.ts";
import { lockNames } from "../ledger/under-lock.ts";
import { lanes, preferenceDeadline, seqOf, stepRows } from "../requests/plan.ts";
import { known } from "../policy/known-name.ts";

/** What became of a webhook. */
export interface Received {
  /** What it told. */
  readonly sightings: number;
  /** How much of that was new: vendors repeat themselves. */
  readonly fresh: number;
}

/** How long a repeat is recognised. HubSpot repeats for a day, Stripe for three. */
const rememberedMs = 30 * 86_400_000;

/**
 * Takes a vendor's webhook in: durable when this resolves, so answer the vendor only then. What it tells is a hint. A
 * step looks at the vendor, under its limits and with all the engine's patience, and what is seen there counts.
 *
 * @throws TamperedEvidenceError when the signature is not the vendor's
 * @throws UnsupportedOperationError when the recipient's processor takes no webhooks
 */
export async function receiveWebhook(
  context: HeedContext,
  recipient: string,
  request: Request,
): Promise<Received> {
  const processor = context.processors[known(context.policy, "recipients", recipient)];
  if (processor?.webhook === undefined || processor.operations.observe === undefined)
    throw new UnsupportedOperationError(`The processor of "${recipient}" takes no webhooks.`);
  const told = await processor.webhook(request, context.clock.now());
  const sightings = [...new Map(told.map((each) => [digestOf(context, recipient, each), each]))];
  if (sightings.length === 0) return { sightings: 0, fresh: 0 };
  const ids = sightings.map(([id]) => id);
  const fresh = await context.storage.transact({
    lock: lockNames({ addresses: ids }),
    clock: context.clock,
    read: { known: { from: "sightings", where: { id: ids } } },
    decide: ({ known }, now): Decision<number> => {
      const seen = new Set(known.map(({ id }) => id));
      const news = sightings.filter(([id]) => !seen.has(id));
      const forgotten = new Date(Date.parse(now) - rememberedMs).toISOString();
      const { namespace } = context;
      const writes: Write[] = news.map(([id]) => ({ insert: "sightings", row: { id, namespace, at: now } }));
      // Of one person in one webhook, one look will do.
      const worthALook = news.filter(([, { saw }]) => saw !== "gone" && saw !== "reference-settled");
      const people = Map.groupBy(worthALook, ([, { subject }]) => JSON.stringify(subject));
      for (const group of people.values()) {
        writes.push(
          ...lookWrites(
            context,
            recipient,
            group.map(([, sighting]) => sighting),
            now,
          ),
        );
      }
      if (news.length > 0)
        writes.push({ remove: "sightings", where: { namespace, at: { atMost: forgotten } } });
      return { writes, answer: news.length };
    },
  });
  if (fresh > 0) context.hub.emit("webhook.received", { processor: recipient, sightings: fresh });
  return { sightings: told.length, fresh };
}

/** Under the active key: a vendor's id may hold the id of its record of a person. */
function digestOf({ keys, namespace }: HeedContext, recipient: string, { id }: Sighting): string {
  return keys.digest("index", namespace, "sighting", `${recipient}/${id}`);
}

/** A step that looks at the vendor. Whom it is about lies sealed in the step, under a key that goes when it ends. */
function lookWrites(
  context: HeedContext,
  processor: string,
  sightings: readonly Sighting[],
  now: string,
): readonly Write[] {
  const sighted: readonly Identifier[] = sightings[0]?.subject ?? [];
  const saw = [...new Set(sightings.map((each) => each.saw))];
  const storedAt = sightings
    .filter((each) => each.saw === "record-stored")
    .map(({ claimedAt }) => new Date(claimedAt).toISOString())
    .toSorted()
    .at(-1);
  const found: Found = { targets: [], sighted, ...(storedAt === undefined ? {} : { storedAt }) };
  const input: InputOf["observe"] = { saw };
  const [owner, key] = [randomUUID(), newDataKey()];
  const rows = stepRows(
    context,
    { id: owner, openSteps: [] },
    [
      {
        processor,
        operation: "observe",
        stage: 0,
        lane: saw.includes("opted-out") ? lanes.optOut : lanes.request,
        input,
        deadlineAt: preferenceDeadline(now),
      },
    ],
    { seal: key, seq: seqOf(now), now, requestId: null, eventId: null },
  );
  const sealed = (row: Row<"steps">): Row<"steps"> => ({
    ...row,
    sealed: seal(key, JSON.stringify(found), `steps/${row.id}`),
  });
  return [
    { insert: "dataKeys", row: { owner, ...context.keys.wrap(key, owner) } },
    ...rows.map((row): Write => ({ insert: "steps", row: sealed(row) })),
  ];
}
