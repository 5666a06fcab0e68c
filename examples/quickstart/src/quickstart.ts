import { createHeed, definePolicy, ephemeralKeys, memory, ownData } from "@heed/core";

const users = new Map([["anna@example.org", { name: "Anna" }]]);

const heed = createHeed({
  policy: definePolicy({
    controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
    recipients: { app: { role: "own", country: "SE" } },
    purposes: { news: { basis: "consent" } },
    topics: { "product-news": { class: "marketing", purpose: "news" } },
  }),
  storage: memory(),
  keys: ephemeralKeys(),
  processors: {
    app: ownData({
      by: "email",
      erase: async (email) => users.delete(email),
      holds: async (email) => users.has(email),
    }),
  },
});

const subject = { email: "anna@example.org" };
await heed.subscriptions.subscribe({
  subject,
  topic: "product-news",
  evidence: { noticeVersion: "2026-11" },
});
await heed.subscriptions.unsubscribe({ subject, topic: "product-news" });
const permit = await heed.permits.take({
  topic: "product-news",
  email: subject.email,
  messageKey: "issue-12",
});
console.log("may we write?", permit.allowed ? "yes" : `no: ${permit.because}`);

const request = await heed.requests.open({ right: "erasure", subject, identity: "signed-in" });
await heed.work.drain();
const { state, steps } = await heed.requests.get(request.id);
console.log(
  state,
  steps.map((step) => `${step.processor}: ${step.outcome}, read back ${step.finding}`),
);
