import type { DueAsk, DueStep } from "@heed/core/storage";
import type { Connections } from "../connections.ts";
import { committed } from "../run-transaction.ts";
import type { Session } from "../session.ts";
import { Lender } from "./lend.ts";
import { deadQueue, processorOf, queueOf } from "./queue-names.ts";
import type { Queues } from "./queues.ts";
import { buryDead, reconcile, type QueuesByProcessor } from "./reconcile.ts";
import { BossAtWork } from "./worker.ts";

/** Delivery of steps by pg-boss. */
export class Delivery {
  readonly #connections: Connections;
  readonly #queues: Queues;
  readonly #schemas: { readonly schema: string; readonly delivery: string };
  readonly #reconcileEveryMs: number;
  readonly #lender: Lender;
  readonly #boss: BossAtWork;
  readonly #reconciledAtMs = new Map<string, number>();

  constructor(
    connections: Connections,
    queues: Queues,
    schemas: { readonly schema: string; readonly delivery: string },
    reconcileEveryMs: number,
  ) {
    this.#connections = connections;
    this.#queues = queues;
    this.#schemas = schemas;
    this.#reconcileEveryMs = reconcileEveryMs;
    this.#lender = new Lender(schemas.schema, queues);
    this.#boss = new BossAtWork(connections, schemas.delivery);
  }

  /** The jobs of these steps have changed. */
  get forget(): (stepIds: readonly string[]) => void {
    return this.#lender.forget;
  }

  /** Steps to claim now. */
  async due(ask: DueAsk): Promise<readonly DueStep[]> {
    if (!(ask.max > 0)) return [];
    await this.#boss.start();
    const byProcessor = await this.#queuesFor(ask);
    if (byProcessor.size === 0) return [];
    return this.#connections.use(async (session) => {
      const lend = () => committed(session, {}, () => this.#lender.lend(session, ask, byProcessor));
      const told = await lend();
      // Whoever asks for what is urgent alone also asks for all: what is stranded is found then.
      if (ask.mostLane !== undefined) return told;
      let back = this.#isTimeToReconcile(ask) ? await this.#reconcileAll(session, ask) : 0;
      if (told.length < ask.max) {
        // The queues are empty: nothing but what is stranded can be due beside this.
        const stranded = { ...ask, byProcessor };
        back += await committed(session, {}, () => reconcile(session, this.#queues, this.#schemas, stranded));
      }
      return back > 0 && told.length < ask.max ? lend() : told;
    });
  }

  watch(wake: () => void): () => void {
    return this.#boss.watch(wake);
  }

  /** Gives back what is in hand, and ends what was begun for work. */
  async close(): Promise<void> {
    if (!this.#lender.isEmpty) {
      await this.#connections
        .use((session) => committed(session, {}, () => this.#lender.giveAllBack(session)))
        // Nobody can be told any more; missed heartbeats bring the jobs back.
        .catch(() => {});
    }
    await this.#boss.stop();
  }

  #isTimeToReconcile({ namespace }: DueAsk): boolean {
    const lastMs = this.#reconciledAtMs.get(namespace) ?? Number.NEGATIVE_INFINITY;
    return performance.now() - lastMs >= this.#reconcileEveryMs;
  }

  /** Where there is always something to fetch, what is stranded would never be looked for. */
  async #reconcileAll(session: Session, { namespace, now }: DueAsk): Promise<number> {
    this.#reconciledAtMs.set(namespace, performance.now());
    const byProcessor = await this.#queuesFor({ namespace, now, max: 1 });
    return committed(session, {}, async () => {
      await buryDead(session, this.#queues, this.#schemas.schema);
      return reconcile(session, this.#queues, this.#schemas, { namespace, now, byProcessor });
    });
  }

  async #queuesFor({ namespace, processor: only, except = [] }: DueAsk): Promise<QueuesByProcessor> {
    if (only !== undefined) {
      // Made where there is none: pg-boss's schema may be a new one, and the steps older than that.
      return new Map([[only, await this.#queues.make(queueOf(namespace, only))]]);
    }
    const names = await this.#queues.names();
    return new Map(
      names.flatMap((queue) => {
        const processor = queue === deadQueue ? undefined : processorOf(namespace, queue);
        return processor === undefined || except.includes(processor) ? [] : [[processor, queue] as const];
      }),
    );
  }
}
