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

/** What it does that vendors do or do not. */
interface Habits {
  /** Whether an opt-out of an address that it does not have makes a contact. Default false. */
  readonly optOutMakesContact?: boolean;
  /** How late a look sees a new contact, in milliseconds. Default 0. */
  readonly lagMs?: number;
}

/**
 * A vendor where people choose for themselves, and which tells of every change by a webhook that names its own id
 * alone: late, twice and in any order, as the test delivers them.
 */
export function noticingVendor(
  clock: Clock,
  topics: readonly string[],
  { optOutMakesContact = false, lagMs = 0 }: Habits = {},
) {
  const contacts = new Map<string, { readonly emails: readonly string[]; readonly seenFromMs: number }>();
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

  /** A contact comes to be, or comes back, and the vendor tells of it. */
  function make(id: string, ...emails: readonly string[]): void {
    contacts.set(id, { emails, seenFromMs: clock.now().getTime() + lagMs });
    count += 1;
    notices.push({
      id: `notice-${count}-of-${id}`,
      claimedAt: clock.now().toISOString(),
      subject: [{ kind: "contactId", value: id }],
      saw: "record-stored",
    });
  }

  function up(): void {
    if (isDown) throw new UnavailableError("down", { processor: "crm", operation: "check" });
  }

  const tell = (saw: Preference["saw"]) =>
    each(async (call: Call<"subscribe" | "unsubscribe", "email" | "contactId">, context) => {
      await context.turn("calls");
      up();
      let affected = 0;
      const isUnknown = idsOf(call).length === 0 && !("onlyIfKnown" in call.input && call.input.onlyIfKnown);
      const [first] = call.identifiers;
      if (optOutMakesContact && isUnknown && saw === "opted-out") make(`c${900 + count}`, first.value);
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
  const away = each(async (call: Call<"erase" | "exclude", "email" | "contactId">, context) => {
    await context.turn("calls");
    up();
    const ids = idsOf(call);
    for (const id of ids) contacts.delete(id);
    return { status: "done", affected: ids.length } satisfies Outcome<"erase">;
  });
  const isAway = each(
    async (call: Call<"erase" | "exclude", "email" | "contactId">, context): Promise<Finding> => {
      await context.turn("calls");
      up();
      return { seen: idsOf(call).length === 0 ? "as-asked" : "not-as-asked" };
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
      erase: { ...base, matches: "several", run: away, verify: isAway },
      exclude: { ...base, matches: "several", run: away, verify: isAway },
      observe: {
        ...base,
        settlingMs: lagMs,
        run: async (calls, context) => {
          await context.turn("calls");
          up();
          looks.push(calls.flatMap(idsOf));
          return new Map(
            calls.map((call): [string, Observation | { status: "absent" }] => {
              const [id] = idsOf(call);
              const contact = id === undefined ? undefined : contacts.get(id);
              if (id === undefined || contact === undefined || contact.seenFromMs > clock.now().getTime())
                return [call.id, { status: "absent" }];
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
    /** Somebody who has been there from the start. */
    add: (id: string, ...emails: readonly string[]) => void contacts.set(id, { emails, seenFromMs: 0 }),
    make,
    /** Somebody presses a button there. */
    press: (id: string, topic: string, saw: Preference["saw"]) => set(id, topic, saw, false),
    has: (id: string, topic: string) => preferences.get(keyOf(id, topic))?.saw,
    outage: (down: boolean) => void (isDown = down),
  };
}
