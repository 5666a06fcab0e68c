import type { HeedContext } from "../context.ts";
import type { Decision, Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { settleWrites } from "../engine/settle.ts";
import { ConflictError } from "../errors/conflict-error.ts";
import { transactOnSubjects } from "../ledger/under-lock.ts";
import type { SubjectRecord } from "../ledger/subject-record.ts";
import { closingWrites } from "./close-request.ts";
import { stepsToRelease } from "./gates.ts";
import { isFinal, type Identity, type RequestState } from "./lifecycle.ts";
import { beginRequest } from "./open-request.ts";
import { noSuchRequest } from "./read-request.ts";

interface Change {
  readonly writes: readonly Write[];
  readonly state: RequestState;
  readonly revoked?: readonly string[];
}

/** Reads a request under its subject's lock, lets `decide` change it, and tells of the new state. */
async function change(
  context: HeedContext,
  id: string,
  decide: (
    request: Row<"requests">,
    steps: readonly Row<"steps">[],
    record: SubjectRecord,
    now: string,
  ) => Change,
): Promise<{ state: RequestState }> {
  const subjectId = await context.storage.transact({
    lock: [],
    clock: context.clock,
    read: { requests: { from: "requests", where: { id, namespace: context.namespace } } },
    decide: ({ requests }): Decision<string | undefined> => ({ writes: [], answer: requests[0]?.subjectId }),
  });
  if (subjectId === undefined) throw noSuchRequest();
  const { state, revoked } = await transactOnSubjects(context, {
    select: { subjectId },
    read: {
      requests: { from: "requests", where: { id } },
      steps: { from: "steps", where: { requestId: id } },
    },
    decide: (
      records,
      { requests, steps },
      now,
    ): Decision<{ state: RequestState; revoked: readonly string[] }> => {
      const [record] = records;
      const [request] = requests;
      if (request === undefined) throw noSuchRequest();
      if (record === undefined || isFinal(request.state)) {
        throw new ConflictError("This request has ended; it cannot be changed any more.", {
          code: "request-ended",
        });
      }
      const changed = decide(request, steps, record, now);
      return { writes: changed.writes, answer: { state: changed.state, revoked: changed.revoked ?? [] } };
    },
  });
  context.livePermits.revoke(revoked);
  context.hub.emit("request.changed", { requestId: id, state });
  return { state };
}

/** Identity was shown: the identifiers that the request named are verified, and its plan is made. */
export function verifyIdentity(
  context: HeedContext,
  id: string,
  identity: Exclude<Identity, "unverified">,
): Promise<{ state: RequestState }> {
  return change(context, id, (request, _steps, record, now) => {
    if (request.state !== "awaiting_verification") {
      throw new ConflictError("The identity behind this request was established before.", {
        code: "already-verified",
      });
    }
    const named = new Set(JSON.parse(request.named) as string[]);
    const digests = record.identifiers.filter((row) => named.has(row.digest)).map((row) => row.digest);
    const identifiers = record.identifiers.map((row) =>
      named.has(row.digest) ? { ...row, verified: 1 } : row,
    );
    const begun = beginRequest(context, { ...record, identifiers }, { ...request, identity }, now);
    const state = begun.request.state as RequestState;
    return {
      writes: [
        { update: "identifiers", where: { digest: digests }, set: { verified: 1 } },
        { update: "requests", where: { id }, set: { identity, state } },
        ...begun.writes,
      ],
      state,
      revoked: begun.revoked,
    };
  });
}

/** Takes the request back, as long as nothing was destroyed. */
export function withdrawRequest(context: HeedContext, id: string): Promise<{ state: RequestState }> {
  return change(context, id, (request, steps, _record, now) => {
    const hasBegun = steps.some(
      (step) => step.attempted === 1 || step.outcome !== null || step.phase === "verify",
    );
    if (hasBegun)
      throw new ConflictError(
        "Something was already carried out; this request can no longer be taken back.",
        { code: "too-late" },
      );
    const open = steps.filter((step) => step.endedAt === null).map((step) => step.id);
    return {
      writes: [
        {
          update: "steps",
          where: { id: open },
          set: {
            state: "cancelled",
            because: "request-withdrawn",
            endedAt: now,
            dueAt: null,
            leaseUntil: null,
          },
        },
        ...closingWrites(context, request, "withdrawn", now),
      ],
      state: "withdrawn",
    };
  });
}

/** A human did what a step asked for: it ends as acknowledged, on that human's word. */
export function acknowledgeStep(
  context: HeedContext,
  id: string,
  stepId: string,
): Promise<{ state: RequestState }> {
  return change(context, id, (request, steps, record, now) => {
    const step = steps.find((each) => each.id === stepId);
    if (step === undefined || (step.state !== "manual" && step.state !== "failed")) {
      throw new ConflictError("Only a step that failed or went to a human can be acknowledged.", {
        code: "not-acknowledgeable",
      });
    }
    const rows = { requests: [request], openSteps: record.openSteps, requestSteps: steps };
    const verdict = { to: "end", state: "acknowledged", because: "by-hand" } as const;
    const { writes, requests } = settleWrites(context, rows, [{ step, verdict }], now);
    return { writes, state: requests[0]?.state ?? (request.state as RequestState) };
  });
}

/** Tries failed and manual steps again from the start, for example when credentials were mended. */
export function retrySteps(context: HeedContext, id: string): Promise<{ state: RequestState }> {
  return change(context, id, (_request, steps, record, now) => {
    const revive = (step: Row<"steps">): Row<"steps"> => {
      const canResolve =
        context.processors[step.processor]?.operations[step.operation as "erase"]?.resolve !== undefined;
      const phase = canResolve ? "resolve" : "run";
      return {
        ...step,
        state: "waiting",
        phase,
        endedAt: null,
        because: null,
        tries: 0,
        doubts: 0,
        rounds: 0,
        sealed: null,
        outcome: null,
        finding: null,
      };
    };
    const revived = steps.filter((step) => step.state === "failed" || step.state === "manual").map(revive);
    const others = [...record.openSteps, ...steps].filter(
      (step) => !revived.some((each) => each.id === step.id),
    );
    const released = new Set(
      stepsToRelease([...new Map([...others, ...revived].map((step) => [step.id, step])).values()]),
    );
    return {
      writes: [
        ...revived.map((step): Write => {
          const set = released.has(step.id) ? { ...step, state: "due", dueAt: now } : step;
          return { update: "steps", where: { id: step.id }, set };
        }),
        { update: "requests", where: { id }, set: { state: "executing" } },
      ],
      state: "executing",
    };
  });
}
