import { describe, expect, it } from "vitest";
import { noEvidence, openShop } from "../../test/shop.ts";

const anna = { email: "anna@example.org" };

describe("the order of a subject's steps", () => {
  it("is the order in which they were asked for, also within one instant", async () => {
    const { heed, rows } = openShop();
    const evidence = noEvidence;
    await heed.subscriptions.subscribe({ subject: anna, topic: "product-news", evidence });
    await heed.subscriptions.subscribe({ subject: anna, topic: "events", evidence });
    await heed.requests.open({ right: "withdrawal", subject: anna, identity: "signed-in", purpose: "news" });
    const erasure = await heed.requests.open({ right: "erasure", subject: anna, identity: "signed-in" });
    const steps = await rows("steps");
    const seqs = steps.map((step) => step.seq);
    expect(new Set(seqs).size).toBe(seqs.length);
    const erasing = steps.filter((step) => step.requestId === erasure.id).map((step) => step.seq);
    const open = steps.filter((step) => step.endedAt === null && step.requestId !== erasure.id);
    expect(open.length).toBeGreaterThan(0);
    expect(Math.max(...open.map((step) => step.seq))).toBeLessThan(Math.min(...erasing));
  });
});
