import { createHash } from "node:crypto";
import type { Scene } from "./processor-case.ts";
import { wireReply, type Meets, type Rule, type WireReply } from "./wire.ts";
import type { VendorReply, VendorRequest } from "./world.ts";

/** May the request change anything at the vendor? */
export function isWrite({ world }: Pick<Scene, "world">, request: VendorRequest): boolean {
  return world.writes?.(request) ?? !["GET", "HEAD"].includes(request.method);
}

export const answers =
  (reply: VendorReply): Rule =>
  () =>
    wireReply(reply);
export const cutBefore: Rule = () => "cut";
export const cutAfter: Rule = async ({ forward }): Promise<Meets> => {
  await forward();
  return "cut";
};
export const hangs: Rule = () => "hang";
/** The vendor does what was asked, and its answer never comes. */
export const stalls: Rule = async ({ forward }): Promise<Meets> => {
  await forward();
  return "hang";
};

/** Strikes only the request of this number, counted from 0 among those that `concerns` is true of. */
export function onlyAt(
  at: number,
  rule: Rule,
  concerns: (request: VendorRequest) => boolean = () => true,
): Rule {
  let seen = -1;
  return (request) => {
    if (!concerns(request)) return request.forward();
    seen += 1;
    return seen === at ? rule(request) : request.forward();
  };
}

/** What the vendor answered once, to be answered again. */
export class Recording {
  readonly #answers: { readonly key: string; readonly reply: WireReply; isUsed: boolean }[] = [];
  readonly #concerns: (request: VendorRequest) => boolean;

  constructor(concerns: (request: VendorRequest) => boolean) {
    this.#concerns = concerns;
  }

  /** Lets everything pass, and writes down what it concerns. */
  readonly record: Rule = async (request) => {
    const reply = await request.forward();
    if (this.#concerns(request)) this.#answers.push({ key: keyOf(request), reply, isUsed: false });
    return reply;
  };

  /**
   * Answers what was answered then, without asking the vendor. A request that was not made then is answered as the
   * next write was: its ids may be others, its shape is right. `orElse` says what becomes of it instead.
   */
  replay(orElse: "as the next" | "forward"): Rule {
    return (request) => {
      if (!this.#concerns(request)) return request.forward();
      const key = keyOf(request);
      const same = this.#answers.find((each) => each.key === key && (orElse === "forward" || !each.isUsed));
      const next = orElse === "forward" ? undefined : this.#answers.find((each) => !each.isUsed);
      const taken = same ?? next;
      if (taken === undefined) return request.forward();
      taken.isUsed = true;
      return taken.reply;
    };
  }
}

function keyOf({ method, path, body }: VendorRequest): string {
  return createHash("sha256").update(`${method} ${path}\n${body}`).digest("hex");
}

/** What becomes of a list of records. `depth` 1: the answer itself, or a property of it. */
export type ChangeOfList = (records: readonly object[], depth: number) => readonly object[];

/** Changes the lists of several records in answers to whatever was asked by a body. */
export function changingLists(
  change: ChangeOfList,
  status?: number,
): { readonly rule: Rule; readonly hasChanged: () => boolean } {
  let changes = 0;
  const changed = (value: unknown, depth: number): unknown => {
    if (Array.isArray(value)) {
      const inner = value.map((each) => changed(each, depth + 1));
      const isRecords = value.length > 1 && value.every((each) => typeof each === "object" && each !== null);
      if (!isRecords) return inner;
      const records = change(inner as object[], depth);
      if (records.some((each, index) => each !== inner[index]) || records.length !== inner.length)
        changes += 1;
      return records;
    }
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, changed(each, depth + 1)]));
  };
  return {
    hasChanged: () => changes > 0,
    rule: async (request) => {
      const reply = await request.forward();
      // A list that is read page by page has an order that means something.
      if (request.body === "" || reply.status < 200 || reply.status > 299) return reply;
      const before = changes;
      const body = changed(parse(reply.body), 0);
      if (changes === before) return reply;
      return { ...reply, status: status ?? reply.status, body: JSON.stringify(body) };
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
