import type { HeedContext } from "../context.ts";
import type { Write } from "../contract/storage.ts";
import { slugSchema } from "../contract/slug.ts";
import type { Row } from "../contract/tables.ts";
import { evidenceWrite } from "../evidence/evidence.ts";
import { deadlineOf, type Deadline } from "../requests/deadline.ts";
import type { Verdict } from "./verdict.ts";

/**
 * A new deadline, where what stands in a step's way ends by itself and not before the old one is near: it counts
 * from that end, as if asked for then. Undefined where the deadline that it has reaches as far.
 */
export function putOff(
  { policy }: HeedContext,
  step: Row<"steps">,
  verdict: Verdict,
): (Deadline & { readonly until: string }) | undefined {
  if (verdict.to !== "again" || verdict.until === undefined || step.cancel !== 0) return undefined;
  const until = new Date(verdict.until).toISOString();
  const deadline = deadlineOf(policy.controller, until);
  return deadline.dueAt > step.deadlineAt ? { ...deadline, until } : undefined;
}

/** What the request still asks of the same processor after it: that waits for it, and is put off with it. */
export function stepsBehind(after: Row<"steps">, steps: readonly Row<"steps">[]): readonly Row<"steps">[] {
  const { requestId, processor, seq, deadlineAt } = after;
  return steps.filter(
    (other) =>
      requestId !== null &&
      other.requestId === requestId &&
      other.processor === processor &&
      other.endedAt === null &&
      other.seq > seq &&
      other.deadlineAt < deadlineAt,
  );
}

/**
 * The request with the new deadline. Only heed's own promise is put off with its step: for whoever exercises a right,
 * the month of GDPR Art. 12(3) stays, and when it is over somebody has to tell them why it takes longer.
 */
export function requestPutOff(request: Row<"requests">, { dueAt, dueOn }: Deadline): Row<"requests"> {
  return request.right === "forget-tokens" && dueAt > request.dueAt ? { ...request, dueAt, dueOn } : request;
}

/** Why it takes longer, for whoever asks later. @param after the row as it waits */
export function putOffEvidence(
  context: HeedContext,
  after: Row<"steps">,
  until: string,
  subject: readonly string[],
  now: string,
): Write {
  return evidenceWrite(context, now, {
    kind: "step.put-off",
    stepId: after.id,
    ...(after.requestId === null ? {} : { requestId: after.requestId }),
    processor: after.processor,
    operation: after.operation,
    because: slugSchema.parse(after.because),
    until,
    subject: [...subject],
  });
}
