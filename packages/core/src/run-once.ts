import { randomUUID } from "node:crypto";
import type { HeedContext } from "./context.ts";
import type { Clock } from "./contract/clock.ts";
import type { Subject } from "./contract/identifier.ts";
import type { InputOf, OperationName } from "./contract/operation.ts";
import type { ProcessorV1 } from "./contract/processor.ts";
import type { Decision } from "./contract/storage.ts";
import { processorDefects } from "./engine/processor-defects.ts";
import { TurnQueues } from "./engine/turn-queues.ts";
import { workDefaults, Worker } from "./engine/worker.ts";
import { HeedError } from "./errors/heed-error.ts";
import { InvalidInputError } from "./errors/invalid-input-error.ts";
import { UnsupportedOperationError } from "./errors/unsupported-operation-error.ts";
import { EventHub } from "./event-hub.ts";
import { ephemeralKeys } from "./keys/keyring.ts";
import { newDataKey } from "./keys/sealed.ts";
import { findSubject } from "./ledger/find-subject.ts";
import { LivePermits } from "./ledger/live-permits.ts";
import { nameSubject } from "./ledger/name-subject.ts";
import { transactOnSubjects } from "./ledger/under-lock.ts";
import { memory } from "./memory/memory.ts";
import { idMaker } from "./new-id.ts";
import { onlyKeys } from "./only-keys.ts";
import { definePolicy } from "./policy/define-policy.ts";
import { stepRows } from "./requests/plan.ts";
import { stepView, type StepView } from "./requests/read-request.ts";
import { systemClock } from "./system-clock.ts";

/** How one operation is carried out without a heed around it. */
export interface OnceOptions<N extends OperationName> {
  /** The operation's input. Default: all topics, nothing kept, no paid service ended. */
  readonly input?: InputOf[N];
  /** How long to keep at it, in milliseconds. Default ten minutes. */
  readonly withinMs?: number;
  readonly clock?: Clock;
}

/** What became of it: an ended step, or one that is still open when the time was up. */
export type Once = Omit<StepView, "id" | "processor">;

/** The caller's time is the limit here, not a date. */
const never = "9999-12-31T23:59:59.999Z";

const defaults: { readonly [N in OperationName]?: InputOf[N] } = {
  unsubscribe: { topics: "all" },
  erase: { suppress: true, keep: [] },
  exclude: {},
  forgetTokens: { endsPaidService: "refused", keep: [] },
};

/**
 * Carries one operation out at one processor, with the engine's whole care (account proven, resolved,
 * guarded, run, read back, tried again), and nothing stored beyond the process. For scripts, and for using an
 * adapter alone; it forgets everything when the process dies.
 *
 * @example await runOnce(stripeTokens({ apiKey, account }), "forgetTokens", { email })
 * @throws UnsupportedOperationError when the processor does not have the operation
 * @throws InvalidInputError when the processor cannot be relied on, for example where nothing asks before it ends what
 *   was paid for
 */
export async function runOnce<
  N extends OperationName,
  Kind extends string,
  Topic extends string,
  Bucket extends string,
>(
  given: ProcessorV1<Kind, Topic, Bucket>,
  operation: N,
  subject: Subject<NoInfer<Kind>>,
  options: OnceOptions<N> = {},
): Promise<Once> {
  const processor = given as unknown as ProcessorV1;
  onlyKeys<OnceOptions<N>>(options, "runOnce", { input: true, withinMs: true, clock: true });
  const input = options.input ?? defaults[operation];
  if (processor.operations[operation] === undefined) {
    const has = Object.keys(processor.operations).join(", ");
    throw new UnsupportedOperationError(
      `"${processor.name}" has no operation "${operation}". It has: ${has}.`,
    );
  }
  if (operation === "export") {
    throw new UnsupportedOperationError(
      "An export has no place to go here. Call the operation's `run` and read its records.",
    );
  }
  if (input === undefined) throw new TypeError(`"${operation}" needs \`input\`.`);
  const issues = processorDefects(processor.name, processor);
  if (issues.length > 0) {
    const list = issues.map((issue) => `\n  - ${issue.path}: ${issue.message}`).join("");
    throw new InvalidInputError(`The processor does not keep the contract:${list}`, {
      code: "processors-do-not-fit",
      issues,
    });
  }
  const context = contextFor(processor, options.clock ?? systemClock);
  const until = context.clock.now().getTime() + (options.withinMs ?? 600_000);
  const stepId = await plan(context, operation, input, subject);
  const worker = new Worker(context, workDefaults);
  for (;;) {
    const { nextAt } = await worker.drain();
    const waitMs = nextAt === undefined ? undefined : Date.parse(nextAt) - context.clock.now().getTime();
    if (waitMs === undefined || context.clock.now().getTime() + waitMs > until)
      return readStep(context, stepId);
    await context.clock.sleep(Math.max(0, waitMs));
  }
}

function contextFor(processor: ProcessorV1, clock: Clock): HeedContext {
  const storage = memory();
  return {
    namespace: "once",
    policy: definePolicy({
      controller: { name: "-", country: "SE", contact: "-" },
      recipients: { once: { role: "processor", country: "SE" } },
      purposes: {},
      topics: {},
    }),
    storage,
    keys: ephemeralKeys(),
    clock,
    processors: { once: processor },
    hub: new EventHub(),
    livePermits: new LivePermits(),
    turns: new TurnQueues({ storage, clock }),
    newId: idMaker(),
  };
}

async function plan(
  context: HeedContext,
  operation: OperationName,
  input: InputOf[OperationName],
  subject: Subject,
): Promise<string> {
  const named = nameSubject(context, subject);
  return transactOnSubjects(context, {
    select: { digests: named.digests.flat() },
    read: {},
    decide: (records, _rows, now): Decision<string> => {
      const { record, writes } = findSubject(context, records, named, true, now);
      const rows = stepRows(
        context,
        record,
        [{ processor: "once", operation, stage: 0, lane: 0, input, deadlineAt: never }],
        {
          seal: newDataKey(),
          seq: 0,
          now,
          requestId: null,
          eventId: null,
        },
      );
      return {
        writes: [...writes, ...rows.map((row) => ({ insert: "steps", row }) as const)],
        answer: rows[0]?.id ?? randomUUID(),
      };
    },
  });
}

async function readStep(context: HeedContext, id: string): Promise<Once> {
  const answer = await context.storage.transact({
    lock: [],
    clock: context.clock,
    read: {
      steps: { from: "steps", where: { id } },
      dataKeys: { from: "dataKeys", where: { owner: { via: "steps", column: "subjectId", where: { id } } } },
    },
    decide: ({ steps, dataKeys }): Decision<StepView | undefined> => {
      const [step] = steps;
      const [key] = dataKeys;
      const opened = key === undefined ? undefined : context.keys.unwrap(key.wrapped, key.keyId, key.owner);
      return { writes: [], answer: step === undefined ? undefined : stepView(step, opened) };
    },
  });
  if (answer === undefined) throw new HeedError("The step is gone.", { code: "no-such-step" });
  const { id: _id, processor: _processor, ...once } = answer;
  return once;
}
