import { definePolicy, keyring, newKey } from "@heed/core";
import { createTestHeed } from "@heed/testing";
import { accountWithEngine } from "./engine.ts";

const policy = definePolicy({
  controller: { name: "Acme SRL", country: "RO", contact: "privacy@acme.example" },
  recipients: { payments: { role: "processor", country: "US", transferTool: "scc" } },
  purposes: {},
  topics: {},
});

/** A shop whose one processor is an account in the same process, on a virtual clock. Nobody has bought anything yet. */
export function openShop(...given: Parameters<typeof accountWithEngine>) {
  const { account, clock, processor } = accountWithEngine(...given);
  const keys = keyring(newKey());
  return { account, keys, ...createTestHeed({ policy, clock, keys, processors: { payments: processor } }) };
}
