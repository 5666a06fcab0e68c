import { createHash } from "node:crypto";
import type { HeedContext } from "../context.ts";
import type { Identifier } from "../contract/identifier.ts";
import type { Call, Retained } from "../contract/operation.ts";
import type { Effect } from "../contract/processor.ts";
import type { Decision } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { holdsIn, holdsOfSubjects, holdsOverEveryone, isHeldAt } from "../holds/hold.ts";
import { identifiersOf } from "../ledger/identifiers.ts";
import type { Named } from "../ledger/name-subject.ts";
import type { SubjectLedger } from "../ledger/subject-record.ts";
import { transactOnLedgers } from "../ledger/under-lock.ts";
import { deadlineOf } from "../requests/deadline.ts";
import { withEnding } from "../requests/allow-ending.ts";
import type { EndsPaidService } from "../requests/lifecycle.ts";
import { planOf, type PlannedStep } from "../requests/plan.ts";
import type { AccountChecks } from "./account-check.ts";
import { readResolution } from "./answers.ts";
import { operationOf } from "./operation-of.ts";
import { withTimeLimit } from "./time-limit.ts";
import { lend, noTurns } from "./turns.ts";
import type { WorkSettings } from "./worker.ts";

/** What a step would do. */
export interface PreviewedStep<Processor extends string = string> {
  readonly processor: Processor | "heed";
  readonly operation: string;
  /** Records found there by looking, without changing anything; undefined where nothing can be looked up before. */
  readonly found?: number;
  readonly effects: readonly Effect[];
  readonly keeps: readonly Retained[];
  /** Where tokens are forgotten: whether what is paid for would be ended for it, or its end waited for. */
  readonly endsPaidService?: EndsPaidService;
  /** A legal hold stands over it: it would wait until that is released. */
  readonly held?: true;
  /** Why it would go to a human, or why it could not be looked up now. */
  readonly because?: string;
}

/** What a request would do, found out by reading only. */
export interface Preview<Processor extends string = string> {
  readonly dueOn: string;
  readonly steps: readonly PreviewedStep<Processor>[];
  /** Covers the plan and every record found. Pass it to `requests.open` as `preview`: it refuses when either has changed. */
  readonly digest: string;
}

/** What is to be previewed. */
export interface PreviewAsk {
  readonly right: "erasure" | "forget-tokens" | "objection";
  /** Of an objection. */
  readonly recipient?: string;
  readonly endsPaidService?: EndsPaidService;
}

/** How processors are looked at. */
export interface Looking {
  readonly settings: WorkSettings;
  /** Kept from one preview to the next, so that an account is proven once an hour and not for each person. */
  readonly checks: AccountChecks;
}

/** Plans a request and looks every processor up, without changing anything anywhere. */
export async function previewRequest(
  context: HeedContext,
  looking: Looking,
  named: Named,
  { endsPaidService = "refused", ...asked }: PreviewAsk,
): Promise<Preview> {
  const now = context.clock.now().toISOString();
  const deadline = deadlineOf(context.policy.controller, now);
  const planned = planOf(context, asked, deadline.dueAt, now);
  const { identifiers, holds } = await whatIsKnown(context, named);
  const looked = await Promise.all(
    planned
      .map((step) => withEnding(step, endsPaidService))
      .map((step) => look(context, looking, step, { identifiers, isHeld: isHeldAt(holds, step) })),
  );
  const digest = createHash("sha256")
    .update(
      JSON.stringify(
        looked.map(({ step, ids }) => [
          step.processor,
          step.operation,
          step.keeps,
          ids,
          step.held ?? false,
          step.endsPaidService ?? "refused",
        ]),
      ),
    )
    .digest("hex");
  return { dueOn: deadline.dueOn, steps: looked.map(({ step }) => step), digest };
}

interface Known {
  readonly identifiers: readonly Identifier[];
  /** Those that stand over the person, everyone's included. */
  readonly holds: readonly Row<"holds">[];
}

/** The named identifiers, those that storage knows to be the same person's, and the legal holds. */
async function whatIsKnown(context: HeedContext, named: Named): Promise<Known> {
  const digests = named.digests.flat();
  const subjectId = { via: "identifiers", column: "subjectId", where: { digest: digests } } as const;
  const { identifiers: stored, holds } = await transactOnLedgers(context, {
    select: { digests },
    read: { subjectHolds: holdsOfSubjects(subjectId), generalHolds: holdsOverEveryone(context.namespace) },
    decide: (records: readonly SubjectLedger[], rows): Decision<Known> => ({
      writes: [],
      answer: {
        identifiers: records.flatMap((record) =>
          identifiersOf(
            record.dataKey,
            record.identifiers.filter((row) => row.verified === 1),
          ),
        ),
        holds: holdsIn(rows),
      },
    }),
  });
  const all = [...named.identifiers.map(({ kind, value }) => ({ kind, value })), ...stored];
  const identifiers = all.filter(
    (each, index) =>
      all.findIndex((other) => other.kind === each.kind && other.value === each.value) === index,
  );
  return { identifiers, holds };
}

async function look(
  context: HeedContext,
  { settings, checks }: Looking,
  planned: PlannedStep,
  { identifiers, isHeld }: { readonly identifiers: readonly Identifier[]; readonly isHeld: boolean },
): Promise<{ step: PreviewedStep; ids: readonly string[] }> {
  const processor = context.processors[planned.processor];
  const operation = operationOf(processor, planned.operation);
  const step: PreviewedStep = {
    processor: planned.processor,
    operation: planned.operation,
    effects: operation?.effects ?? [],
    keeps: "keep" in planned.input ? planned.input.keep : [],
    ...("endsPaidService" in planned.input ? { endsPaidService: planned.input.endsPaidService } : {}),
    ...(isHeld ? { held: true } : {}),
    ...(planned.ended?.state === "manual" ? { because: planned.ended.because } : {}),
  };
  if (processor === undefined || operation?.resolve === undefined) return { step, ids: [] };
  const [first, ...others] = identifiers.filter((each) => processor.identifiers[each.kind]?.test(each.value));
  if (first === undefined) return { step: { ...step, because: "no-identifier" }, ids: [] };
  // Nothing found means nothing there only at an account that is proven to be the right one.
  const account = await checks.prove(planned.processor, processor);
  if (!account.proven) return { step: { ...step, because: account.because }, ids: ["unavailable"] };
  if (account.checked.lacks.some((each) => each.operation === planned.operation))
    return { step: { ...step, because: "capability-missing" }, ids: ["unavailable"] };
  const call: Call = {
    id: "preview",
    operation: planned.operation,
    input: planned.input,
    identifiers: [first, ...others],
    targets: [],
  };
  const { resolve } = operation;
  const lender = {
    context,
    processor,
    question: planned.operation,
    leaseMs: settings.leaseMs,
    lane: planned.lane,
  };
  try {
    const answers = await withTimeLimit(
      context.clock,
      settings.callTimeoutMs,
      () => new Error("no answer in time"),
      (limit) => resolve([call], lend(lender, noTurns(), limit)),
    );
    const resolution = readResolution(answers.get(call.id));
    if (resolution === undefined) return { step: { ...step, because: "no-answer" }, ids: [] };
    const ids = resolution.targets
      .map((target) => JSON.stringify([target.kind, target.id, target.within]))
      .toSorted();
    return { step: { ...step, found: ids.length }, ids };
  } catch {
    // It may be the account that was refused.
    checks.forget(planned.processor);
    return { step: { ...step, because: "unavailable" }, ids: ["unavailable"] };
  }
}
