import { describe, expect, it } from "vitest";
import { compile } from "./compile.ts";

const policy = `
const policy = heed.definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  recipients: { crm: { role: "processor", country: "US", transferTool: "scc" } },
  purposes: { news: { basis: "consent" } },
  topics: { "product-news": { class: "marketing", purpose: "news", via: ["crm"] } },
});
declare const crm: heed.ProcessorV1<"email", "product-news", never>;
declare const unbound: heed.ProcessorV1<"email", never, never>;
const base = { policy, storage: heed.memory(), keys: heed.ephemeralKeys() };
const app = heed.createHeed({ ...base, processors: { crm } });
const subject = { email: "anna@example.org" };
const run = async () => new Map();
const rest = { controller: policy.controller, purposes: { news: { basis: "consent" } } } as const;
type Export = NonNullable<typeof crm.operations.export>;
`;

const mistakes: readonly (readonly [what: string, line: string, words: readonly string[]])[] = [
  [
    "a misspelled topic",
    `void app.subscriptions.unsubscribe({ subject, topic: "product-newz" });`,
    [`"product-newz"`, `Did you mean '"product-news"'?`],
  ],
  [
    "a misspelled identifier",
    `void app.subjects.record({ subject: { emial: "anna@example.org" } });`,
    ["'emial' does not exist", "Did you mean to write 'email'?"],
  ],
  [
    "a topic without a list at the vendor",
    `heed.createHeed({ ...base, processors: { crm: unbound } });`,
    [`"no binding for topic": "product-news"`],
  ],
  [
    "a processor that is missing",
    `heed.createHeed({ ...base, processors: {} });`,
    ["Property 'crm' is missing"],
  ],
  [
    "a processor that the policy does not name",
    `heed.createHeed({ ...base, processors: { crm, mailchimp: crm } });`,
    [`"the policy names no such recipient": "mailchimp"`],
  ],
  [
    "an operation without verify",
    `export const erase: NonNullable<typeof crm.operations.erase> = { batchSize: 1, repeat: "safe", settlingMs: 0, run };`,
    ["Property 'verify' is missing"],
  ],
  [
    "an export that answers a count",
    `export const counted: Awaited<ReturnType<Export["run"]>> = new Map([["1", { status: "done", affected: 1 }]]);`,
    ["affected"],
  ],
  [
    "a request without an identity",
    `void app.requests.open({ right: "erasure", subject });`,
    ["Property 'identity' is missing"],
  ],
  [
    "a purpose that the policy does not declare",
    `heed.definePolicy({ ...rest, topics: { events: { class: "marketing", purpose: "newz" } } });`,
    [`"newz"`, `"news"`],
  ],
];

describe("the compiler's message", async () => {
  const lines = mistakes.map(([, line]) => line).join("\n");
  const first = policy.split("\n").length + 1;
  const { errors } = await compile(policy + lines);

  it.each(mistakes)("for %s says what is wrong, once", (what, _line, words) => {
    const at = first + mistakes.findIndex(([each]) => each === what);
    const own = errors.filter((error) => error.includes(`main.mts(${at},`));
    expect(own).toHaveLength(1);
    for (const word of words) expect(own[0]).toContain(word);
  });

  it("is none for anything else", async () => {
    expect(errors).toHaveLength(mistakes.length);
    const right = `void app.subscriptions.unsubscribe({ subject, topic: "product-news" });`;
    expect((await compile(policy + right)).errors).toEqual([]);
  });
});

describe("a policy of 50 purposes and 100 topics with 400 calls", () => {
  const purposes = Array.from({ length: 50 }, (_, n) => `"purpose-${n}": { basis: "consent" }`);
  const topics = Array.from(
    { length: 100 },
    (_, n) => `"topic-${n}": { class: "marketing", purpose: "purpose-${n % 50}", via: ["crm"] }`,
  );
  const calls = Array.from({ length: 400 }, (_, n) => {
    const topic = `subject, topic: "topic-${n % 100}"`;
    switch (n % 4) {
      case 0:
        return `void app.subscriptions.subscribe({ ${topic}, evidence: { none: true } });`;
      case 1:
        return `void app.subscriptions.unsubscribe({ ${topic} });`;
      case 2:
        return `void app.consent.withdraw({ subject, purpose: "purpose-${n % 50}" });`;
      default:
        return `void app.permits.take({ topic: "topic-${n % 100}", email: subject.email, messageKey: "${n}" });`;
    }
  });
  const large = `
const policy = heed.definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  recipients: { crm: { role: "processor", country: "SE" } },
  purposes: { ${purposes.join(",\n")} },
  topics: { ${topics.join(",\n")} },
});
declare const crm: heed.ProcessorV1<"email", \`topic-\${number}\` | ${topics.map((_, n) => `"topic-${n}"`).join(" | ")}, never>;
const app = heed.createHeed({ policy, storage: heed.memory(), keys: heed.ephemeralKeys(), processors: { crm } });
const subject = { email: "anna@example.org" };
`;

  it("compiles, in hardly more time than the imports alone", { timeout: 120_000 }, async () => {
    const alone = await compile("");
    const { errors, checkSeconds } = await compile(large + calls.join("\n"));
    expect(errors).toEqual([]);
    // For the reader of the run: a machine's speed is nothing to assert.
    console.info(`check time ${checkSeconds} s; imports alone ${alone.checkSeconds} s`);
  });

  it("does not compile with one call of the 400 misspelled", { timeout: 60_000 }, async () => {
    const misspelled = calls.with(101, calls[101]?.replace("topic-1", "topik-1") ?? "");
    const { errors } = await compile(large + misspelled.join("\n"));
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain('"topik-1"');
  });
});
