import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import type { Answers, Call, CallContext, Operation, OperationName, ProcessorV1 } from "@heed/core/contract";
import { UnavailableError } from "@heed/core/contract";

/** One thing that a worker asks of the vendor: `has` reads, the others write. */
interface Ask {
  readonly verb: "has" | "erase" | "unsubscribe" | "is-out";
  readonly emails: readonly string[];
}

/** A vendor in the test's own process: it survives the workers that are killed. */
export interface CrashVendor {
  readonly url: string;
  readonly records: Set<string>;
  readonly optedOut: Set<string>;
  /** How often each address was written to, by verb: `erase anna@…`. */
  readonly writes: Map<string, number>;
  close(): Promise<void>;
}

export async function crashVendor(
  emails: readonly string[],
  latency: number | (() => number),
): Promise<CrashVendor> {
  const latencyMs = typeof latency === "number" ? () => latency : latency;
  const records = new Set(emails);
  const optedOut = new Set<string>();
  const writes = new Map<string, number>();
  const answer = ({ verb, emails: asked }: Ask): readonly boolean[] => {
    if (verb === "has") return asked.map((email) => records.has(email));
    if (verb === "is-out") return asked.map((email) => optedOut.has(email));
    for (const email of asked) writes.set(`${verb} ${email}`, (writes.get(`${verb} ${email}`) ?? 0) + 1);
    return asked.map((email) => (verb === "erase" ? records.delete(email) : optedOut.add(email).size > 0));
  };
  const server = createServer(async (incoming, outgoing) => {
    const answered = JSON.stringify(answer(JSON.parse(await text(incoming)) as Ask));
    // The effect is there; a worker that dies before it hears of it has to find out.
    await sleep(latencyMs());
    outgoing.end(answered);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("The server has no port.");
  return {
    url: `http://127.0.0.1:${address.port}`,
    records,
    optedOut,
    writes,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The adapter to it. */
export function crashProcessor(
  url: string,
  beforeTurn: (verb: string) => Promise<void> = async () => {},
): ProcessorV1<"email", "news", "calls"> {
  async function ask(
    verb: Ask["verb"],
    calls: readonly Call[],
    context: CallContext<"calls">,
  ): Promise<ReadonlyMap<string, boolean>> {
    await beforeTurn(verb);
    await context.turn("calls");
    const emails = calls.map((call) => call.identifiers[0].value);
    const response = await fetch(url, {
      method: "POST",
      body: JSON.stringify({ verb, emails } satisfies Ask),
      signal: context.signal,
    }).catch(() => {
      throw new UnavailableError("no answer", { processor: "vendor", operation: "erase" });
    });
    const answered = (await response.json()) as readonly boolean[];
    return new Map(calls.map((call, index) => [call.id, answered[index] ?? false]));
  }
  const mapped =
    <N extends OperationName, T>(verb: Ask["verb"], to: (yes: boolean, call: Call<N, "email">) => T) =>
    async (calls: readonly Call<N, "email">[], context: CallContext<"calls">): Promise<Answers<T>> => {
      const answers = await ask(verb, calls, context);
      return new Map(calls.map((call) => [call.id, to(answers.get(call.id) ?? false, call)]));
    };
  const base = { batchSize: 4, repeat: "safe", settlingMs: 0 } as const;
  const erase: Operation<"erase", "email", "calls"> = {
    ...base,
    effects: ["irreversible"],
    resolve: mapped("has", (isThere, call) => ({
      targets: isThere
        ? [{ kind: "record", id: call.identifiers[0].value, via: call.identifiers[0], verified: true }]
        : [],
    })),
    run: mapped("erase", (wasThere) => (wasThere ? { status: "done", affected: 1 } : { status: "absent" })),
    verify: mapped("has", (isThere) => ({ seen: isThere ? "not-as-asked" : "as-asked" })),
  };
  const unsubscribe: Operation<"unsubscribe", "email", "calls"> = {
    ...base,
    run: mapped("unsubscribe", () => ({ status: "done", affected: 1 })),
    verify: mapped("is-out", (isOut) => ({ seen: isOut ? "as-asked" : "not-as-asked" })),
  };
  return {
    specificationVersion: "v1",
    name: "vendor",
    account: "vendor-1",
    identifiers: { email: /@/ },
    topics: { news: "news" },
    limits: { calls: { calls: 100_000, perMs: 1_000, burst: 50_000, delayMs: 0 } },
    operations: { erase, unsubscribe },
    check: async () => ({ account: "vendor-1", lacks: [], unknownTopics: [] }),
  };
}
