import { z } from "zod";
import { nameSchema, retainedSchema, slugSchema } from "../contract/slug.ts";

const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);
const digest = z.string().regex(/^[A-Za-z0-9]{1,4}\.[A-Za-z0-9_-]{43}$/);
const instant = z.iso.datetime({ precision: 3 });
const civilDate = z.iso.date();

const subject = z.array(digest);

/**
 * The fixed schema of evidence: ids, keyed digests, slugs, instants and counts. There is no field for free
 * text and none for an identifier, so evidence cannot hold either. Digests in it can be linked to a person
 * only by the holder of the key.
 */
export const evidenceEntrySchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("choice.recorded"),
    eventId: id,
    choice: z.enum([
      "requested",
      "confirmed",
      "given",
      "refused",
      "withdrawn",
      "revoked",
      "renewed",
      "expired",
    ]),
    scope: z.enum(["topic", "purpose", "all"]),
    name: nameSchema.optional(),
    effectiveAt: instant,
    subject,
  }),
  z.strictObject({ kind: z.literal("message.in-flight"), topic: nameSchema }),
  /** Once for each message and kind; what a complaint led to is a choice of its own. */
  z.strictObject({
    kind: z.literal("message.reported"),
    topic: nameSchema,
    report: z.enum(["hard", "soft", "policy", "complaint"]),
  }),
  z.strictObject({
    kind: z.literal("request.opened"),
    requestId: id,
    right: slugSchema,
    regime: slugSchema,
    identity: slugSchema,
    receivedAt: instant,
    dueOn: civilDate,
    subject,
  }),
  z.strictObject({
    kind: z.literal("step.settled"),
    stepId: id,
    requestId: id.optional(),
    processor: nameSchema,
    operation: nameSchema,
    state: slugSchema,
    outcome: slugSchema.optional(),
    finding: slugSchema.optional(),
    affected: z.number().int().nonnegative().optional(),
    retained: z.array(retainedSchema).optional(),
    purgedBy: civilDate.optional(),
    because: slugSchema.optional(),
    tries: z.number().int().nonnegative(),
    subject,
  }),
  /** What stands in its way ends then by itself, and its deadline counts from there. */
  z.strictObject({
    kind: z.literal("step.put-off"),
    stepId: id,
    requestId: id.optional(),
    processor: nameSchema,
    operation: nameSchema,
    because: slugSchema,
    until: instant,
    subject,
  }),
  /** Whoever asked wants what is paid for to be ended for it. */
  z.strictObject({
    kind: z.literal("request.may-end-service"),
    requestId: id,
    identity: slugSchema,
    subject,
  }),
  z.strictObject({
    kind: z.literal("request.closed"),
    requestId: id,
    right: slugSchema,
    /** How it was established who asked, in the end. */
    identity: slugSchema,
    state: slugSchema,
    receivedAt: instant,
    dueOn: civilDate,
    late: z.boolean(),
    because: slugSchema.optional(),
    subject,
  }),
  /** The last message to whoever was erased, and the end of what it was sealed for: the address is gone. */
  z.strictObject({
    kind: z.literal("farewell.ended"),
    requestId: id,
    outcome: z.enum(["accepted", "rejected", "unknown", "not-sent"]),
  }),
  /** Nothing of before keeps them out of the recipient any more. */
  z.strictObject({
    kind: z.literal("objection.lifted"),
    processor: nameSchema,
    identity: slugSchema,
    subject,
  }),
  /** Without `processor`: at all of them. `everyone`: over nobody in particular, so `subject` is empty. */
  z.strictObject({
    kind: z.literal("hold.placed"),
    holdId: id,
    everyone: z.boolean(),
    processor: nameSchema.optional(),
    reason: slugSchema,
    orderedBy: slugSchema,
    reviewAt: instant,
    subject,
  }),
  z.strictObject({ kind: z.literal("hold.released"), holdId: id }),
  /** What entries of before an instant said was forgotten, on purpose. */
  z.strictObject({ kind: z.literal("evidence.pruned"), before: instant }),
]);

/** One thing that is kept as proof. */
export type EvidenceEntry = z.infer<typeof evidenceEntrySchema>;
