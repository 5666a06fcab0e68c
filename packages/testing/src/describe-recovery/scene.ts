import {
  createHeed,
  definePolicy,
  ownData,
  UnavailableError,
  type HeedStorage,
  type Keyring,
} from "@heed/core";
import type { Row, TableName } from "@heed/core/storage";
import { faulty, type CommitFault, type FaultyStorage } from "../faulty-storage.ts";
import { scriptedVendor, type FaultKind, type ScriptedVendor, type VendorCall } from "../scripted-vendor.ts";
import { standingStill } from "../standing-still.ts";
import { virtualClock } from "../virtual-clock.ts";

/** The one thing that goes wrong: with a commit, or with a call whose effect happened and whose answer is lost. */
export type Disturbance =
  | { readonly commit: number; readonly fault: CommitFault }
  | { readonly call: number; readonly how: "throws" | "hangs" | "dies" };

/** How it all ended, asked of the vendors and of the storage. */
export interface Ending {
  readonly request: string;
  /** Processor, operation, state, what the processor said, what reading back showed. */
  readonly steps: readonly string[];
  /** What was kept as proof, without ids and instants. */
  readonly evidence: readonly string[];
  /** What is left of the person, anywhere. */
  readonly left: Readonly<Record<string, unknown>>;
  /** How often each operation was run. */
  readonly runs: Readonly<Record<string, number>>;
  /** Commits and calls of the process that was disturbed. */
  readonly commits: number;
  readonly calls: number;
}

const person = ["anna.canary@example.org", "anna.work.canary@example.org"] as const;
const start = "2026-01-15T12:00:00.000Z";

const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  recipients: {
    crm: { role: "processor", country: "US", transferTool: "scc" },
    news: { role: "processor", country: "SE" },
    billing: { role: "processor", country: "IE" },
    app: { role: "own", country: "SE" },
  },
  purposes: { news: { basis: "consent" } },
  topics: { newsletter: { class: "marketing", purpose: "news", via: ["crm", "news"] } },
});

/** Vendors that count what they are asked: the one that matters is answered to nobody. */
function world(strike: () => Disturbance | undefined, die: () => void) {
  const lost = () => {
    const disturbance = strike();
    if (disturbance === undefined || !("call" in disturbance)) return undefined;
    if (disturbance.how === "dies") die();
    return disturbance.how;
  };
  const weather = ({ operation }: VendorCall): FaultKind | undefined => {
    const how = lost();
    if (how === undefined) return undefined;
    if (how !== "throws") return { stalls: true };
    const about = { processor: "vendor", operation: operation ?? "check" } as const;
    return { loses: new UnavailableError("cut off", about) };
  };
  const answered = async <T>(answer: T): Promise<T> => {
    const how = lost();
    if (how === "throws") throw new Error("The connection to the application's database was lost.");
    return how === undefined ? answer : new Promise(() => {});
  };
  const topics = ["newsletter"];
  const crm = scriptedVendor({
    name: "crm",
    topics,
    operations: ["subscribe", "unsubscribe", "erase"],
    weather,
  });
  const news = scriptedVendor({
    name: "news",
    account: "acct-2",
    topics,
    operations: ["subscribe", "unsubscribe", "erase"],
    repeat: "verify-first",
    weather,
  });
  const billing = scriptedVendor({
    name: "billing",
    account: "acct-3",
    operations: ["forgetTokens", "erase"],
    repeat: "verify-first",
    weather,
  });
  const rows = new Set<string>([person[0]]);
  let ownRuns = 0;
  const app = ownData({
    by: "email",
    erase: async (email) => {
      if (rows.delete(email)) ownRuns += 1;
      return answered(undefined);
    },
    holds: async (email) => answered(rows.has(email)),
  });
  crm.add({ id: "c-1", emails: person });
  news.add({ id: "n-1", emails: [person[0]] });
  news.add({ id: "n-2", emails: [person[1]] });
  billing.add({ id: "b-1", emails: [person[0]], cards: 2 });
  const runs = () => {
    const counts: Record<string, number> = { "app erase": ownRuns };
    for (const vendor of [crm, news, billing])
      for (const { at, operation } of vendor.calls)
        if (at === "run") {
          const name = `${vendor.processor.name} ${operation}`;
          counts[name] = (counts[name] ?? 0) + 1;
        }
    return counts;
  };
  return { crm, news, billing, app, rows, runs };
}

const leftAt = ({ records, optedIn }: ScriptedVendor) => ({
  records: [...records.values()],
  optedIn: [...optedIn].filter(([, topics]) => topics.size > 0),
});

/**
 * Anna subscribes; then she asks to be erased, and one thing goes wrong. A process that died is followed by
 * another, which knows nothing but the storage; whoever got an error tries again.
 */
export async function eraseAnna(
  given: HeedStorage,
  keys: Keyring,
  disturbance?: Disturbance,
): Promise<Ending> {
  const clock = virtualClock(start, { autoAdvance: true, quietTurns: 20 });
  const storage = standingStill(given, clock);
  let isOn = false;
  let calls = 0;
  let first: FaultyStorage | undefined;
  const strike = () => {
    if (!isOn || first === undefined || first.isDead) return undefined;
    calls += 1;
    return disturbance !== undefined && "call" in disturbance && disturbance.call === calls
      ? disturbance
      : undefined;
  };
  const { crm, news, billing, app, rows, runs } = world(strike, () => first?.die());
  const processors = { crm: crm.processor, news: news.processor, billing: billing.processor, app };
  const heedOver = (storage: HeedStorage) => createHeed({ policy, storage, keys, clock, processors });
  const read = <T extends TableName>(table: T): Promise<readonly Row<T>[]> =>
    storage.transact({
      lock: [],
      clock,
      read: { all: { from: table, where: {} } as never },
      decide: (found) => ({ writes: [], answer: (found as { all: readonly Row<T>[] }).all }),
    });
  const subject = { email: person };
  const carryOut = async (heed: ReturnType<typeof heedOver>): Promise<void> => {
    // Whoever asks again gets the request that is open; once heed's own data is gone, nobody is there to find.
    const [known] = await read("requests");
    if (known === undefined || (await read("subjects")).length > 0)
      await heed.requests.open({ right: "erasure", subject, identity: "signed-in" });
    for (;;) {
      const { nextAt } = await heed.work.drain();
      if (nextAt === undefined) return;
      if (Date.parse(nextAt) > clock.now().getTime()) await clock.set(nextAt);
    }
  };
  // Whoever gets an error tries again.
  const untilDone = async (heed: ReturnType<typeof heedOver>): Promise<void> => {
    for (let tries = 0; ; tries += 1) {
      try {
        return await carryOut(heed);
      } catch (error) {
        if (tries === 5) throw error;
      }
    }
  };

  const undisturbed = heedOver(storage);
  await undisturbed.subjects.record({ subject, identityVerified: true });
  await undisturbed.subscriptions.subscribe({ subject, topic: "newsletter", evidence: { none: true } });
  await undisturbed.work.drain();
  const before = runs();

  first = faulty(storage, (commit) =>
    disturbance !== undefined && "commit" in disturbance && disturbance.commit === commit
      ? disturbance.fault
      : undefined,
  );
  isOn = true;
  await Promise.race([untilDone(heedOver(first)), first.died]);
  isOn = false;
  if (first.isDead) await untilDone(heedOver(storage));

  const steps = await read("steps");
  const after = runs();
  return {
    request: (await read("requests")).map((row) => row.state).join(),
    steps: steps
      .map(({ processor, operation, state, outcome, finding }) => {
        const said = outcome === null ? "nothing" : (JSON.parse(outcome) as { status: string }).status;
        return `${processor} ${operation} ${state} ${said} ${finding}`;
      })
      .toSorted(),
    evidence: (await read("evidence"))
      .map(({ entry }) => {
        const { kind, processor, operation, state, outcome, finding } = JSON.parse(entry ?? "") as Record<
          string,
          string
        >;
        return [kind, processor, operation, state, outcome, finding].filter(Boolean).join(" ");
      })
      .toSorted(),
    left: {
      crm: leftAt(crm),
      news: leftAt(news),
      billing: leftAt(billing),
      app: [...rows],
      subjects: (await read("subjects")).length,
      identifiers: (await read("identifiers")).length,
      dataKeys: (await read("dataKeys")).length,
      sealed: [...steps, ...(await read("events"))].filter((row) => row.sealed !== null).length,
    },
    runs: Object.fromEntries(
      Object.entries(after).map(([name, times]) => [name, times - (before[name] ?? 0)]),
    ),
    commits: first.commits,
    calls,
  };
}
