import { z } from "zod";
import type { InputIssue } from "../errors/invalid-input-error.ts";

const does = z.custom<unknown>((value) => typeof value === "function", "must be a function");
const reason = z.object({ acknowledgedOnly: z.string().min(1, "say why nothing can be read back") });

const operationSchema = z.looseObject({
  batchSize: z.int("must be a whole number").min(1, "must be at least 1"),
  repeat: z.enum(["safe", "verify-first"], 'must be "safe" or "verify-first"'),
  settlingMs: z.number("must be a number of milliseconds").nonnegative("must be 0 or more"),
  verifyAfterMs: z.number("must be a number of milliseconds").nonnegative("must be 0 or more").optional(),
  run: does,
  verify: z.union(
    [does, reason],
    "must be a function that reads back, or { acknowledgedOnly: why nothing can be }",
  ),
  resolve: does.optional(),
  guard: does.optional(),
  effects: z.array(z.string()).optional(),
});

/** What ends a paid service asks before whether one runs. */
const guardedOperationSchema = operationSchema.refine(
  ({ effects, guard }) => guard !== undefined || effects?.includes("ends-paid-service") !== true,
  { path: ["guard"], message: "must say whether a paid service runs: the operation ends one (effects)" },
);

const calls = z.number().positive();
const limitSchema = z.union(
  [
    z.looseObject({ calls, perMs: z.number().positive() }),
    z.looseObject({ calls, perDay: z.looseObject({ zone: z.string().refine(isZone) }) }),
  ],
  "must be { calls, perMs } or { calls, perDay: { zone } }, positive, with an IANA zone",
);

const processorSchema = z.looseObject({
  specificationVersion: z.literal("v1", 'must be "v1"'),
  name: z.string().min(1),
  account: z.string().min(1),
  identifiers: z.record(z.string(), z.instanceof(RegExp, { error: "must be a regular expression" })),
  topics: z.record(z.string(), z.unknown()),
  limits: z.record(z.string(), limitSchema),
  operations: z.record(z.string(), guardedOperationSchema.optional()),
  check: does,
});

/**
 * What is wrong with an adapter, for callers that the compiler did not check. An operation that cannot be read
 * back and does not say why is one of these: it would end as done on the vendor's word alone. So is one that ends
 * what somebody paid for and has no guard: nothing would ask before.
 */
export function processorDefects(id: string, processor: unknown): readonly InputIssue[] {
  const parsed = processorSchema.safeParse(processor);
  if (parsed.success) return [];
  return parsed.error.issues.map(({ path, message }) => ({
    path: ["processors", id, ...path].join("."),
    message,
  }));
}

function isZone(value: string): boolean {
  try {
    Intl.DateTimeFormat("en", { timeZone: value });
    return true;
  } catch {
    return false;
  }
}
