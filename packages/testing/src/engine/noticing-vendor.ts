import { TamperedEvidenceError, UnavailableError } from "@heed/core";
import {
  each,
  type Call,
  type Finding,
  type Observation,
  type Outcome,
  type ProcessorV1,
  type Sighting,
} from "@heed/core/contract";
import type { Clock } from "@heed/core/contract";

/** What the vendor has of one topic, and who made it so. */
interface Preference {
  readonly saw: "opted-out" | "opted-in";
  readonly at: string;
  readonly own: boolean;
}

const signature = "as-agreed";

/** A webhook as this vendor sends it. */
export function signed(sightings: readonly Sighting[], by = signature): Request {
  return new Request("https://heed.example/webhooks/crm", {
    method: "POST",
    headers: { "x-signature": by },
    body: JSON.stringify(sightings),
  });
}

/**
 * A vendor where people choose for themselves, and which tells of every change by a webhook that names its own id
 * alone: late, twice and in any order, as the test delivers them.
 */
export function noticingVendor(clock: Clock, topics: readonly string[]) {
  const contacts = new Map<string, { readonly emails: readonly string[] }>();
  const preferences = new Map<string, Preference>();
  const past = new Map<string, readonly Preference[]>();
  const notices: Sighting[] = [];
  const looks: string[][] = [];
  const forgotten = new Set<string>();
  let isDown = false;
  let count = 0;

  const keyOf = (id: string, topic: string) => `${id} ${topic}`;
  const idsOf = (call: Pick<Call, "identifiers">) =>
    [...contacts].flatMap(([id, { emails }]) =>
      call.identifiers.some(({ kind, value }) =>
        kind === "contactId" ? value === id : emails.includes(value.toLowerCase()),
      )
        ? [id]
        : [],
    );

  /** @returns whether that changed anything: only then does the vendor tell of it */
  function set(id: string, topic: string, saw: Preference["saw"], own: boolean): boolean {
    const before = preferences.get(keyOf(id, topic));
    if (before?.saw === saw) return false;
    if (before !== undefined) past.set(keyOf(id, topic), [...(past.get(keyOf(id, topic)) ?? []), before]);
    const at = clock.now().toISOString();
    preferences.set(keyOf(id, topic), { saw, at, own });
    count += 1;
    const subject = [{ kind: "contactId", value: id }];
    notices.push({ id: `notice-${count}-of-${id}`, claimedAt: at, subject, saw, topics: [topic] });
    return true;
  }

  function up(): void {
    if (isDown) throw new UnavailableError("down", { processor: "crm", operation: "check" });
  }

  const tell = (saw: Preference["saw"]) =>
    each(async (call: Call<"subscribe" | "unsubscribe", "email" | "contactId">, context) => {
      await context.turn("calls");
      up();
      let affected = 0;
      for (const id of idsOf(call)) {
        for (const topic of call.input.topics === "all" ? topics : call.input.topics) {
          const now = preferences.get(keyOf(id, topic));
          // Whoever said no there since then has the last word.
          const stands = now?.saw === "opted-out" && !now.own;
          if (saw === "opted-in" && stands && "givenAt" in call.input && now.at >= call.input.givenAt)
            return { status: "manual", instruction: "They said no here since." } as const;
          if (set(id, topic, saw, true)) affected += 1;
        }
      }
      return { status: "done", affected } satisfies Outcome<"unsubscribe">;
    });
  const isSo = (saw: Preference["saw"]) =>
    each(
      async (call: Call<"subscribe" | "unsubscribe", "email" | "contactId">, context): Promise<Finding> => {
        await context.turn("calls");
        up();
        const asked = call.input.topics === "all" ? topics : call.input.topics;
        const all = idsOf(call).every((id) =>
          asked.every((topic) => preferences.get(keyOf(id, topic))?.saw === saw),
        );
        return { seen: all ? "as-asked" : "not-as-asked" };
      },
    );
  const base = { batchSize: 10, repeat: "safe", settlingMs: 0 } as const;
  const processor: ProcessorV1<"email" | "contactId", string, "calls"> = {
    specificationVersion: "v1",
    name: "noticing",
    account: "account-1",
    identifiers: { email: /@/, contactId: /^c\d+$/ },
    topics: Object.fromEntries(topics.map((topic) => [topic, {}])),
    limits: { calls: { calls: 1000, perMs: 1000, burst: 500, delayMs: 0 } },
    operations: {
      subscribe: { ...base, run: tell("opted-in"), verify: isSo("opted-in") },
      unsubscribe: { ...base, run: tell("opted-out"), verify: isSo("opted-out") },
      forgetTokens: {
        ...base,
        matches: "several",
        run: each(async (call, context) => {
          await context.turn("calls");
          for (const id of idsOf(call)) forgotten.add(id);
          return { status: "done", affected: idsOf(call).length };
        }),
        verify: each(async (call, context) => {
          await context.turn("calls");
          return { seen: idsOf(call).every((id) => forgotten.has(id)) ? "as-asked" : "not-as-asked" };
        }),
      },
      observe: {
        ...base,
        run: async (calls, context) => {
          await context.turn("calls");
          up();
          looks.push(calls.flatMap(idsOf));
          return new Map(
            calls.map((call): [string, Observation | { status: "absent" }] => {
              const [id] = idsOf(call);
              const contact = id === undefined ? undefined : contacts.get(id);
              if (id === undefined || contact === undefined) return [call.id, { status: "absent" }];
              const choices = topics.flatMap((topic) => {
                const has = preferences.get(keyOf(id, topic));
                const had = past.get(keyOf(id, topic)) ?? [];
                return [
                  ...had.map((each) => ({ ...each, topics: [topic], over: true })),
                  ...(has === undefined ? [] : [{ ...has, topics: [topic] }]),
                ];
              });
              const addresses = contact.emails.map((value) => ({ kind: "email", value }));
              return [call.id, { status: "done", choices, addresses }];
            }),
          );
        },
        verify: { acknowledgedOnly: "It only looks." },
      },
    },
    check: async () => ({ account: "account-1", lacks: [], unknownTopics: [] }),
    webhook: async (request) => {
      if (request.headers.get("x-signature") !== signature)
        throw new TamperedEvidenceError("The webhook is not signed by this vendor.");
      return (await request.json()) as readonly Sighting[];
    },
  };
  return {
    processor,
    contacts,
    notices,
    /** The contacts of each look. */
    looks,
    /** Contacts whose tokens it has forgotten. */
    forgotten,
    add: (id: string, ...emails: readonly string[]) => void contacts.set(id, { emails }),
    /** Somebody presses a button there. */
    press: (id: string, topic: string, saw: Preference["saw"]) => set(id, topic, saw, false),
    has: (id: string, topic: string) => preferences.get(keyOf(id, topic))?.saw,
    outage: (down: boolean) => void (isDown = down),
  };
}
