import { describe, expect, it } from "vitest";
import { stepRow } from "../../test/step-row.ts";
import type { Call } from "../contract/operation.ts";
import { afterHold } from "./seen-done.ts";

const input = { suppress: true, keep: [] };
const identifiers: Call["identifiers"] = [{ kind: "email", value: "anna@example.org" }];

function under(finding: string | null, ranBefore: boolean) {
  const step = stepRow({ state: "running", finding });
  const call = { id: step.id, operation: "erase", input, identifiers, targets: [] } as const;
  return afterHold({ step, call, ranBefore });
}

describe("afterHold", () => {
  it("waits with whatever may destroy yet, and reads back what was seen to be gone", () => {
    const held = { to: "again", phase: "run", because: "legal-hold", counts: false };
    expect(under(null, false)).toMatchObject(held);
    expect(under(null, true)).toMatchObject(held);
    expect(under("not-as-asked", true)).toMatchObject(held);
    expect(under("as-asked", false)).toMatchObject(held);
    expect(under("as-asked", true)).toEqual({ to: "verify", dueInMs: 0, because: "answer-lost" });
  });
});
