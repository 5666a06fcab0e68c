import type { HeedContext } from "../context.ts";
import { withTimeLimit } from "../engine/time-limit.ts";
import { HeedError } from "../errors/heed-error.ts";
import { permitsOf } from "../ledger/permits.ts";
import { farewellKey, outcomeOf, type Farewell, type FarewellOutcome } from "./farewell.ts";
import {
  answerMs,
  dueFarewells,
  putOffFarewell,
  recordEnd,
  settleAttempt,
  takeUp,
  type Attempt,
  type FarewellRef,
} from "./farewell-states.ts";

/** So many are under way at a time: they are in nobody's way, and need not hurry. */
const mostAtOnce = 10;

/** Says farewell to whoever was erased, a few at a time, beside all other work. */
export class Farewells {
  readonly #context: HeedContext;
  readonly #onEnd: () => void;
  readonly #onFailure: (error: unknown) => void;
  #inHand: Promise<void> | undefined;

  /**
   * @param onEnd called when those in hand have ended: there may be more
   * @param onFailure told why one could not be taken up; it is looked at again in a minute
   */
  constructor(context: HeedContext, onEnd: () => void, onFailure: (error: unknown) => void) {
    this.#context = context;
    this.#onEnd = onEnd;
    this.#onFailure = onFailure;
  }

  /** What is in hand now. */
  get inHand(): readonly Promise<void>[] {
    return this.#inHand === undefined ? [] : [this.#inHand];
  }

  /**
   * Begins what is due, unless something is in hand.
   *
   * @param giveUp aborts when no answer is waited for any longer
   * @param onFailure told when the storage fails
   * @returns how many were begun
   */
  async startDue(giveUp: AbortSignal, onFailure: (error: unknown) => void): Promise<number> {
    if (this.#inHand !== undefined) return 0;
    const due = await dueFarewells(this.#context, mostAtOnce);
    if (due.length === 0) return 0;
    this.#inHand = this.#say(due, giveUp)
      .catch(onFailure)
      .finally(() => {
        this.#inHand = undefined;
        this.#onEnd();
      });
    return due.length;
  }

  async #say(due: readonly FarewellRef[], giveUp: AbortSignal): Promise<void> {
    const context = this.#context;
    const ended = await Promise.all(due.map(async (ref) => ((await this.#sayOne(ref, giveUp)) ? [ref] : [])));
    const over = ended.flat();
    if (over.length === 0) return;
    const isGone = await context.storage.scrub();
    for (const ref of over) {
      const outcome = isGone ? await recordEnd(context, ref) : await putOffFarewell(context, ref);
      if (outcome !== undefined) context.hub.emit("farewell.ended", { requestId: ref.requestId, outcome });
    }
  }

  /** @returns whether it has ended */
  async #sayOne(ref: FarewellRef, giveUp: AbortSignal): Promise<boolean> {
    let taken: Attempt | "ended" | undefined;
    try {
      taken = await takeUp(this.#context, ref);
    } catch (error) {
      // Its key is not in this process's keyring, perhaps.
      this.#onFailure(error);
      await putOffFarewell(this.#context, ref);
      return false;
    }
    if (taken === undefined || taken === "ended") return taken === "ended";
    return settleAttempt(this.#context, taken, await this.#send(taken, giveUp));
  }

  /** Hands it to the sender. Where no answer comes it may have left, and is not sent again. */
  async #send(attempt: Attempt, giveUp: AbortSignal): Promise<FarewellOutcome | "deferred"> {
    const { clock, farewell, hub } = this.#context;
    if (farewell === undefined) return "deferred";
    const gaveUp = Promise.withResolvers<"unknown">();
    const onAbort = () => gaveUp.resolve("unknown");
    giveUp.addEventListener("abort", onAbort, { once: true });
    if (giveUp.aborted) onAbort();
    try {
      const answer = await withTimeLimit(clock, answerMs, noAnswer, ({ signal }) =>
        Promise.race([this.#ask(farewell, attempt, AbortSignal.any([signal, giveUp])), gaveUp.promise]),
      );
      const outcome = outcomeOf(answer);
      if (outcome === undefined) throw noStatus();
      return outcome;
    } catch (error) {
      hub.emit("work.failed", { error, operation: "farewell" });
      return "unknown";
    } finally {
      giveUp.removeEventListener("abort", onAbort);
    }
  }

  async #ask(farewell: Farewell, { email, requestId }: Attempt, signal: AbortSignal): Promise<unknown> {
    const { topic } = farewell;
    const messageKey = farewellKey(requestId);
    return farewell.send({ email, requestId, topic, messageKey, permits: permitsOf(this.#context), signal });
  }
}

const noAnswer = (): HeedError =>
  new HeedError("createHeed's farewell.send gave no answer within ten minutes: it counts as unknown.", {
    code: "farewell-unanswered",
  });

const noStatus = (): HeedError =>
  new HeedError(
    "createHeed's farewell.send answered no outcome of a message: it counts as unknown. Answer one, as mailer.send does.",
    { code: "farewell-unanswered" },
  );
