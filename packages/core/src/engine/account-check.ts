import type { HeedContext } from "../context.ts";
import type { Checked, ProcessorV1 } from "../contract/processor.ts";
import { slowDown, type BatchSettings } from "./ask.ts";
import { UnavailableError } from "../errors/unavailable-error.ts";
import { withTimeLimit } from "./time-limit.ts";
import { accountRefusedWaitMs, backoffMs, troubleOf, type Trouble } from "./trouble.ts";
import { callChannel, traced, type CallTrace } from "./tracing.ts";
import { lend, noTurns, type Turns } from "./turns.ts";

const validForMs = 3_600_000;
/** Somebody may be mending what is lacking. */
const lackingForMs = 60_000;

/** What is known of a processor's account. */
export type AccountState =
  | { readonly proven: true; readonly checked: Checked }
  | { readonly proven: false; readonly because: string; readonly retryInMs: number };

/**
 * Proves accounts before they are used, and remembers it for an hour. "Not found" means absent only at an
 * account that is proven to be the right one.
 */
export class AccountChecks {
  readonly #context: HeedContext;
  readonly #settings: BatchSettings;
  readonly #known = new Map<string, { until: number; state: Promise<AccountState> }>();

  constructor(context: HeedContext, settings: BatchSettings) {
    this.#context = context;
    this.#settings = settings;
  }

  async prove(id: string, processor: ProcessorV1): Promise<AccountState> {
    const now = this.#context.clock.now().getTime();
    const known = this.#known.get(id);
    if (known !== undefined && known.until > now) return known.state;
    const state = this.#check(id, processor);
    this.#known.set(id, { until: now + validForMs, state });
    // What nobody could find out is asked again: a storage that failed just then says nothing of the account.
    const settled = await state.catch((error: unknown) => {
      this.#known.delete(id);
      throw error;
    });
    if (!settled.proven) this.#known.delete(id);
    else if (settled.checked.lacks.length > 0 || settled.checked.unknownTopics.length > 0)
      this.#known.set(id, { until: now + lackingForMs, state });
    return settled;
  }

  /** The account answered strangely: prove it again before the next use. */
  forget(id: string): void {
    this.#known.delete(id);
  }

  async #check(id: string, processor: ProcessorV1): Promise<AccountState> {
    const { namespace } = this.#context;
    const trace: CallTrace = { namespace, processor: id, operation: "check", question: "check", calls: 0 };
    return traced(callChannel, trace, async (trace) => {
      const turns = noTurns();
      const state = await this.#ask(id, processor, turns);
      trace.turns = turns.granted;
      if (!state.proven) trace.trouble = state.because;
      return state;
    });
  }

  async #ask(id: string, processor: ProcessorV1, turns: Turns): Promise<AccountState> {
    const { callTimeoutMs, leaseMs } = this.#settings;
    const onTimeout = () =>
      new UnavailableError(`"${processor.name}" gave no answer within ${callTimeoutMs} ms.`, {
        processor: processor.name,
        operation: "check",
      });
    try {
      // An opt-out may wait for it.
      const lender = { context: this.#context, processor, question: "check", leaseMs, lane: 0 } as const;
      const checked = await withTimeLimit(this.#context.clock, callTimeoutMs, onTimeout, (limit) =>
        processor.check(lend(lender, turns, limit)),
      );
      if (checked.account === processor.account) return { proven: true, checked };
      return { proven: false, because: "wrong-account", retryInMs: accountRefusedWaitMs };
    } catch (error) {
      const trouble = troubleOf(error);
      await slowDown({ context: this.#context, processor }, trouble, turns);
      const state = refusal(trouble);
      if (!state.proven && state.because === "adapter-failed")
        this.#context.hub.emit("work.failed", { error, processor: id, operation: "check" });
      return state;
    }
  }
}

function refusal(trouble: Trouble): AccountState {
  switch (trouble.kind) {
    case "rate-limited":
      return { proven: false, because: "rate-limited", retryInMs: trouble.retryAfterMs };
    case "account-refused":
    case "rejected":
      return { proven: false, because: "account-refused", retryInMs: accountRefusedWaitMs };
    case "lease-lost":
    case "stopped":
      return { proven: false, because: "unavailable", retryInMs: backoffMs(0) };
    case "unavailable":
      return { proven: false, because: trouble.because, retryInMs: backoffMs(2) };
    default: {
      const never: never = trouble;
      return never;
    }
  }
}
