import { parseIdentifier } from "@heed/core/contract";

/** What waits in one mailer for a free connection. It has no permit yet, and asks for one when its turn comes. */
export interface MailQueue {
  /**
   * How many messages to this address wait, in whatever letter case it was written.
   * @param topics only of these; default: of any
   */
  waiting(email: string, topics?: readonly string[]): number;
  /** Takes them out: each `send` resolves as `blocked`, because `suppressed`. Answers how many there were. */
  drop(email: string, topics?: readonly string[]): number;
}

/** Somebody's turn that is waited for. */
interface Waiting<T> {
  readonly topic: string;
  readonly address: string;
  readonly turn: (given: T) => void;
}

/** First come, first served. `dropped` is what whoever is taken out is given. */
export class WaitingLine<T> implements MailQueue {
  readonly #dropped: T;
  #waiting: Waiting<T>[] = [];

  constructor(dropped: T) {
    this.#dropped = dropped;
  }

  join({ topic, to }: { readonly topic: string; readonly to: string }): Promise<T> {
    return new Promise((turn) => this.#waiting.push({ topic, address: canonical(to), turn }));
  }

  /** The turn of whoever came first. */
  next(): ((given: T) => void) | undefined {
    return this.#waiting.shift()?.turn;
  }

  waiting(email: string, topics?: readonly string[]): number {
    return this.#waiting.filter(those(email, topics)).length;
  }

  drop(email: string, topics?: readonly string[]): number {
    const isOne = those(email, topics);
    const dropped = this.#waiting.filter((each) => isOne(each));
    this.#waiting = this.#waiting.filter((each) => !isOne(each));
    for (const { turn } of dropped) turn(this.#dropped);
    return dropped.length;
  }
}

const canonical = (email: string): string => parseIdentifier("email", email).canonical;

function those(email: string, topics: readonly string[] | undefined) {
  const wanted = canonical(email);
  return ({ topic, address }: { readonly topic: string; readonly address: string }): boolean =>
    address === wanted && (topics?.includes(topic) ?? true);
}
