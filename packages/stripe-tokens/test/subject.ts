import type { Call, CallContext, Finding, FoundTarget, Outcome, Retained } from "@heed/core/contract";
import type { StripeBucket, stripeTokens } from "../src/index.ts";
import { type StripeAccount, type StripeSwitches, stripeAccount } from "../src/testing/index.ts";

type Processor = ReturnType<typeof stripeTokens>;
type Kind = "email" | "stripeCustomerId";
type ForgetCall = Call<"forgetTokens", Kind>;

/** An account on a clock that each turn moves on, as fast as test mode allows. */
export function accountWithTurns(switches: StripeSwitches = {}) {
  const clock = { ms: Date.parse("2026-03-01T10:00:00Z") };
  const now = () => new Date(clock.ms);
  const account = stripeAccount({ now, ...switches });
  const turns: StripeBucket[][] = [];
  const aborter = new AbortController();
  const context: CallContext<StripeBucket> = {
    turn: (...buckets) => {
      turns.push([...buckets]);
      clock.ms += 50;
      return aborter.signal.aborted ? Promise.reject(aborter.signal.reason) : Promise.resolve();
    },
    signal: aborter.signal,
    now,
  };
  return { account, clock, context, turns, aborter };
}

export type World = ReturnType<typeof accountWithTurns>;

export function forgetCall(
  named: { readonly [K in Kind]?: string | readonly string[] },
  given: { id?: string; keep?: readonly Retained[]; targets?: ForgetCall["targets"] } = {},
): ForgetCall {
  const [first, ...others] = (["stripeCustomerId", "email"] as const).flatMap((kind) =>
    [named[kind] ?? []].flat().map((value) => ({ kind, value })),
  );
  if (first === undefined) throw new TypeError("A call names at least one identifier.");
  return {
    id: given.id ?? "call",
    operation: "forgetTokens",
    input: { endsPaidService: "refused", keep: given.keep ?? [] },
    identifiers: [first, ...others],
    targets: given.targets ?? [],
  };
}

export function forgetOf(processor: Processor) {
  const operation = processor.operations.forgetTokens;
  if (operation?.resolve === undefined || operation.guard === undefined) throw new TypeError("incomplete");
  if (typeof operation.verify !== "function") throw new TypeError("nothing is read back");
  return { resolve: operation.resolve, guard: operation.guard, run: operation.run, verify: operation.verify };
}

/** What the engine does for one subject: resolve, guard, run, verify. */
export async function carryOut(
  processor: Processor,
  { context }: Pick<World, "context">,
  call: ForgetCall,
): Promise<{
  targets: readonly FoundTarget[];
  blockedBy?: string;
  outcome?: Outcome<"forgetTokens">;
  finding?: Finding;
}> {
  const { resolve, guard, run, verify } = forgetOf(processor);
  const targets = (await resolve([call], context)).get(call.id)?.targets ?? [];
  const resolved = { ...call, targets };
  const clearance = (await guard([resolved], context)).get(call.id);
  if (clearance === undefined || "blockedBy" in clearance) {
    return { targets, blockedBy: clearance?.blockedBy ?? "nothing was answered" };
  }
  const outcome = (await run([resolved], context)).get(call.id);
  const finding = (await verify([resolved], context)).get(call.id);
  return { targets, ...(outcome ? { outcome } : {}), ...(finding ? { finding } : {}) };
}

/** Everything a customer has, as text: two of these are equal only if nothing at all changed. */
export function everythingOf(account: StripeAccount, customer: string): string {
  return JSON.stringify(account.objectsOf(customer));
}
