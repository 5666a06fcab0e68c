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

const carriedOut = {
  affected: z.number().int().nonnegative().optional(),
  retained: z.array(retainedSchema).optional(),
};

const seenChoice = z.object({
  saw: z.enum(["opted-out", "opted-in"]),
  topics: z.union([z.array(z.string()), z.literal("all")]),
  at: z.iso.datetime({ offset: true }),
  own: z.boolean().optional(),
  over: z.boolean().optional(),
});

const until = z.iso
  .datetime({ offset: true })
  .refine((at) => at < "9000", "must be an instant that comes: leave it out where none is known")
  .optional();

const outcomeSchema = z.discriminatedUnion("status", [
  z.object({
    status: z.literal("done"),
    ...carriedOut,
    purgedBy: z.iso.date().optional(),
    choices: z.array(seenChoice).optional(),
    addresses: z.array(identifier).optional(),
  }),
  z.object({ status: z.literal("absent") }),
  z.object({
    status: z.literal("pending"),
    reference: z.string().min(1),
    checkAfterMs: waitMs,
    ...carriedOut,
  }),
  z.object({ status: z.literal("blocked"), by: slugSchema, checkAfterMs: waitMs, until, ...carriedOut }),
  z.object({ status: z.literal("manual"), instruction: z.string() }),
  z.object({ status: z.literal("failed"), error: z.instanceof(Error) }),
]);

const findingSchema = z.discriminatedUnion("seen", [
  z.object({ seen: z.enum(["as-asked", "not-as-asked", "unknown"]) }),
  z.object({ seen: z.literal("not-yet"), checkAfterMs: waitMs }),
]);

const clearanceSchema = z.union([
  z.object({ clear: z.literal(true) }),
  z.object({ blockedBy: slugSchema, checkAfterMs: waitMs, until }),
]);

/**
 * Reads an answer. One that the contract does not know is no answer: undefined, and never success. What is wrong
 * with it is told by path and never by value; an answer that was left out is no mistake.
 */
type Reader<T> = (answer: unknown, tellMistake?: (mistake: string) => void) => T | undefined;

/** An answer may be an object of the adapter's own, and what its properties throw may quote an address. */
function parse(schema: z.ZodType, answer: unknown): z.ZodSafeParseResult<unknown> | "unreadable" {
  try {
    return schema.safeParse(answer);
  } catch {
    return "unreadable";
  }
}

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the schema spells optional fields otherwise
function reader<T>(schema: z.ZodType): Reader<T> {
  return (answer, tellMistake) => {
    const parsed = parse(schema, answer);
    if (parsed === "unreadable") {
      tellMistake?.("the answer: throws when it is read");
      return undefined;
    }
    if (parsed.success) return parsed.data as T;
    if (answer !== undefined)
      for (const { path, message, code } of parsed.error.issues) {
        // zod quotes a key that it does not know.
        const what = code === "unrecognized_keys" ? "has keys that the contract does not know" : message;
        tellMistake?.(`${path.length === 0 ? "the answer" : path.join(".")}: ${what}`);
      }
    return undefined;
  };
}

export const readResolution = reader<Resolution>(resolutionSchema);
export const readOutcome = reader<Outcome>(outcomeSchema);

/** What `observe` saw: its choices and whose they are, or no answer. */
export function readObservation(
  outcome: Outcome | undefined,
  tellMistake: (mistake: string) => void,
): Outcome | undefined {
  if (outcome?.status !== "done" || ("choices" in outcome && "addresses" in outcome)) return outcome;
  tellMistake("choices, addresses: both are needed");
  return undefined;
}
export const readFinding = reader<Finding>(findingSchema);
export const readClearance = reader<Clearance>(clearanceSchema);
