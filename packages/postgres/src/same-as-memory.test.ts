import { sameAsMemory } from "@heed/testing/private";
import { expect, inject, it, onTestFinished } from "vitest";
import { postgres } from "./postgres.ts";

it("answers every series of transactions as memory does", { timeout: 120_000 }, async () => {
  const storage = postgres({ connectionString: inject("postgres").url, schema: "same", migrate: true });
  onTestFinished(() => storage.close());
  await sameAsMemory(storage, 300);
  expect(storage.durable).toBe(true);
});
