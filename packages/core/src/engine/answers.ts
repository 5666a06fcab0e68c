import { z } from "zod";
import type { Clearance } from "../contract/processor.ts";
import type { Finding, Outcome, Resolution } from "../contract/operation.ts";
import { retainedSchema, slugSchema } from "../contract/slug.ts";
import { isWaitMs } from "./trouble.ts";

const waitMs = z.number().refine(isWaitMs);
const identifier = z.object({ kind: z.string(), value: z.string() });

const resolutionSchema = z.object({
  targets: z.array(
    z.object({
      kind: z.string(),
      id: z.string().min(1),
      within: z.string().optional(),
      via: identifier,
      verified: z.boolean(),
    }),
  ),
  alsoKnownAs: z.array(identifier).optional(),
});

const outcomeSchema = z.discriminatedUnion("status", [
  z.object({
    status: z.literal("done"),
    affected: z.number().int().nonnegative().optional(),
    retained: z.array(retainedSchema).optional(),
  }),
  z.object({ status: z.literal("absent") }),
  z.object({ status: z.literal("pending"), reference: z.string().min(1), checkAfterMs: waitMs }),
  z.object({ status: z.literal("blocked"), by: slugSchema, checkAfterMs: waitMs }),
  z.object({ status: z.literal("manual"), instruction: z.string() }),
  z.object({ status: z.literal("failed"), error: z.instanceof(Error) }),
]);

const findingSchema = z.discriminatedUnion("seen", [
  z.object({ seen: z.enum(["as-asked", "not-as-asked", "unknown"]) }),
  z.object({ seen: z.literal("not-yet"), checkAfterMs: waitMs }),
]);

const clearanceSchema = z.union([
  z.object({ clear: z.literal(true) }),
  z.object({ blockedBy: slugSchema, checkAfterMs: waitMs }),
]);

/** An answer that the contract does not know is no answer: undefined, and never success. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the schema spells optional fields otherwise
function reader<T>(schema: z.ZodType): (answer: unknown) => T | undefined {
  return (answer) => {
    const parsed = schema.safeParse(answer);
    return parsed.success ? (parsed.data as T) : undefined;
  };
}

export const readResolution = reader<Resolution>(resolutionSchema);
export const readOutcome = reader<Outcome>(outcomeSchema);
export const readFinding = reader<Finding>(findingSchema);
export const readClearance = reader<Clearance>(clearanceSchema);
