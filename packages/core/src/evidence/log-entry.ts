import { z } from "zod";
import { hashSchema } from "./checkpoint.ts";
import { evidenceEntrySchema } from "./entry.ts";

const saltSchema = z.string().regex(/^[0-9a-f]{32}$/);
export const entryIdSchema = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);

const placeShape = {
  /** Place in the log, from 0. */
  index: z.number().int().nonnegative(),
  id: entryIdSchema,
  /** RFC 3339. */
  at: z.iso.datetime({ precision: 3 }),
};
const contentShape = { salt: saltSchema, entry: evidenceEntrySchema };

/** An entry with what its commitment is made of, as a receipt carries it. */
export const openEntryShape = { ...placeShape, ...contentShape };

/** One entry of the log as JSON: whole, or pruned to its commitment. */
export const logEntrySchema = z.union([
  z.strictObject({ ...openEntryShape, commitment: hashSchema }),
  z.strictObject({ ...placeShape, commitment: hashSchema }),
]);

/**
 * One entry of the log. Without `salt` and `entry` it was pruned: what is left proves that there was an entry,
 * when, and in which place.
 */
export type LogEntry = z.infer<typeof logEntrySchema>;
