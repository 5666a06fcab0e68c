import type { HeedContext } from "../context.ts";
import type { OperationName, Retained } from "../contract/operation.ts";
import type { Decision } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import type { Found } from "../engine/found.ts";
import { InvalidInputError } from "../errors/invalid-input-error.ts";
import { holdsIn, holdsOfSubjects, holdsOverEveryone, isHeldBy } from "../holds/hold.ts";
import { open } from "../keys/sealed.ts";
import {
  isParked,
  openStates,
  type RequestRight,
  type RequestState,
  type StepPhase,
  type StepState,
} from "./lifecycle.ts";

/** A step as callers see it. */
export interface StepView<Processor extends string = string> {
  readonly id: string;
  /** The recipient, or `"heed"` for heed's own data. */
  readonly processor: Processor | "heed";
  readonly operation: OperationName;
  readonly state: StepState;
  /** What it does next, while it is open. */
  readonly phase: StepPhase;
  /** What the processor said. `partly`: something was carried out, and the rest is not done yet. */
  readonly outcome?: "done" | "absent" | "partly";
  /** What reading back showed. */
  readonly finding?: "as-asked" | "not-as-asked" | "unknown";
  readonly affected?: number;
  /** What is kept, by category, with reason, law and date. */
  readonly retained: readonly Retained[];
  /** Civil date: what was destroyed is out of sight, and off the vendor's disks by then. */
  readonly purgedBy?: string;
  /** A slug: why it waits, failed or went to a human. */
  readonly because?: string;
  /** For a step that went to a human: what to do. */
  readonly instruction?: string;
  /** RFC 3339: when it is tried next. */
  readonly nextAt?: string;
  readonly tries: number;
  /** A legal hold stands over it: nothing of it is destroyed before that is released, nor by hand. */
  readonly held?: true;
}

/** A request with its steps. */
export interface RequestView<Processor extends string = string> {
  readonly id: string;
  readonly right: RequestRight;
  /** Of an objection: where the person does not want to be. */
  readonly recipient?: Processor;
  /** Of an inquiry: what it seems to be. */
  readonly about?: string;
  readonly state: RequestState;
  readonly receivedAt: string;
  /** Civil date by which it must be done (see `deadlineOf`). */
  readonly dueOn: string;
  readonly closedAt?: string;
  /** A slug: why it was denied or expired, or what was answered. */
  readonly because?: string;
  readonly steps: readonly StepView<Processor>[];
}

/** An open request in a list. */
export interface OpenRequestView<Processor extends string = string> extends Omit<
  RequestView<Processor>,
  "steps" | "closedAt"
> {
  /** Its deadline has passed. */
  readonly overdue: boolean;
}

/** Requests that have not ended, next deadline first. */
export function listRequests(
  { namespace, storage, clock }: HeedContext,
  limit: number,
): Promise<readonly OpenRequestView[]> {
  return storage.transact({
    lock: [],
    clock,
    read: {
      requests: { from: "requests", where: { namespace, state: openStates }, orderBy: ["dueAt"], limit },
    },
    decide: ({ requests }, now): Decision<readonly OpenRequestView[]> => ({
      writes: [],
      answer: requests.map((request) => ({ ...requestFields(request), overdue: request.dueAt <= now })),
    }),
  });
}

/** @throws InvalidInputError when there is no such request */
export async function readRequest(context: HeedContext, id: string): Promise<RequestView> {
  const view = await context.storage.transact({
    lock: [],
    clock: context.clock,
    read: {
      requests: { from: "requests", where: { id, namespace: context.namespace } },
      steps: { from: "steps", where: { requestId: id }, orderBy: ["seq"] },
      dataKeys: { from: "dataKeys", where: { owner: id } },
      subjectHolds: holdsOfSubjects({ via: "requests", column: "subjectId", where: { id } } as const),
      generalHolds: holdsOverEveryone(context.namespace),
    },
    decide: ({ requests, steps, dataKeys, ...rows }): Decision<RequestView | undefined> => {
      const request = requests[0];
      const wrapped = dataKeys[0];
      if (request === undefined) return { writes: [], answer: undefined };
      const key = wrapped === undefined ? undefined : context.keys.unwrap(wrapped.wrapped, wrapped.keyId, id);
      const answer: RequestView = {
        ...requestFields(request),
        ...(request.closedAt === null ? {} : { closedAt: request.closedAt }),
        steps: steps.map((step) => ({
          ...stepView(step, key),
          ...(isToDo(step) && isHeldBy(holdsIn(rows), step) ? { held: true } : {}),
        })),
      };
      return { writes: [], answer };
    },
  });
  if (view === undefined) throw noSuchRequest();
  return view;
}

function requestFields(request: Row<"requests">): Omit<RequestView, "steps" | "closedAt"> {
  return {
    id: request.id,
    right: request.right as RequestRight,
    ...(request.recipient === null ? {} : { recipient: request.recipient }),
    ...(request.about === null ? {} : { about: request.about }),
    state: request.state as RequestState,
    receivedAt: request.receivedAt,
    dueOn: request.dueOn,
    ...(request.because === null ? {} : { because: request.because }),
  };
}

export function noSuchRequest(): InvalidInputError {
  return new InvalidInputError("There is no such request. Pass the id that `requests.open` answered.", {
    code: "no-such-request",
    issues: [{ path: "id", message: "unknown" }],
  });
}

/** Whether it, or a human in its place, has still something to do. */
const isToDo = (step: Row<"steps">): boolean => step.endedAt === null || isParked(step);

export function stepView(step: Row<"steps">, key: Uint8Array | undefined): StepView {
  const outcome =
    step.outcome === null
      ? undefined
      : (JSON.parse(step.outcome) as {
          status: NonNullable<StepView["outcome"]>;
          affected?: number;
          retained?: Retained[];
          purgedBy?: string;
        });
  const found =
    step.state === "manual" && step.sealed !== null && key !== undefined
      ? (JSON.parse(open(key, step.sealed, `steps/${step.id}`)) as Found)
      : undefined;
  return {
    id: step.id,
    processor: step.processor,
    operation: step.operation as OperationName,
    state: step.state as StepState,
    phase: step.phase as StepPhase,
    ...(outcome === undefined ? {} : { outcome: outcome.status }),
    ...(outcome?.affected === undefined ? {} : { affected: outcome.affected }),
    ...(step.finding === null ? {} : { finding: step.finding as NonNullable<StepView["finding"]> }),
    retained: outcome?.retained ?? [],
    ...(outcome?.purgedBy === undefined ? {} : { purgedBy: outcome.purgedBy }),
    ...(step.because === null ? {} : { because: step.because }),
    ...(found?.instruction === undefined ? {} : { instruction: found.instruction }),
    ...(step.dueAt === null ? {} : { nextAt: step.dueAt }),
    tries: step.tries,
  };
}
