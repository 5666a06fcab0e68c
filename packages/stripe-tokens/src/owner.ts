import type { Call, Target } from "@heed/core/contract";

/** Who holds credentials at Stripe: a customer, or an account of the v2 API that stands for one. */
export interface Owner {
  readonly kind: "customer" | "customer-account";
  readonly id: string;
}

/** The owner as a parameter of Stripe's lists. */
export function ownedBy({ kind, id }: Owner): { customer: string } | { customer_account: string } {
  return kind === "customer" ? { customer: id } : { customer_account: id };
}

/** The owners among what was found. */
export function ownersOf({ targets }: Pick<Call, "targets">): readonly Owner[] {
  return targets.flatMap(({ kind, id }) =>
    kind === "customer" || kind === "customer-account" ? [{ kind, id }] : [],
  );
}

/** The payment methods of one owner that were found earlier, with their kinds. */
export function methodsIn(targets: readonly Target[], owner: Owner): readonly Target[] {
  return targets.filter(
    ({ kind, within }) =>
      within === owner.id && (kind === "payment-method" || kind === "custom-payment-method"),
  );
}
