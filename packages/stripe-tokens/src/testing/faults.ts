/**
 * What goes wrong with a call:
 *
 * - a number: Stripe answers this status, and quotes what it was sent, as some of its errors do
 * - `rate-limit`, `lock-timeout`: 429, with and without a reason in the headers
 * - `garbage`, `wrong-shape`: it takes effect, and the answer is a web page, or JSON of another shape
 * - `pretend`: the answer says that it took effect, and nothing changed
 * - `drop-before`, `drop-after`: the connection breaks before or after it takes effect
 * - `hang`: no answer ever comes, and nothing changes
 */
export type Fault =
  | number
  | "rate-limit"
  | "lock-timeout"
  | "garbage"
  | "wrong-shape"
  | "pretend"
  | "drop-before"
  | "drop-after"
  | "hang";

/** Something that is to happen at coming calls to an endpoint (`"*"`: at any). */
interface Planned<T> {
  readonly endpoint: string;
  readonly what: T;
  skip: number;
  times: number;
}

/** How often: after letting `skip` calls pass (default 0), `times` times (default 1). */
export interface When {
  readonly times?: number;
  readonly skip?: number;
}

/** What is planned to happen, in the order in which it was planned. */
export function plans<T>() {
  const planned: Planned<T>[] = [];
  return {
    add(endpoint: string, what: T, { times = 1, skip = 0 }: When = {}): void {
      planned.push({ endpoint, what, times, skip });
    },
    /** Nothing that was planned happens any more. */
    clear(): void {
      planned.length = 0;
    },
    /** What is due at a call to this endpoint: the first plan that is. */
    take(endpoint: string): T | undefined {
      for (const plan of planned) {
        if (plan.endpoint !== "*" && plan.endpoint !== endpoint) continue;
        if (plan.skip > 0) {
          plan.skip -= 1;
          continue;
        }
        if (plan.times === 0) continue;
        plan.times -= 1;
        return plan.what;
      }
      return undefined;
    },
  };
}
