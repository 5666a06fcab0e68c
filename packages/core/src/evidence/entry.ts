import { z } from "zod";

const slug = z.string().regex(/^[a-z][a-z0-9-]{0,63}$/);
const name = z.string().regex(/^[A-Za-z][A-Za-z0-9-]{0,63}$/);
const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);
const digest = z.string().regex(/^[A-Za-z0-9]{1,4}\.[A-Za-z0-9_-]{43}$/);
const instant = z.iso.datetime({ precision: 3 });
const civilDate = z.iso.date();

/** What is kept somewhere by law, by category. */
const retainedSchema = z.strictObject({
  category: slug,
  reason: slug,
  law: z
    .string()
    .regex(/^[\w .,:()§/-]{1,80}$/)
    .optional(),
  until: civilDate.optional(),
});

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
    name: name.optional(),
    effectiveAt: instant,
    subject,
  }),
  z.strictObject({ kind: z.literal("message.in-flight"), topic: name }),
  z.strictObject({
    kind: z.literal("request.opened"),
    requestId: id,
    right: slug,
    regime: slug,
    identity: slug,
    receivedAt: instant,
    dueOn: civilDate,
    subject,
  }),
  z.strictObject({
    kind: z.literal("step.settled"),
    stepId: id,
    requestId: id.optional(),
    processor: name,
    operation: name,
    state: slug,
    outcome: slug.optional(),
    finding: slug.optional(),
    affected: z.number().int().nonnegative().optional(),
    retained: z.array(retainedSchema).optional(),
    because: slug.optional(),
    tries: z.number().int().nonnegative(),
    subject,
  }),
  z.strictObject({
    kind: z.literal("request.closed"),
    requestId: id,
    right: slug,
    state: slug,
    receivedAt: instant,
    dueOn: civilDate,
    late: z.boolean(),
    because: slug.optional(),
    subject,
  }),
]);

/** One thing that is kept as proof. */
export type EvidenceEntry = z.infer<typeof evidenceEntrySchema>;
