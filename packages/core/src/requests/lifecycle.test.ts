import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { endedStep, stepRow } from "../../test/step-row.ts";
import { isDestructive, isFinal, ownStage, requestState } from "./lifecycle.ts";

const openStates = ["waiting", "due", "running"] as const;
const goodEnds = ["verified", "acknowledged", "superseded", "cancelled"] as const;
const humanEnds = ["failed", "manual"] as const;

const own = stepRow({ stage: ownStage, processor: "heed" });

describe("requestState", () => {
  it("is fulfilled when every step ended well, or there was nothing to do", () => {
    expect(requestState([])).toBe("fulfilled");
    expect(requestState(goodEnds.map((state) => endedStep(state)))).toBe("fulfilled");
  });

  it("is partially fulfilled when something is kept", () => {
    expect(requestState([endedStep("verified"), endedStep("retained")])).toBe("partially_fulfilled");
  });

  it("is executing while a step is open, also when another failed", () => {
    for (const state of openStates) {
      expect(requestState([endedStep("verified"), stepRow({ state })])).toBe("executing");
      expect(requestState([endedStep("failed"), stepRow({ state })])).toBe("executing");
      expect(requestState([endedStep("failed"), stepRow({ state }), own])).toBe("executing");
    }
  });

  it("awaits a human when only they can go on: heed's own data waits for them", () => {
    for (const state of humanEnds) {
      expect(requestState([endedStep(state), endedStep("verified"), own])).toBe("awaiting_manual");
      expect(requestState([endedStep(state)])).toBe("awaiting_manual");
      expect(requestState([endedStep(state), endedStep("retained")])).toBe("awaiting_manual");
    }
    expect(requestState([endedStep("verified"), own])).toBe("executing");
  });

  it("is never fulfilled while a step is open, failed or left to a human (INV-21)", () => {
    const anyStep = fc
      .tuple(
        fc.constantFrom(...openStates, ...goodEnds, ...humanEnds, "retained"),
        fc.constantFrom(0, 1, 2, 3, ownStage),
      )
      .map(([state, stage]) =>
        (openStates as readonly string[]).includes(state)
          ? stepRow({ state, stage })
          : endedStep(state, { stage }),
      );
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 8 }), (steps) => {
        const isDone = steps.every(
          (step) => step.endedAt !== null && step.state !== "failed" && step.state !== "manual",
        );
        const state = requestState(steps);
        expect(state === "fulfilled" || state === "partially_fulfilled").toBe(isDone);
        expect(isFinal(state)).toBe(isDone);
        expect(state === "partially_fulfilled").toBe(
          isDone && steps.some((step) => step.state === "retained"),
        );
      }),
    );
  });
});

describe("isFinal", () => {
  it("is true for the three ends of a request and for nothing else", () => {
    const states = [
      "awaiting_verification",
      "executing",
      "awaiting_manual",
      "fulfilled",
      "partially_fulfilled",
      "withdrawn",
    ];
    expect(states.filter((state) => isFinal(state))).toEqual([
      "fulfilled",
      "partially_fulfilled",
      "withdrawn",
    ]);
  });
});

describe("isDestructive", () => {
  it("is true for what cannot be taken back", () => {
    const names = "subscribe unsubscribe erase exclude forgetTokens export rectify restrict".split(" ");
    expect(names.filter((name) => isDestructive(name))).toEqual(["erase", "exclude", "forgetTokens"]);
  });
});
