import type { DueAsk, DueStep } from "@heed/core/storage";
import { sqlName } from "../schema.ts";
import { inOrder, type Session } from "../session.ts";
import { jobId, jobLater, jobNow, jobQuietly } from "./jobs.ts";
import type { QueuesByProcessor } from "./reconcile.ts";
import type { Lent, Queues } from "./queues.ts";

/** A job that this process was lent, and whose step it has not claimed yet. */
interface InHand {
  readonly lent: Lent;
  readonly queue: string;
  readonly sinceMs: number;
  /** The step's, as its job was fetched for: none is known before the step is read. */
  readonly lane?: number;
}

/** A job that is lent longer goes back: whoever was told of it has not begun. */
const longestInHandMs = 5_000;

/** Most fetches for one answer. What all workers together have in hand can come back at once, and no more. */
const mostFetches = 100;

/** What the step of a lent job says. */
interface StepRow extends Omit<DueStep, "alone"> {
  readonly dueAt: string;
  readonly alone: boolean;
  /** RFC 3339: when it may be claimed. */
  readonly at: string;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

async function stepsOf(
  session: Session,
  schema: string,
  { namespace }: DueAsk,
  ids: readonly string[],
): Promise<ReadonlyMap<string, StepRow>> {
  const { rows } = await session.run(
    `SELECT "id", "subjectId", "requestId", "processor", "operation", "phase", "state", "lane", "dueAt", "leaseUntil", "alone"
     FROM ${sqlName(schema, "steps")} WHERE "id" = ANY ($1::text[]) AND "namespace" = $2`,
    [ids, namespace],
  );
  const steps = rows.flatMap((row): readonly StepRow[] => {
    const isLeased = row["state"] === "running";
    const at = isLeased ? row["leaseUntil"] : row["state"] === "due" ? row["dueAt"] : null;
    if (typeof at !== "string") return [];
    return [
      {
        id: String(row["id"]),
        subjectId: String(row["subjectId"]),
        requestId: typeof row["requestId"] === "string" ? row["requestId"] : null,
        processor: String(row["processor"]),
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the engine wrote it
        operation: row["operation"] as DueStep["operation"],
        phase: String(row["phase"]),
        lane: Number(row["lane"]),
        dueAt: textOf(row["dueAt"]),
        alone: isLeased || Number(row["alone"]) === 1,
        at,
      },
    ];
  });
  return new Map(steps.map((step) => [step.id, step]));
}

function byUrgency(one: { step: StepRow }, other: { step: StepRow }): number {
  if (one.step.lane !== other.step.lane) return one.step.lane - other.step.lane;
  const [first, second] = [one, other].map(({ step }) => `${step.dueAt} ${step.id}`);
  return (first ?? "") < (second ?? "") ? -1 : 1;
}

/** What is told of a step. A job that was lent before lost its worker. */
function asTold(
  { id, subjectId, requestId, processor, operation, phase, lane, alone }: StepRow,
  { lent }: InHand,
): DueStep {
  return {
    id,
    subjectId,
    requestId,
    processor,
    operation,
    phase,
    lane,
    alone: alone || lent.retryCount > 0,
  };
}

/**
 * Steps for this process to claim. pg-boss's fetch alone lends jobs; what a job's step says decides whether it
 * is told. Of what was told, this process may be told again until it has claimed it, and no other is.
 */
export class Lender {
  readonly #schema: string;
  readonly #queues: Queues;
  readonly #inHand = new Map<string, InHand>();

  constructor(schema: string, queues: Queues) {
    this.#schema = schema;
    this.#queues = queues;
  }

  /** Their jobs have changed: they are in hand no longer. */
  readonly forget = (stepIds: readonly string[]): void => {
    for (const id of stepIds) this.#inHand.delete(id);
  };

  /**
   * Lends in the open transaction of the session. All that a fetch brings may come too early, with others due
   * behind it: then it fetches again. What came too early waits for later than this transaction began, so that no
   * fetch brings it twice.
   *
   * @returns at most `ask.max`, most urgent first
   */
  async lend(session: Session, ask: DueAsk, byProcessor: QueuesByProcessor): Promise<readonly DueStep[]> {
    const queues = [...byProcessor.values()];
    for (let fetches = 1; ; fetches += 1) {
      const { told, isMore } = await this.#fetch(session, ask, queues);
      if (told.length >= ask.max || !isMore || fetches === mostFetches) return told;
    }
  }

  /** @returns steps as {@link lend} does, and whether there may be more jobs to fetch */
  async #fetch(
    session: Session,
    ask: DueAsk,
    queues: readonly string[],
  ): Promise<{ readonly told: readonly DueStep[]; readonly isMore: boolean }> {
    const nowMs = performance.now();
    const isLeftOut = new Set(ask.exceptSteps);
    // Those are fetched too: they must not hide what lies behind them.
    const max = ask.max + isLeftOut.size;
    const old = this.#held(queues).filter(([, { sinceMs }]) => nowMs - sinceMs > longestInHandMs);
    await this.#giveBack(session, old);
    const held = this.#held(queues, ask.mostLane);
    const fetched = await inOrder(
      queues.map((queue) => this.#queues.fetch(queue, { ...ask, max }, session.db)),
    );
    const fresh = fetched.flatMap((jobs, index) =>
      jobs.map((lent): [string, InHand] => [
        lent.data.s,
        { lent, queue: queues[index] ?? "", sinceMs: nowMs },
      ]),
    );
    const all = new Map([...held, ...fresh]);
    const isMore = fetched.some(({ length }) => length >= max);
    if (all.size === 0) return { told: [], isMore };
    const steps = await stepsOf(session, this.#schema, ask, [...all.keys()]);
    const ready = [...all].flatMap(([id, inHand]) => {
      const step = steps.get(id);
      return step !== undefined && step.at <= ask.now && jobId(id) === inHand.lent.id
        ? [{ step, id, inHand }]
        : [];
    });
    const wanted = ready.filter(({ id }) => !isLeftOut.has(id));
    const told = wanted.toSorted(byUrgency).slice(0, ask.max);
    const isTold = new Set(told.map(({ id }) => id));
    const isReady = new Set(ready.map(({ id }) => id));
    await this.#rejected(
      session,
      fresh.filter(([id]) => !isReady.has(id)),
      steps,
      ask.now,
    );
    for (const { id, step, inHand } of told) this.#inHand.set(id, { ...inHand, lane: step.lane });
    for (const [id] of held) if (!isReady.has(id)) this.#inHand.delete(id);
    const back = [...all].filter(([id]) => isReady.has(id) && !isTold.has(id));
    const surplus = back.filter(([id]) => !isLeftOut.has(id));
    const leftOut = back.filter(([id]) => isLeftOut.has(id));
    await this.#giveBack(session, surplus, steps);
    await this.#giveBack(session, leftOut, steps, jobQuietly);
    return { told: told.map(({ step, inHand }) => asTold(step, inHand)), isMore };
  }

  get isEmpty(): boolean {
    return this.#inHand.size === 0;
  }

  /** Gives everything back, for others to be lent. */
  async giveAllBack(session: Session): Promise<void> {
    await this.#giveBack(session, [...this.#inHand]);
  }

  #held(queues: readonly string[], mostLane = Number.POSITIVE_INFINITY): readonly [string, InHand][] {
    return [...this.#inHand].filter(([, { queue, lane = 0 }]) => queues.includes(queue) && lane <= mostLane);
  }

  /**
   * Puts jobs back as if nobody had had them. One whose earlier worker died stays lent until its heartbeat is
   * missed: put back, it would look harmless.
   */
  async #giveBack(
    session: Session,
    jobs: readonly (readonly [string, InHand])[],
    known?: ReadonlyMap<string, StepRow>,
    jobOf = jobNow,
  ): Promise<void> {
    for (const [id] of jobs) this.#inHand.delete(id);
    const harmless = jobs.filter(([, { lent }]) => lent.retryCount === 0);
    for (const [queue, group] of Map.groupBy(harmless, ([, inHand]) => inHand.queue)) {
      const taken = await this.#queues.takeBack(
        queue,
        group.map(([, { lent }]) => lent),
        session.db,
      );
      const back = group.filter(([, { lent }]) => taken.has(lent.id)).map(([id]) => id);
      if (back.length === 0) continue;
      const steps = known ?? (await this.#urgencyOf(session, back));
      const jobsBack = back.flatMap((id) => {
        const step = steps.get(id);
        return step === undefined ? [] : [jobOf({ id, lane: step.lane, at: step.dueAt })];
      });
      if (jobsBack.length > 0) await this.#queues.insert(queue, jobsBack, session.db);
    }
  }

  async #urgencyOf(
    session: Session,
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, Pick<StepRow, "lane" | "dueAt">>> {
    const { rows } = await session.run(
      `SELECT "id", "lane", "dueAt" FROM ${sqlName(this.#schema, "steps")} WHERE "id" = ANY ($1::text[])`,
      [ids],
    );
    return new Map(
      rows.map((row) => [String(row["id"]), { lane: Number(row["lane"]), dueAt: textOf(row["dueAt"]) }]),
    );
  }

  /** Of jobs that came too early a new one waits; the others are of steps that want none. */
  async #rejected(
    session: Session,
    jobs: readonly (readonly [string, InHand])[],
    steps: ReadonlyMap<string, StepRow>,
    now: string,
  ): Promise<void> {
    for (const [queue, group] of Map.groupBy(jobs, ([, inHand]) => inHand.queue)) {
      await this.#queues.remove(
        queue,
        group.map(([, { lent }]) => lent.id),
        session.db,
      );
      const later = group.flatMap(([id, { lent }]) => {
        const step = steps.get(id);
        return step === undefined || jobId(id) !== lent.id
          ? []
          : [jobLater({ id, lane: step.lane, at: step.at }, now)];
      });
      if (later.length > 0) await this.#queues.insert(queue, later, session.db);
    }
  }
}
