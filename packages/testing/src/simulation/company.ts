import { definePolicy, ownData, type HeedStorage } from "@heed/core";
import type { Answers, Call, CallContext, OperationName, ProcessorV1 } from "@heed/core/contract";
import { scriptedVendor, type ScriptedVendor, type VendorCall } from "../scripted-vendor.ts";
import type { VirtualClock } from "../virtual-clock.ts";
import { weatherOf, type Weather } from "./weather.ts";
import type { Random } from "./random.ts";

export const topics = ["newsletter", "offers"] as const;

const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example", zone: "Europe/Stockholm" },
  recipients: {
    crm: { role: "processor", country: "US", transferTool: "scc" },
    news: { role: "processor", country: "SE" },
    billing: {
      role: "processor",
      country: "IE",
      keeps: [{ category: "invoices", reason: "legal-obligation", law: "SFS 1999:1078 7:2", years: 7 }],
    },
    app: { role: "own", country: "SE" },
  },
  purposes: { news: { basis: "consent" } },
  topics: {
    newsletter: { class: "marketing", purpose: "news", via: ["crm", "news"] },
    offers: { class: "marketing", purpose: "news", via: ["crm"] },
  },
});

/** The company and the world around it. */
export interface Company {
  readonly policy: typeof policy;
  readonly clock: VirtualClock;
  readonly storage: HeedStorage;
  readonly vendors: {
    readonly crm: ScriptedVendor;
    readonly news: ScriptedVendor;
    readonly billing: ScriptedVendor;
  };
  /** The application's own table: addresses. */
  readonly rows: Set<string>;
  // oxlint-disable-next-line typescript/no-explicit-any -- any processor
  readonly processors: Readonly<Record<"crm" | "news" | "billing" | "app", ProcessorV1<any, any, any>>>;
  /** From when on nothing goes wrong any more. */
  readonly isCalm: () => boolean;
}

/** Somebody who sees what the vendors are asked, before it has an effect. */
export type OnQuestion = (vendor: string, question: VendorCall, fault: string) => void;

/** Builds the world. */
export function companyOf(
  random: Random,
  storage: HeedStorage,
  clock: VirtualClock,
  isCalm: () => boolean,
  onQuestion: OnQuestion,
): Company {
  const sky = { nowMs: () => clock.now().getTime(), startMs: clock.now().getTime(), isCalm };
  const vendor = (name: string, options: Parameters<typeof scriptedVendor>[0]) => {
    const draws = random.fork(`vendor ${name}`);
    const weather = weatherOf(name, draws.fork("weather"), sky);
    const made = scriptedVendor({
      name,
      account: `acct-${name}`,
      keepsPreferencesWithRecords: true,
      batchSize: draws.pick([1, 2, 5, 20]),
      repeat: draws.pick(["safe", "verify-first"] as const),
      settlingMs: draws.pick([0, 0, 1_000, 30_000]),
      limit: draws.pick([
        { calls: 1000, perMs: 1000, burst: 500, delayMs: 0 },
        { calls: 10, perMs: 10_000, burst: 3, delayMs: 500 },
      ]),
      weather: (question) => {
        const fault = weather.strike(question);
        onQuestion(name, question, fault === undefined ? "" : (Object.keys(fault)[0] ?? ""));
        return fault;
      },
      ...options,
    });
    made.lagMs = draws.pick([0, 0, 5_000, 120_000]);
    return { made, processor: slow(made.processor, weather, clock) };
  };
  const crm = vendor("crm", { topics, operations: ["subscribe", "unsubscribe", "erase", "exclude"] });
  const news = vendor("news", { topics: ["newsletter"], operations: ["subscribe", "unsubscribe", "erase"] });
  const billing = vendor("billing", { operations: ["forgetTokens"] });
  const rows = new Set<string>();
  const own = random.fork("own data");
  const mayFail = () => {
    if (!isCalm() && own.chance(0.1)) throw new Error("canary: the application's database is down");
  };
  const app = ownData({
    by: "email",
    erase: async (email) => {
      mayFail();
      rows.delete(email);
      mayFail();
    },
    holds: async (email) => {
      mayFail();
      return rows.has(email);
    },
  });
  return {
    policy,
    clock,
    storage,
    vendors: { crm: crm.made, news: news.made, billing: billing.made },
    rows,
    processors: { crm: crm.processor, news: news.processor, billing: billing.processor, app },
    isCalm,
  };
}

type Ask = (calls: readonly Call[], context: CallContext) => Promise<Answers<unknown>>;

/** The vendor takes its time before it is reached, and before it answers. */
function slow<P extends ProcessorV1<"email", string, "calls">>(
  processor: P,
  weather: Weather,
  clock: VirtualClock,
): P {
  const slowed =
    (ask: Ask): Ask =>
    async (calls, context) => {
      await clock.sleep(weather.latencyMs());
      const answers = await ask(calls, context);
      await clock.sleep(weather.latencyMs());
      return answers;
    };
  const operations = Object.entries(processor.operations).map(([name, operation]) => [
    name,
    Object.fromEntries(
      Object.entries(operation).map(([key, value]: [string, unknown]) => [
        key,
        typeof value === "function" ? slowed(value as Ask) : value,
      ]),
    ),
  ]);
  return { ...processor, operations: Object.fromEntries(operations) as Record<OperationName, never> };
}
