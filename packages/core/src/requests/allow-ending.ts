import type { HeedContext } from "../context.ts";
import type { InputOf, OperationName } from "../contract/operation.ts";
import type { Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { evidenceWrite } from "../evidence/evidence.ts";
import type { EndsPaidService, Identity } from "./lifecycle.ts";

/** What is asked of a processor, where that is up to whoever opened the request. */
export function withEnding<T extends { readonly input: InputOf[OperationName] }>(
  asked: T,
  endsPaidService: EndsPaidService,
): T {
  return "endsPaidService" in asked.input ? { ...asked, input: { ...asked.input, endsPaidService } } : asked;
}

/**
 * Whoever asked before now also wants what they pay for to be ended: the steps that wait for its end look again at once.
 * One that went to a human is asked so when it is retried.
 *
 * @param steps those of the request
 */
export function allowEnding(
  context: HeedContext,
  request: Row<"requests">,
  steps: readonly Row<"steps">[],
  identity: Identity,
  now: string,
): readonly Write[] {
  const waiting = steps.filter(({ operation, state }) => operation === "forgetTokens" && state === "due");
  return [
    { update: "requests", where: { id: request.id }, set: { endsPaidService: "allowed" } },
    { update: "steps", where: { id: waiting.map(({ id }) => id) }, set: { dueAt: now } },
    allowedEvidence(context, request, identity, now),
  ];
}

/** Proof that the end of what is paid for was asked for. */
export function allowedEvidence(
  context: HeedContext,
  request: Row<"requests">,
  identity: Identity,
  now: string,
): Write {
  return evidenceWrite(context, now, {
    kind: "request.may-end-service",
    requestId: request.id,
    identity,
    subject: JSON.parse(request.subjectDigests) as string[],
  });
}
