import { type Once, runOnce, type Subject } from "@heed/core";
import type { InputOf } from "@heed/core/contract";
import { virtualClock } from "@heed/testing";
import { type StripeTokensOptions, stripeTokens } from "../src/index.ts";
import { type StripeSwitches, stripeAccount } from "../src/testing/index.ts";

/** An account and a processor on one clock, which goes on by itself while nothing is under way. */
export function accountWithEngine(
  switches: StripeSwitches = {},
  options: Partial<Omit<StripeTokensOptions, "client" | "apiKey" | "baseUrl">> = {},
) {
  const clock = virtualClock("2026-03-01T10:00:00.000Z", { autoAdvance: true });
  const account = stripeAccount({ now: () => clock.now(), ...switches });
  const client = account.client((request) => clock.during(account.answer(request)));
  const processor = stripeTokens({ client, account: account.id, ...options });
  const carryOut = <N extends "forgetTokens" | "erase" | "rectify">(
    operation: N,
    subject: Subject<"stripeCustomerId" | "stripeAccountId">,
    input?: InputOf[N],
    withinMs = 400 * 86_400_000,
  ): Promise<Once> =>
    runOnce(processor, operation, subject, { clock, withinMs, ...(input === undefined ? {} : { input }) });
  return { account, clock, processor, carryOut };
}
