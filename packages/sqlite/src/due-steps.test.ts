import { describe, expect, it } from "vitest";
import { planOf } from "../test/plan.ts";
import { dueInLane, nextLane, nextProcessor } from "./due-steps.ts";

describe("the plan", () => {
  it("for due steps reads the index from its beginning, and sorts nothing", async () => {
    const steps = await planOf(nextProcessor, nextLane, dueInLane);
    expect(steps).toHaveLength(3);
    for (const step of steps)
      expect(step).toMatch(/^SEARCH heed_steps USING (COVERING )?INDEX heed_steps_due/);
  });
});
