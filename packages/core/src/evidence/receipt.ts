import { z } from "zod";
import { nameSchema, retainedSchema, slugSchema } from "../contract/slug.ts";
import { checkpointSchema, hashSchema, keyIdSchema, signatureSchema } from "./checkpoint.ts";
import type { EvidenceEntry } from "./entry.ts";
import { entryIdSchema, openEntryShape } from "./log-entry.ts";

const instant = z.iso.datetime({ precision: 3 });

/** A hundred years: more leads to no date that a receipt could state. */
export const mostBackupDays = 36_500;

/**
 * A receipt as JSON. Everything in it is a slug, a keyed digest, an instant, a number or a hash: it names nobody.
 */
export const receiptSchema = z.strictObject({
  format: z.literal("heed-receipt/v1"),
  /** RFC 3339. */
  issuedAt: instant,
  /** What the entries below say, in short. */
  summary: z.strictObject({
    requestId: entryIdSchema,
    right: slugSchema,
    regime: slugSchema,
    /** How it was established who asked. */
    identity: slugSchema,
    state: slugSchema,
    because: slugSchema.optional(),
    receivedAt: instant,
    /** Civil date by which it had to be done. */
    dueOn: z.iso.date(),
    closedAt: instant,
    /** Whether it was closed after its deadline. */
    late: z.boolean(),
    /** What was not erased, where, why and until when. */
    retained: z.array(z.strictObject({ processor: nameSchema, ...retainedSchema.shape })),
    /** Where what was erased is out of sight, and off the vendor's disks by a date of the vendor's own. */
    purges: z.array(z.strictObject({ processor: nameSchema, purgedBy: z.iso.date() })),
  }),
  /**
   * Until when a back-up of heed's database from before the erasure could still be opened: its data keys lie
   * beside the data. Null where nothing was erased, or the controller did not say how long back-ups last.
   */
  backups: z
    .strictObject({ lastDays: z.number().int().nonnegative().max(mostBackupDays), openUntil: instant })
    .nullable(),
  digests: z.literal("keyed: only the holder of the key can link a digest to a person"),
  /** Every entry about the request, each with its proof that it is in the log of the checkpoint. */
  entries: z.array(z.strictObject({ ...openEntryShape, proof: z.array(hashSchema) })).min(1),
  checkpoint: checkpointSchema,
  keyId: keyIdSchema,
  signature: signatureSchema,
});

/**
 * A signed extract of the log about one closed request. It can be checked offline, by anybody who has the public
 * keys: `verifyReceipt` of `@heed/core/evidence`. Digests in it can be linked to a person only by the holder of
 * the key.
 */
export type Receipt = z.infer<typeof receiptSchema>;

interface Told {
  readonly at: string;
  readonly entry: EvidenceEntry;
}

/** What the entries about one request say; undefined where its beginning or its end is not among them. */
export function summaryOf(told: readonly Told[]): Receipt["summary"] | undefined {
  const opened = told.find(({ entry }) => entry.kind === "request.opened")?.entry;
  const closed = told.findLast(({ entry }) => entry.kind === "request.closed");
  if (opened?.kind !== "request.opened" || closed?.entry.kind !== "request.closed") return undefined;
  const { requestId, right, identity, state, because, receivedAt, dueOn, late } = closed.entry;
  const isAbout = ({ entry }: Told) => "requestId" in entry && entry.requestId === requestId;
  if (!told.every(isAbout)) return undefined;
  return {
    requestId,
    right,
    regime: opened.regime,
    identity,
    state,
    ...(because === undefined ? {} : { because }),
    receivedAt,
    dueOn,
    closedAt: closed.at,
    late,
    ...leftIn(told),
  };
}

/** What each step left, by its last word: a step that was tried again may have ended twice. */
function leftIn(told: readonly Told[]): Pick<Receipt["summary"], "retained" | "purges"> {
  const last = new Map<string, Extract<EvidenceEntry, { kind: "step.settled" }>>();
  for (const { entry } of told) if (entry.kind === "step.settled") last.set(entry.stepId, entry);
  const steps = [...last.values()];
  return {
    retained: steps.flatMap(({ processor, retained = [] }) =>
      retained.map((part) => ({ processor, ...part })),
    ),
    purges: steps.flatMap(({ processor, purgedBy }) =>
      purgedBy === undefined ? [] : [{ processor, purgedBy }],
    ),
  };
}

const dayMs = 86_400_000;

/** Until when back-ups from before heed destroyed its keys of the person last. */
export function backupsOf(told: readonly Told[], lastDays: number | undefined): Receipt["backups"] {
  const destroyed = told.find(
    ({ entry }) =>
      entry.kind === "step.settled" &&
      entry.processor === "heed" &&
      entry.operation === "erase" &&
      entry.state === "verified",
  );
  if (destroyed === undefined || lastDays === undefined) return null;
  return { lastDays, openUntil: new Date(Date.parse(destroyed.at) + lastDays * dayMs).toISOString() };
}
