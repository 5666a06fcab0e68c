import { z } from "zod";

/** A code for machines and people: lower-case letters, digits and hyphens. Cannot hold an address or a name. */
export const slugSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,63}$/, "use a slug: lower-case letters, digits and hyphens, at most 64");

/** A name of the policy or an adapter: letters, digits and hyphens. */
export const nameSchema = z
  .string()
  .regex(
    /^[A-Za-z][A-Za-z0-9-]{0,63}$/,
    "use letters, digits and hyphens, at most 64, beginning with a letter",
  );

/** A citation of a law. */
export const lawSchema = z
  .string()
  .regex(/^[\w .,:()§/-]{1,80}$/, "cite the law in at most 80 plain characters");

/** What is kept, by category: see `Retained`. */
export const retainedSchema = z.strictObject({
  category: slugSchema,
  reason: slugSchema,
  law: lawSchema.optional(),
  until: z.iso.date().optional(),
});
