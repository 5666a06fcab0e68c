import type { Call, FoundTarget, Identifier, Resolution, Target } from "@heed/core/contract";

/**
 * What a person has stored at a vendor: each customer that is theirs, and each token within it. These ids are kept,
 * sealed, before anything is destroyed.
 *
 * @param tokensOf the ids of a customer's tokens; undefined where the vendor knows no such customer
 */
export async function storedTokens(
  customers: readonly Identifier[],
  tokensOf: (customer: string) => Promise<readonly string[] | undefined>,
): Promise<Resolution> {
  const targets: FoundTarget[] = [];
  for (const via of customers) {
    const tokens = await tokensOf(via.value);
    if (tokens === undefined) continue;
    targets.push({ kind: "customer", id: via.value, via, verified: true });
    for (const id of tokens) targets.push({ kind: "token", id, within: via.value, via, verified: true });
  }
  return { targets };
}

/** A token with the customer that has it. */
export interface StoredToken {
  readonly id: string;
  readonly customer: string;
}

/** The tokens that `resolve` found. */
export function tokensIn(call: Pick<Call, "targets">): readonly StoredToken[] {
  return call.targets
    .filter(({ kind }) => kind === "token")
    .map(({ id, within = "" }: Target) => ({ id, customer: within }));
}

/** The customers that `resolve` found. */
export function customersIn(call: Pick<Call, "targets">): readonly string[] {
  return call.targets.filter(({ kind }) => kind === "customer").map(({ id }) => id);
}

/**
 * What forgetting tokens has in common at these vendors: it may be repeated, a read sees every write, and one person may
 * have several tokens.
 */
export const forgetting = { batchSize: 10, repeat: "safe", settlingMs: 0, matches: "several" } as const;

export const dayMs = 86_400_000;
