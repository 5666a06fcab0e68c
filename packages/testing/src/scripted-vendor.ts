import type {
  Answers,
  Call,
  CallContext,
  Clearance,
  Finding,
  Limit,
  Operation,
  OperationName,
  Outcome,
  ProcessorV1,
  Resolution,
} from "@heed/core/contract";

/** A record at the scripted vendor: one person, under all of the person's addresses. */
export interface VendorRecord {
  readonly id: string;
  readonly emails: readonly string[];
  /** Stored cards, for `forgetTokens`. */
  cards: number;
  /** Still paying: `forgetTokens` is guarded by it. */
  isPaying: boolean;
}

/** The moment of a step that a fault strikes at. */
export type Moment = "check" | "resolve" | "guard" | "run" | "verify";

/** What goes wrong there. */
export type FaultKind =
  /** Throws before anything happened. */
  | { readonly throws: Error }
  /** Does its work, then the answer is lost. */
  | { readonly loses: Error }
  /** Leaves these calls, or all, out of the answer. */
  | { readonly leavesOut: "all" | readonly number[] }
  /** Says that it worked, and does nothing. */
  | { readonly lies: true }
  /** Answers something that the contract does not know. */
  | { readonly answers: unknown }
  /** Does nothing, and never answers. */
  | { readonly hangs: true }
  /** Does its work, and never answers. */
  | { readonly stalls: true };

/** When it strikes. Without `times` once; without `operation` at any. */
export type Fault = FaultKind & {
  readonly at: Moment;
  readonly operation?: OperationName;
  readonly times?: number;
  /** Strikes only batches that hold a call for this address. */
  readonly email?: string;
};

/** One question that the vendor was asked. */
export interface VendorCall {
  readonly at: Moment;
  readonly operation: OperationName | undefined;
  /** Per call: its id, the addresses that it is about, and what is asked. */
  readonly ids: readonly string[];
  readonly emails: readonly (readonly string[])[];
  readonly inputs: readonly unknown[];
  /** That of the first call. */
  readonly input: unknown;
}

/** A vendor in memory whose truth a test can ask, and whose failures it writes. */
export interface ScriptedVendor {
  readonly processor: ProcessorV1<"email", string, "calls">;
  /** The truth: records by id. */
  readonly records: Map<string, VendorRecord>;
  /** The truth: address to the topics it is opted out of, and in to. */
  readonly optedOut: Map<string, Set<string>>;
  readonly optedIn: Map<string, Set<string>>;
  readonly calls: VendorCall[];
  add(record: {
    readonly id: string;
    readonly emails: readonly string[];
    readonly cards?: number;
    readonly isPaying?: boolean;
  }): void;
  fault(fault: Fault): void;
  /** The records that hold this address. */
  find(email: string): readonly VendorRecord[];
  /** Reads see a write only this much later, in milliseconds of the engine's clock. */
  lagMs: number;
}

export interface ScriptedVendorOptions {
  readonly name?: string;
  readonly account?: string;
  readonly topics?: readonly string[];
  readonly operations?: readonly ("subscribe" | "unsubscribe" | "erase" | "exclude" | "forgetTokens")[];
  readonly batchSize?: number;
  readonly repeat?: "safe" | "verify-first";
  readonly settlingMs?: number;
  readonly limit?: Limit;
  /**
   * Asked at each question what goes wrong with it, where no {@link ScriptedVendor.fault} does. For faults that
   * follow a rule: an outage of three days, one call in ten.
   */
  readonly weather?: (question: VendorCall) => FaultKind | undefined;
  /** Subscribing somebody unknown makes a record, and erasing a record takes its preferences along. Default `false`. */
  readonly keepsPreferencesWithRecords?: boolean;
  /** Reads back nothing: operations are acknowledged only. */
  readonly acknowledgedOnly?: boolean;
}

type Calls = readonly Call<OperationName, "email">[];

/** Makes a vendor for tests of the engine, and of anything that needs a processor with a will of its own. */
export function scriptedVendor(options: ScriptedVendorOptions = {}): ScriptedVendor {
  const { topics = [], operations = ["unsubscribe", "erase"] } = options;
  const faults: { fault: Fault; left: number }[] = [];
  const seenBefore = new Map<string, number>();
  const vendor: ScriptedVendor = {
    records: new Map(),
    optedOut: new Map(),
    optedIn: new Map(),
    calls: [],
    lagMs: 0,
    add: ({ id, emails, cards = 0, isPaying = false }) =>
      void vendor.records.set(id, { id, emails, cards, isPaying }),
    fault: (fault) => void faults.push({ fault, left: fault.times ?? 1 }),
    find: (email) =>
      [...vendor.records.values()].filter((record) =>
        record.emails.some((each) => each.toLowerCase() === email.toLowerCase()),
      ),
    get processor() {
      return processor;
    },
  };

  const emailsOf = (call: Pick<Call, "identifiers">) =>
    call.identifiers.map((identifier) => identifier.value.toLowerCase());
  const recordsOf = (call: Pick<Call, "identifiers">) => [
    ...new Set(emailsOf(call).flatMap((email) => vendor.find(email))),
  ];
  const isSettled = (call: Call, context: CallContext) => {
    const since = seenBefore.get(call.id);
    if (vendor.lagMs === 0 || since === undefined) return true;
    return context.now().getTime() - since >= vendor.lagMs;
  };

  function strike(at: Moment, operation: OperationName | undefined, calls: Calls): FaultKind | undefined {
    const hit = faults.find(
      ({ fault, left }) =>
        left > 0 &&
        fault.at === at &&
        (fault.operation === undefined || fault.operation === operation) &&
        (fault.email === undefined ||
          calls.some((call) => emailsOf(call).includes(fault.email?.toLowerCase() ?? ""))),
    );
    if (hit === undefined) return undefined;
    hit.left -= 1;
    return hit.fault;
  }

  /** One question of the contract, with the script in between. */
  function asked<T>(
    at: Moment,
    operation: OperationName,
    answer: (call: Call<OperationName, "email">, context: CallContext, does: boolean) => T,
  ) {
    return async (calls: Calls, context: CallContext<"calls">): Promise<Answers<T>> => {
      await context.turn("calls");
      const question = {
        at,
        operation,
        ids: calls.map((call) => call.id),
        emails: calls.map(emailsOf),
        inputs: calls.map((call) => call.input),
        input: calls[0]?.input,
      };
      vendor.calls.push(question);
      const fault = strike(at, operation, calls) ?? options.weather?.(question);
      if (fault !== undefined && "throws" in fault) throw fault.throws;
      if (fault !== undefined && "hangs" in fault) return new Promise(() => {});
      const does = !(fault !== undefined && "lies" in fault);
      const answers = new Map(calls.map((call) => [call.id, answer(call, context, does)]));
      if (fault !== undefined && "loses" in fault) throw fault.loses;
      if (fault !== undefined && "stalls" in fault) return new Promise(() => {});
      if (fault !== undefined && "answers" in fault)
        return new Map(calls.map((call) => [call.id, fault.answers as T]));
      if (fault !== undefined && "leavesOut" in fault) {
        const { leavesOut } = fault;
        return new Map([...answers].filter((_, index) => leavesOut !== "all" && !leavesOut.includes(index)));
      }
      return answers;
    };
  }

  const base = {
    batchSize: options.batchSize ?? 10,
    repeat: options.repeat ?? ("safe" as const),
    settlingMs: options.settlingMs ?? 0,
  };
  const verify = (operation: OperationName, isAsAsked: (call: Call) => boolean) =>
    options.acknowledgedOnly === true
      ? { acknowledgedOnly: "this vendor cannot be read" }
      : asked<Finding>("verify", operation, (call, context) => {
          if (!isSettled(call, context)) return { seen: "not-yet", checkAfterMs: vendor.lagMs };
          return { seen: isAsAsked(call) ? "as-asked" : "not-as-asked" };
        });
  const resolve = (operation: OperationName) =>
    asked<Resolution>("resolve", operation, (call) => ({
      targets: recordsOf(call).map((record) => {
        const value =
          call.identifiers.find((each) =>
            record.emails.some((email) => email.toLowerCase() === each.value.toLowerCase()),
          )?.value ?? "";
        return { kind: "record", id: record.id, via: { kind: "email", value }, verified: true };
      }),
    }));
  const note = (call: Call, context: CallContext) => {
    if (!seenBefore.has(call.id)) seenBefore.set(call.id, context.now().getTime());
  };

  const eraseRecord = (id: string) => {
    const emails = vendor.records.get(id)?.emails ?? [];
    vendor.records.delete(id);
    if (options.keepsPreferencesWithRecords !== true) return;
    for (const email of emails) {
      vendor.optedIn.delete(email.toLowerCase());
      vendor.optedOut.delete(email.toLowerCase());
    }
  };
  const makeRecord = (call: Call) => {
    if (options.keepsPreferencesWithRecords === true && recordsOf(call).length === 0)
      vendor.add({ id: `made-for-${call.id}`, emails: emailsOf(call) });
  };

  const removal = <N extends "erase" | "exclude">(operation: N): Operation<N, "email", "calls"> => ({
    ...base,
    effects: ["irreversible"],
    resolve: resolve(operation),
    run: asked<Outcome<N>>("run", operation, (call, context, does) => {
      note(call, context);
      const gone = call.targets.filter((target) => vendor.records.has(target.id));
      if (does) for (const target of gone) eraseRecord(target.id);
      return gone.length === 0 ? { status: "absent" } : { status: "done", affected: gone.length };
    }),
    verify: verify(operation, (call) => recordsOf(call).length === 0),
  });
  const forgetTokens: Operation<"forgetTokens", "email", "calls"> = {
    ...base,
    matches: "several",
    effects: ["irreversible"],
    resolve: resolve("forgetTokens"),
    guard: asked<Clearance>("guard", "forgetTokens", (call) =>
      recordsOf(call).some((record) => record.isPaying)
        ? { blockedBy: "active-subscription", checkAfterMs: 86_400_000 }
        : { clear: true },
    ),
    run: asked<Outcome<"forgetTokens">>("run", "forgetTokens", (call, context, does) => {
      note(call, context);
      const held = recordsOf(call);
      const affected = held.reduce((sum, record) => sum + record.cards, 0);
      if (does) for (const record of held) record.cards = 0;
      const keep = call.operation === "forgetTokens" && "keep" in call.input ? call.input.keep : [];
      return held.length === 0
        ? { status: "absent" }
        : { status: "done", affected, ...(keep.length > 0 ? { retained: keep } : {}) };
    }),
    verify: verify("forgetTokens", (call) => recordsOf(call).every((record) => record.cards === 0)),
  };
  const topicsOf = (call: Call) => {
    const wanted = "topics" in call.input ? call.input.topics : [];
    return wanted === "all" ? [...topics] : wanted;
  };
  const isToStayUnknown = (call: Call) =>
    "onlyIfKnown" in call.input && call.input.onlyIfKnown && recordsOf(call).length === 0;
  const preference = (direction: "subscribe" | "unsubscribe") => {
    const [to, from] =
      direction === "subscribe" ? [vendor.optedIn, vendor.optedOut] : [vendor.optedOut, vendor.optedIn];
    return {
      ...base,
      run: asked<Outcome<"unsubscribe">>("run", direction, (call, context, does) => {
        note(call, context);
        if (isToStayUnknown(call)) return { status: "absent" };
        if (does && direction === "subscribe") makeRecord(call);
        for (const email of does ? emailsOf(call) : []) {
          to.set(email, new Set([...(to.get(email) ?? []), ...topicsOf(call)]));
          from.set(
            email,
            new Set([...(from.get(email) ?? [])].filter((topic) => !topicsOf(call).includes(topic))),
          );
        }
        return { status: "done", affected: 1 };
      }),
      verify: verify(
        direction,
        (call) =>
          isToStayUnknown(call) ||
          emailsOf(call).every((email) =>
            topicsOf(call).every((topic) => to.get(email)?.has(topic) ?? false),
          ),
      ),
    };
  };
  const all = {
    erase: removal("erase"),
    exclude: removal("exclude"),
    forgetTokens,
    // A subscription is never absent: only an erasure's stop of use can find nobody.
    subscribe: preference("subscribe") as Operation<"subscribe", "email", "calls">,
    unsubscribe: preference("unsubscribe"),
  };
  const processor: ProcessorV1<"email", string, "calls"> = {
    specificationVersion: "v1",
    name: options.name ?? "scripted",
    account: options.account ?? "account-1",
    identifiers: { email: /@/ },
    topics: Object.fromEntries(topics.map((topic) => [topic, { list: topic }])),
    limits: { calls: options.limit ?? { calls: 1000, perMs: 1000, burst: 500, delayMs: 0 } },
    operations: Object.fromEntries(operations.map((name) => [name, all[name]])),
    check: async (context) => {
      await context.turn("calls");
      const question: VendorCall = {
        at: "check",
        operation: undefined,
        ids: [],
        emails: [],
        inputs: [],
        input: undefined,
      };
      vendor.calls.push(question);
      const fault = strike("check", undefined, []) ?? options.weather?.(question);
      if (fault !== undefined && ("hangs" in fault || "stalls" in fault)) return new Promise(() => {});
      if (fault !== undefined && "loses" in fault) throw fault.loses;
      if (fault !== undefined && "throws" in fault) throw fault.throws;
      if (fault !== undefined && "answers" in fault)
        return fault.answers as { account: string; lacks: []; unknownTopics: [] };
      return { account: options.account ?? "account-1", lacks: [], unknownTopics: [] };
    },
  };
  return vendor;
}
