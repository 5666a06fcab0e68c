import type {
  Call,
  CallContext,
  Finding,
  FoundTarget,
  InputOf,
  OperationName,
  Outcome,
  Retained,
} from "@heed/core/contract";
import type { StripeBucket, StripeKind, StripeProcessor } from "../src/index.ts";
import { type StripeAccount, type StripeSwitches, stripeAccount } from "../src/testing/index.ts";

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

/** What is not established about Stripe, one way and the other. */
export const eitherWay: readonly (readonly [named: string, switches: StripeSwitches])[] = [
  ["as it seems", {}],
  [
    "the other way",
    {
      sessionsIgnoreCase: true,
      danglingDefaults: false,
      legacyAmongMethods: false,
      detachedAgainCode: "payment_method_unexpected_state",
      unknownCustomer: 404,
      deletedListable: false,
      deletedKeepMethods: false,
      subListSize: 1,
      redactsDeleted: false,
    },
  ],
];

type Named = { readonly [K in StripeKind]?: string | readonly string[] };

interface Given {
  readonly id?: string;
  readonly targets?: Call["targets"];
  readonly reference?: string;
}

export function callOf<N extends OperationName>(
  operation: N,
  input: InputOf[N],
  named: Named,
  { id = "call", targets = [], reference }: Given = {},
): Call<N, StripeKind> {
  const [first, ...others] = (["stripeCustomerId", "stripeAccountId", "email"] as const).flatMap((kind) =>
    [named[kind] ?? []].flat().map((value) => ({ kind, value })),
  );
  if (first === undefined) throw new TypeError("A call names at least one identifier.");
  const identifiers = [first, ...others] as const;
  return {
    id,
    operation,
    input,
    identifiers: [...identifiers],
    targets,
    ...(reference === undefined ? {} : { reference }),
  };
}

export function forgetCall(
  named: Named,
  given: Given & {
    readonly keep?: readonly Retained[];
    readonly endsPaidService?: "allowed" | "refused";
  } = {},
): Call<"forgetTokens", StripeKind> {
  const { keep = [], endsPaidService = "refused" } = given;
  return callOf("forgetTokens", { endsPaidService, keep }, named, given);
}

export function eraseCall(
  named: Named,
  given: Given & { readonly keep?: readonly Retained[]; readonly tokensForgotten?: true } = {},
): Call<"erase", StripeKind> {
  const { keep = [], tokensForgotten } = given;
  const forgotten = tokensForgotten === undefined ? {} : { tokensForgotten };
  return callOf("erase", { suppress: true, keep, ...forgotten }, named, given);
}

/** The phases of an operation, all of which must be there. */
export function phasesOf<N extends OperationName>(processor: StripeProcessor, name: N) {
  const operation = processor.operations[name];
  if (operation?.resolve === undefined) throw new TypeError("incomplete");
  const { resolve, guard, run, verify } = operation;
  const ask = <T>(question: T | undefined): T => {
    if (question === undefined) throw new TypeError("incomplete");
    return question;
  };
  return {
    resolve,
    run,
    get guard() {
      return ask(guard);
    },
    get verify() {
      if (typeof verify !== "function") throw new TypeError("nothing is read back");
      return verify;
    },
  };
}

export const forgetOf = (processor: StripeProcessor) => phasesOf(processor, "forgetTokens");
export const eraseOf = (processor: StripeProcessor) => phasesOf(processor, "erase");

/** What the engine does for one subject: resolve, guard, run, verify. */
export async function carryOut<N extends "forgetTokens" | "erase">(
  processor: StripeProcessor,
  { context }: Pick<World, "context">,
  call: Call<N, StripeKind>,
): Promise<{
  targets: readonly FoundTarget[];
  blockedBy?: string;
  outcome?: Outcome<N>;
  finding?: Finding;
}> {
  const { resolve, guard, run, verify } = phasesOf(processor, call.operation);
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

/** The ids of the targets that are customers or accounts. */
export function ownersIn(targets: readonly FoundTarget[] | undefined): readonly string[] {
  return (targets ?? [])
    .filter(({ kind }) => kind === "customer" || kind === "customer-account")
    .map(({ id }) => id);
}

/** Everything a customer has, as text: two of these are equal only if nothing at all changed. */
export function everythingOf(account: StripeAccount, customer: string): string {
  return JSON.stringify(account.objectsOf(customer));
}

/** A customer as Stripe lists it, who has nothing. */
export function emptyCustomer(id: string, email: string) {
  const none = { object: "list", data: [], has_more: false };
  const defaults = { default_source: null, invoice_settings: { default_payment_method: null } };
  return { id, object: "customer", livemode: false, email, ...defaults, sources: none, subscriptions: none };
}
