import { z } from "zod";

// What is read of HubSpot's answers, and no more. Ids come as strings here and as numbers there.
const id = z.union([z.string(), z.number()]).transform(String);

const next = z.object({ next: z.object({ after: id.nullish() }).nullish() }).nullish();
const namedMissing = z
  .array(
    z.object({
      category: z.string().nullish(),
      context: z.object({ ids: z.array(id).nullish() }).nullish(),
    }),
  )
  .nullish();

export const accountSchema = z.object({ portalId: id, timeZone: z.string().nullish().catch(undefined) });

export const namesSchema = z.object({ results: z.array(z.object({ name: z.string() })) });

/** 200, or 207 when some were not found: those are named in `errors`. */
export const contactsSchema = z.object({
  results: z.array(z.object({ id, properties: z.record(z.string(), z.string().nullish()) })),
  errors: namedMissing,
});

export const historySchema = z.object({
  results: z.array(
    z.object({
      id,
      properties: z.record(z.string(), z.string().nullish()),
      propertiesWithHistory: z.record(z.string(), z.array(z.looseObject({}))).nullish(),
    }),
  ),
});

export const objectsSchema = z.object({
  results: z.array(z.object({ id, properties: z.record(z.string(), z.unknown()) })),
  errors: namedMissing,
});

export const associationsSchema = z.object({
  results: z.array(
    z.object({ from: z.object({ id }), to: z.array(z.object({ toObjectId: id })), paging: next }),
  ),
  /** Objects that have none. */
  errors: z
    .array(z.object({ context: z.object({ fromObjectId: z.array(id).nullish() }).nullish() }))
    .nullish(),
});

export const associatedSchema = z.object({
  id,
  associations: z.object({ contacts: z.object({ results: z.array(z.object({ id })) }).nullish() }).nullish(),
});

export const membershipsSchema = z.object({ results: z.array(z.looseObject({ listId: id })), paging: next });

export const definitionsSchema = z.object({
  results: z.array(z.object({ id, name: z.string().nullish(), businessUnitId: id.nullish() })),
});

const statusSchema = z.looseObject({
  subscriberIdString: z.string().nullish(),
  subscriptionId: id,
  status: z.string(),
  timestamp: z.string().nullish(),
  legalBasisExplanation: z.string().nullish().catch(undefined),
  setStatusSuccessReason: z.string().nullish(),
});
const wideSchema = z.looseObject({
  status: z.string(),
  timestamp: z.string().nullish(),
  businessUnitId: id.nullish(),
});

/** A choice of an address for one subscription type. */
export type Status = z.infer<typeof statusSchema>;
/** A choice of an address about everything of a brand. */
export type WideStatus = z.infer<typeof wideSchema>;

export const statusesSchema = z.object({ results: z.array(statusSchema) });

export const wideStatusesSchema = z.object({ results: z.array(wideSchema) });

export const statusesBatchSchema = z.object({
  results: z.array(z.object({ subscriberIdString: z.string(), statuses: z.array(statusSchema) })),
});

export const wideBatchSchema = z.object({
  results: z.array(z.object({ subscriberIdString: z.string(), wideStatuses: z.array(wideSchema).nullish() })),
});

/** What HubSpot refuses in a contact's properties. Of its text only names of properties are read. */
export const refusalSchema = z.object({
  errors: z
    .array(
      z.object({
        code: z.string().nullish(),
        context: z.object({ propertyName: z.array(z.string()).nullish() }).nullish(),
      }),
    )
    .nullish(),
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
