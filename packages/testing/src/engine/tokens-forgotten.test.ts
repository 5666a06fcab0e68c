import { UnavailableError } from "@heed/core";
import type { InputOf } from "@heed/core/contract";
import { describe, expect, it } from "vitest";
import { anna, bo, erasure } from "./held.ts";
import { company } from "./people.ts";

const forgetTokens = { at: "run", operation: "forgetTokens" } as const;

/** A company whose payment processor erases too, and what that was told of tokens. */
function shop() {
  const test = company({ billing: { operations: ["forgetTokens", "erase"] } });
  const { heed, person, settle } = test;
  return {
    ...test,
    async erased(cards = 1) {
      person(anna.email, { cards });
      await heed.requests.open({ ...erasure, subject: anna });
      await settle();
    },
    told: (by: "billing" | "crm" = "billing") =>
      test[by].calls
        .filter(({ at, operation }) => at === "run" && operation === "erase")
        .map(({ input }) => (input as InputOf["erase"]).tokensForgotten ?? false),
  };
}

describe("whoever erases, after tokens were forgotten there", () => {
  it.each([
    ["some", 2, true],
    ["none", 0, false],
  ] as const)("is told so, where there were %s", async (_how, cards, isTold) => {
    const test = shop();
    await test.erased(cards);
    expect(test.billing.find(anna.email)).toEqual([]);
    expect(test.told()).toEqual([isTold]);
    expect(test.told("crm")).toEqual([false]);
  });

  it("is told so where nobody heard how many", async () => {
    const test = shop();
    const about = { processor: "billing", operation: "forgetTokens" } as const;
    test.billing.fault({ ...forgetTokens, loses: new UnavailableError("cut", about), times: 1 });
    await test.erased();
    expect(test.told()).toEqual([true]);
  });

  it.each([
    ["run", { status: "manual", instruction: "By hand." }, "by-hand"],
    [
      "resolve",
      {
        targets: [{ kind: "record", id: "cus", via: { kind: "email", value: anna.email }, verified: false }],
      },
      "unverified-match",
    ],
  ] as const)(
    "is told so where its %s was left to a human, who says that it was done",
    async (at, answers, because) => {
      const test = shop();
      test.billing.fault({ ...forgetTokens, at, answers });
      // What comes next waits for nobody: it is to be late.
      test.billing.fault({
        at: "resolve",
        operation: "erase",
        throws: new UnavailableError("down", { processor: "billing", operation: "erase" }),
        times: 3,
      });
      test.person(anna.email);
      await test.heed.requests.open({ ...erasure, subject: anna });
      await test.heed.work.drain();
      const [parked] = await test.heed.steps.parked();
      expect(parked).toMatchObject({ operation: "forgetTokens", because });
      await test.heed.steps.acknowledge(parked?.id ?? "");
      await test.settle();
      expect(test.told()).toEqual([true]);
    },
  );

  it("is told nothing of what was forgotten for somebody else", async () => {
    const test = shop();
    test.person(bo.email);
    await test.heed.requests.open({ right: "forget-tokens", identity: "signed-in", subject: bo });
    await test.erased(0);
    expect(test.told()).toEqual([false]);
  });
});
