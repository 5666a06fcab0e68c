import type { Row } from "@heed/core/storage";
import type { company } from "./people.ts";

export const start = "2026-01-15T12:00:00.000Z";
export const dayMs = 86_400_000;
export const reviewAt = "2027-01-15T12:00:00.000Z";
export const order = { reason: "case-17", orderedBy: "general-counsel", reviewAt } as const;
export const erasure = { right: "erasure", identity: "signed-in" } as const;
export const anna = { email: "canary.anna@example.org" };
export const bo = { email: "canary.bo@example.org" };

type Company = ReturnType<typeof company>;

export const openSteps = async (test: Company): Promise<readonly Row<"steps">[]> =>
  (await test.rows("steps")).filter((row) => row.endedAt === null);

export const stepOf = (
  rows: readonly Row<"steps">[],
  processor: string,
  operation = "erase",
): Row<"steps"> | undefined => rows.find((row) => row.processor === processor && row.operation === operation);

/** What is left of somebody anywhere. */
export function leftOf({ crm, billing, app }: Company, { email }: { email: string }) {
  return {
    crm: crm.find(email).length,
    cards: billing.find(email).reduce((sum, { cards }) => sum + cards, 0),
    app: app.has(email),
  };
}
export const all = { crm: 1, cards: 1, app: true };
export const nothing = { crm: 0, cards: 0, app: false };
