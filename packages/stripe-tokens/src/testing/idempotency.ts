import { StripeFailure } from "./stripe-failure.ts";

/** An answer as it is kept and replayed. */
export interface KeptAnswer {
  readonly status: number;
  readonly body: object;
}

const keptForMs = 24 * 60 * 60 * 1000;

/**
 * Stripe keeps the first answer under each idempotency key for a day, whether it was a success or a 500, and
 * gives it again to whoever repeats the key.
 *
 * @see https://docs.stripe.com/api/idempotent_requests
 */
export function idempotency(now: () => Date) {
  const kept = new Map<string, KeptAnswer & { readonly asked: string; readonly at: number }>();
  return {
    keep(key: string, asked: string, answer: KeptAnswer): void {
      kept.set(key, { ...answer, asked, at: now().getTime() });
    },
    /** The kept answer. Throws when the key was used for another request. */
    replay(key: string, asked: string): KeptAnswer | undefined {
      const answer = kept.get(key);
      if (answer === undefined || answer.at + keptForMs <= now().getTime()) return undefined;
      if (answer.asked === asked) return answer;
      throw new StripeFailure(400, {
        type: "idempotency_error",
        message:
          "Keys for idempotent requests can only be used with the same parameters they were first used with.",
      });
    },
  };
}
