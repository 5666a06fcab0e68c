import { z } from "zod";

// What is read of HubSpot's answers, and no more. Ids come as strings here and as numbers there.
const id = z.union([z.string(), z.number()]).transform(String);

export const accountSchema = z.object({ portalId: id });

const contactSchema = z.object({
  id,
  properties: z.object({
    email: z.string().nullish(),
    hs_additional_emails: z.string().nullish(),
    hs_merged_object_ids: z.string().nullish(),
  }),
});

/** 200, or 207 when some were not found: those are named in `errors`. */
export const contactsSchema = z.object({
  results: z.array(contactSchema),
  errors: z
    .array(
      z.object({
        category: z.string().nullish(),
        context: z.object({ ids: z.array(id).nullish() }).nullish(),
      }),
    )
    .nullish(),
});

export const definitionsSchema = z.object({
  results: z.array(z.object({ id, businessUnitId: id.nullish() })),
});

export const statusesSchema = z.object({
  results: z.array(
    z.object({ subscriptionId: id, status: z.string(), setStatusSuccessReason: z.string().nullish() }),
  ),
});

export const wideStatusesSchema = z.object({
  results: z.array(z.object({ status: z.string(), businessUnitId: id.nullish() })),
});

/** Every field of an error is optional, and a proxy's error is no JSON at all. */
export const errorSchema = z
  .object({
    category: z.string().optional().catch(undefined),
    correlationId: z
      .string()
      .regex(/^[0-9a-f-]{8,64}$/i)
      .optional()
      .catch(undefined),
    policyName: z.string().optional().catch(undefined),
    message: z.string().optional().catch(undefined),
  })
  .catch({});

export type ErrorBody = z.infer<typeof errorSchema>;
