import { createHeed, definePolicy, ephemeralKeys, memory, ownData } from "@heed/core";
const email = "anna@example.org";
const users = new Map([[email, { name: "Anna" }]]);
const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  recipients: { app: { role: "own", country: "SE" } },
  purposes: { news: { basis: "consent" } },
  topics: { "product-news": { class: "marketing", purpose: "news" } },
});
const app = ownData({ by: "email", erase: async (e) => users.delete(e), holds: async (e) => users.has(e) });
const heed = createHeed({ policy, storage: memory(), keys: ephemeralKeys(), processors: { app } });
const { id } = await heed.requests.open({ right: "erasure", subject: { email }, identity: "signed-in" });
await heed.work.drain();
const { state, steps } = await heed.requests.get(id);
for (const step of steps) console.log(state, step.processor, step.state, `read back: ${step.finding}`);
