import { inspect } from "node:util";
import { definePolicy, type Evidence, keyring, newKey, type ProcessorV1 } from "@heed/core";
import { verifyReceipt } from "@heed/core/evidence";
import { createTestHeed, type VirtualClock, virtualClock } from "@heed/testing";
import { expect } from "vitest";

const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  recipients: { pay: { role: "processor", country: "NL" } },
  purposes: {},
  topics: {},
});

/** Time that passes by itself while nothing else goes on. */
export const clockOf = (): VirtualClock => virtualClock("2026-01-15T12:00:00.000Z", { autoAdvance: true });

/** A company with one payment processor, carried out by the real engine. */
export function companyWith(
  // oxlint-disable-next-line typescript/no-explicit-any -- a processor of any kind and bucket
  pay: ProcessorV1<any, never, any>,
  clock: VirtualClock = clockOf(),
) {
  const keys = keyring(newKey());
  const { heed, settle, search } = createTestHeed({ policy, processors: { pay }, clock, keys });
  const failures: string[] = [];
  heed.on("work.failed", ({ error }) => void failures.push(inspect(error, { depth: 10 })));
  const requestOf = async (id: string, operation: string) => {
    const { steps, state } = await heed.requests.get(id);
    return { state, step: steps.find((step) => step.processor === "pay" && step.operation === operation) };
  };
  return {
    heed,
    clock,
    settle,
    /** What `work.failed` told, in full. */
    failures,
    /** The person stopped paying: their tokens are to be forgotten. */
    paidServiceEnded: async (subject: Readonly<Record<string, string | readonly string[]>>) =>
      (await heed.paidService.ended({ subject: { accountId: "account-4711", ...subject } })).id,
    stepOf: async (id: string, operation = "forgetTokens") => (await requestOf(id, operation)).step,
    /** What is kept as proof of a closed request: evidence and receipt, which holds offline. They name nobody. */
    async proofOf(id: string, operation = "forgetTokens") {
      const evidence = (await heed.requests.evidence(id)).map(({ entry }: Evidence) => entry);
      const settled = evidence.find(
        (entry) => entry.kind === "step.settled" && entry.operation === operation,
      );
      const receipt = await heed.requests.receipt(id);
      expect(verifyReceipt(receipt, keys.publicKeys())).not.toHaveLength(0);
      for (const personal of ["canary", "account-4711"]) {
        expect(await search(personal)).toEqual([]);
        expect(JSON.stringify(receipt)).not.toMatch(new RegExp(personal, "i"));
      }
      return { settled, summary: receipt.summary };
    },
  };
}
