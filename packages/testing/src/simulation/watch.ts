import { createHash } from "node:crypto";
import type { Row, Write } from "@heed/core/storage";
import type { VendorCall } from "../scripted-vendor.ts";
import type { Company } from "./company.ts";
import type { Commit, Mirror, Moved } from "./mirror.ts";
import type { Person } from "./model.ts";
import { currentProcess } from "./process.ts";
import type { PromiseId } from "./promises.ts";

/** How long what was begun before an opt-out or an erasure may still have its effect, in milliseconds. */
const inFlightMs = 5 * 60_000;

const isGood = (state: string) => state === "fulfilled" || state === "partially_fulfilled";
export const needsHuman = (state: string) => state === "manual" || state === "failed";

const destructive: ReadonlySet<string> = new Set(["erase", "exclude", "forgetTokens"]);

/** What a step's outcome says. */
interface Told {
  readonly status: string;
  readonly retained: readonly unknown[];
}

/** A hold, with the runs that had begun when it was placed: step and attempt. */
interface StandingHold {
  readonly subjectId: string | null;
  readonly processor: string | null;
  readonly begun: ReadonlySet<string>;
}

/**
 * Sees every commit at the instant it is made and every question to a vendor before it has an effect, and holds
 * them against what must never happen. Its history is what a seed has to repeat.
 */
export class Watch {
  readonly violations: string[] = [];
  /** Whose request it is, and whose subject. */
  readonly owners = new Map<string, Person>();
  readonly subjects = new Map<string, Person>();
  /** Whose act is under way at the office: requests that appear are theirs. */
  acting: Person | undefined;
  /** A human tries again or acknowledges: what had ended may go on. */
  isHumanActing = false;
  readonly counts: Record<string, number> = {};
  readonly #history = createHash("sha256");
  /** Legal holds that stand. */
  readonly #holds = new Map<string, StandingHold>();
  /** Which process has a step in hand. */
  readonly #holders = new Map<string, string | undefined>();
  readonly #people: readonly Person[];
  readonly #now: () => number;
  #mirror: Mirror = { steps: new Map(), requests: new Map() };
  #company: Company | undefined;

  constructor(people: readonly Person[], now: () => number) {
    this.#people = people;
    this.#now = now;
  }

  look(company: Company, mirror: Mirror): void {
    this.#company = company;
    this.#mirror = mirror;
  }

  /** Something happened: it goes into the digest of the history. */
  note(what: string): void {
    if (process.env["HEED_HISTORY"] !== undefined)
      console.log(`${new Date(this.#now()).toISOString()} ${what}`);
    this.#history.update(`${this.#now()} ${what}\n`);
  }

  count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  wrong(id: PromiseId, what: string): void {
    const at = new Date(this.#now()).toISOString();
    this.violations.push(`${id} at ${at}: ${what}`);
    this.note(`VIOLATION ${id} ${what}`);
  }

  digest(): string {
    return this.#history.copy().digest("hex");
  }

  personOf(email: string): Person | undefined {
    return this.#people.find((person) => person.emails.includes(email));
  }

  onQuestion(vendor: string, question: VendorCall, fault: string): void {
    const { at, operation, ids, emails, inputs } = question;
    this.note(`${vendor} ${at} ${operation} ${emails.flat().join()} ${fault}`);
    this.count(`${at}${fault === "" ? "" : ` ${fault}`}`);
    if (at !== "run" || operation === undefined) return;
    ids.forEach((id, index) => {
      const step = this.#mirror.steps.get(id);
      // INV-22: a run is known to be under way, and what it will destroy is known, before it is begun.
      if (step?.state !== "running" || step.attempted !== 1)
        this.wrong("INV-22", `${operation} ran at ${vendor} while its step was ${step?.state}`);
      if (this.#holders.get(id) !== currentProcess())
        this.wrong("LEASE", `${operation} ran at ${vendor} by a process whose lease was lost`);
      const isPaying = (emails[index] ?? []).some((email) =>
        this.#company?.vendors.billing.find(email).some((record) => record.isPaying),
      );
      if (operation === "forgetTokens" && isPaying)
        this.wrong("GUARD", "the tokens of somebody who pays were forgotten");
      if (destructive.has(operation) && step !== undefined) this.#onDestruction(vendor, step);
      const isRemoval = operation === "erase" || operation === "exclude";
      if (isRemoval && step !== undefined && step.sealed === null)
        this.wrong("INV-22", `${operation} ran at ${vendor} before what it destroys was stored`);
      const beside = [...this.#mirror.steps.values()].filter(
        (other) =>
          other.state === "running" &&
          other.id !== id &&
          other.subjectId === step?.subjectId &&
          other.processor === vendor,
      );
      if (beside.length > 0) this.wrong("ORDER", `two steps of one person ran at ${vendor} at a time`);
      if (operation === "subscribe") this.#onSubscribe(vendor, emails[index] ?? [], inputs[index]);
    });
  }

  #onDestruction(vendor: string, step: Row<"steps">): void {
    for (const { subjectId, processor, begun } of this.#holds.values()) {
      const isCovered =
        (subjectId === null || subjectId === step.subjectId) && (processor === null || processor === vendor);
      if (isCovered && !begun.has(`${step.id} ${step.attempt}`))
        this.wrong("HOLD", `${step.operation} ran at ${vendor} under a legal hold`);
    }
  }

  #onHolds(writes: readonly Write[]): void {
    for (const write of writes) {
      if ("insert" in write && write.insert === "holds") {
        const { id, subjectId, processor } = write.row;
        const begun = [...this.#mirror.steps.values()].filter(
          (step) => step.state === "running" && step.attempted === 1,
        );
        const names = begun.map((step) => `${step.id} ${step.attempt}`);
        this.#holds.set(id, { subjectId, processor, begun: new Set(names) });
      }
      if (!("update" in write) || write.update !== "holds") continue;
      for (const [id, hold] of this.#holds) {
        if (write.set.releasedAt != null && write.where.id === id) this.#holds.delete(id);
        const { subjectId } = write.set;
        if (subjectId !== undefined && write.where.subjectId === hold.subjectId)
          this.#holds.set(id, { ...hold, subjectId });
      }
    }
  }

  /** INV-04, INV-29, OUT: nobody is subscribed who has said no since, was erased, or is not to be there. */
  #onSubscribe(vendor: string, emails: readonly string[], input: unknown): void {
    const until = this.#now() - inFlightMs;
    for (const email of emails) {
      const person = this.personOf(email);
      if (person === undefined) continue;
      if (person.frozenBy !== undefined && person.frozenAtMs < until)
        this.wrong("INV-29", `somebody who is being erased was subscribed at ${vendor}`);
      if (person.erasedAtMs !== undefined && person.parked.size === 0)
        this.wrong("INV-29", `somebody who was erased was subscribed at ${vendor}`);
      if ((person.keptOutSinceMs(vendor) ?? until) < until)
        this.wrong("OUT", `somebody who is not to be at ${vendor} was subscribed there`);
      for (const topic of (input as { topics: readonly string[] }).topics) {
        const latest = person.latest(topic);
        if (latest?.isOptOut && latest.effectiveAtMs < until)
          this.wrong("INV-04", `an older subscribe to ${topic} reached ${vendor} after an opt-out`);
      }
    }
  }

  onCommit({ writes, now, steps, requests }: Commit): void {
    this.count("commits");
    this.note(
      writes
        .map((write) => ("insert" in write ? write.insert : "update" in write ? write.update : write.remove))
        .join(),
    );
    this.#learnSubjects(writes);
    this.#onHolds(writes);
    this.#onLifted(writes);
    for (const moved of steps) {
      this.#onStep(moved, writes);
      this.#onLease(moved, now);
    }
    for (const moved of requests) this.#onRequest(moved, writes, now);
    this.#onOwnDataGone(writes);
    this.#onParked(writes);
  }

  #learnSubjects(writes: readonly Write[]): void {
    for (const write of writes) {
      if (!("insert" in write) || write.insert !== "events") continue;
      const { id, subjectId } = write.row;
      const person = this.#people.find(({ parked }) => parked.has(id)) ?? this.acting;
      if (person !== undefined) this.subjects.set(subjectId, person);
    }
  }

  #onStep({ before, after }: Moved<"steps">, writes: readonly Write[]): void {
    if (before?.state !== after.state)
      this.note(`step ${after.processor} ${after.operation} ${after.state} ${after.because}`);
    const kept = entriesOf(writes).filter(
      (entry) => entry["kind"] === "step.settled" && entry["stepId"] === after.id,
    ).length;
    if (before !== undefined && before.endedAt !== null) {
      const isSame = before.state === after.state && before.endedAt === after.endedAt;
      const isRevived = this.isHumanActing && needsHuman(before.state);
      // What waited for a human waits no longer when its request ends, or when the person of a choice is erased.
      const isOver =
        before.requestId === null
          ? after.because === "erasure-requested"
          : closingOf(writes, before.requestId).length > 0;
      const isMoot = needsHuman(before.state) && after.state === "cancelled" && isOver;
      if (!isSame && !isRevived && !isMoot)
        this.wrong("FINAL", `a step that was ${before.state} became ${after.state}`);
      if (isSame && kept > 0) this.wrong("EVIDENCE", "a step that had ended was put into evidence again");
    }
    const endsNow = after.endedAt !== null && before?.endedAt !== after.endedAt;
    if (endsNow) this.count(`ended ${after.state}`);
    if (endsNow) this.#onKept(after);
    if (endsNow && kept !== 1)
      this.wrong("EVIDENCE", `${after.state} (${after.because}) has ${kept} entries of evidence`);
    if (!endsNow && after.endedAt === null && kept > 0)
      this.wrong("EVIDENCE", `a step that is ${after.state} has evidence of its end`);
  }

  /** KEPT: billing keeps the invoices of everybody whose cards it forgets for an erasure. */
  #onKept({ processor, operation, input, outcome }: Row<"steps">): void {
    const { status, retained = [] } = JSON.parse(outcome ?? "{}") as Partial<Told>;
    const { keep = [] } = JSON.parse(input) as { readonly keep?: readonly unknown[] };
    if (operation !== "forgetTokens" || status !== "done" || keep.length === 0) return;
    this.count(`kept ${processor}`);
    if (retained.length === 0) this.wrong("KEPT", `${processor} keeps something, and nothing was told of it`);
  }

  /** A step in hand is let go by who has it, by who takes it over, or by somebody at the office. */
  #onLease({ before, after }: Moved<"steps">, now: string): void {
    if (after.state === "running" && after.attempt !== before?.attempt)
      this.#holders.set(after.id, currentProcess());
    if (before?.state !== "running" || after.state === "running") return;
    const isExpired = before.leaseUntil !== null && before.leaseUntil <= now;
    const isHolder = this.#holders.get(after.id) === currentProcess();
    if (!isHolder && !isExpired && currentProcess()?.startsWith("office") !== true)
      this.wrong("LEASE", `a step was settled as ${after.state} by a process whose lease was lost`);
  }

  #onLifted(writes: readonly Write[]): void {
    for (const entry of entriesOf(writes)) {
      if (entry["kind"] !== "objection.lifted") continue;
      this.count("objection lifted");
      this.acting?.lift(String(entry["processor"]));
    }
  }

  /** An objection keeps the person out from when it begins, unless it is taken back or denied in time. */
  #onObjection({ before, after }: Moved<"requests">): void {
    const { id, recipient, state, closedAt } = after;
    if (recipient === null) return;
    const person = this.owners.get(id);
    const isBegun = before !== undefined && before.state !== "awaiting_verification";
    if (!isBegun && closedAt === null && state !== "awaiting_verification")
      person?.object(id, recipient, this.#now());
    if (state === "withdrawn" || state === "denied") person?.takeBack(id);
  }

  #onRequest({ before, after }: Moved<"requests">, writes: readonly Write[], now: string): void {
    if (before === undefined && this.acting !== undefined) this.owners.set(after.id, this.acting);
    this.#onObjection({ before, after });
    if (before?.state !== after.state) this.note(`request ${after.right} ${after.state}`);
    if (before !== undefined && before.closedAt !== null && before.state !== after.state)
      this.wrong("FINAL", `a request that was ${before.state} became ${after.state}`);
    if (after.closedAt === null || (before !== undefined && before.closedAt !== null)) return;
    this.count(`request ${after.state}`);
    const closing = closingOf(writes, after.id);
    if (closing.length !== 1) this.wrong("EVIDENCE", `a request closed with ${closing.length} entries`);
    // INV-23: a deadline that was missed is told.
    if (closing.some((entry) => entry["late"] !== now >= after.dueAt))
      this.wrong("INV-23", "whether it was late is told wrong");
    const person = this.owners.get(after.id);
    if (isGood(after.state)) this.#onFulfilled(after, person);
    if (person?.frozenBy === after.id) person.unfreeze(isGood(after.state));
  }

  /** heed's own data goes last: whoever chooses anything from now on has come back, also while the request is open. */
  #onOwnDataGone(writes: readonly Write[]): void {
    for (const write of writes) {
      if (!("remove" in write) || write.remove !== "dataKeys" || !Array.isArray(write.where.owner)) continue;
      const owners = new Set<unknown>(write.where.owner);
      for (const person of this.#people) if (owners.has(person.frozenBy)) person.unfreeze(true);
    }
  }

  /** INV-13, INV-21, INV-33, OUT: the world is asked. */
  #onFulfilled(request: Row<"requests">, person: Person | undefined): void {
    const steps = [...this.#mirror.steps.values()].filter((step) => step.requestId === request.id);
    if (steps.some((step) => step.endedAt === null || needsHuman(step.state)))
      this.wrong("INV-21", `${request.right} is ${request.state} while a step is open, failed or a human's`);
    if (person === undefined || this.#company === undefined) return;
    const { vendors, rows } = this.#company;
    for (const email of person.emails) {
      const hasCards = vendors.billing.find(email).some((record) => record.cards > 0);
      if ((request.right === "erasure" || request.right === "forget-tokens") && hasCards)
        this.wrong("INV-33", `${request.right} is ${request.state}, and a card is stored`);
      if (request.recipient === "crm" || request.recipient === "news") {
        this.count("objection fulfilled");
        if (vendors[request.recipient].find(email).length > 0)
          this.wrong("OUT", `the objection is ${request.state}, and ${request.recipient} has a record`);
      }
      const isBack = person.isKnown && person.frozenBy !== request.id;
      if (request.right === "erasure" && !isBack) {
        for (const vendor of [vendors.crm, vendors.news])
          if (vendor.find(email).length > 0)
            this.wrong(
              "INV-13",
              `the erasure is ${request.state}, and ${vendor.processor.name} has a record`,
            );
        if (rows.has(email)) this.wrong("INV-13", `the erasure is ${request.state}, and the row is there`);
      }
      if (request.right === "withdrawal")
        for (const vendor of [vendors.crm, vendors.news])
          for (const topic of vendor.optedIn.get(email) ?? [])
            if (person.state(topic) === "not-given" && !this.#isToBeToldMore(request, vendor.processor.name))
              this.wrong("INV-03", `the withdrawal is ${request.state}, and ${topic} goes on`);
    }
  }

  /** Whether a vendor has still to be told a later no: that one is about a yes since this withdrawal. */
  #isToBeToldMore({ subjectId }: Row<"requests">, vendor: string): boolean {
    return [...this.#mirror.steps.values()].some(
      (step) =>
        step.subjectId === subjectId &&
        step.processor === vendor &&
        step.operation === "unsubscribe" &&
        step.endedAt === null,
    );
  }

  /** An opt-in that had to wait for the end of an erasure counts from when it is applied. */
  #onParked(writes: readonly Write[]): void {
    for (const person of this.#people) {
      for (const [id, said] of person.parked) {
        const isApplied = writes.some(
          (write) => "insert" in write && write.insert === "events" && write.row.id === id,
        );
        const isOver = writes.some(
          (write) => "remove" in write && write.remove === "parked" && write.where.id === id,
        );
        if (isApplied) {
          person.optIn(said);
          person.parked.delete(id);
        } else if (isOver) {
          person.parked.delete(id);
          if (person.erasedAtMs === undefined || person.erasedAtMs < said.effectiveAtMs)
            this.wrong("PARKED", "an opt-in that waited for an erasure to end was lost");
        }
      }
    }
  }
}

/** The evidence that a commit keeps. */
function entriesOf(writes: readonly Write[]): readonly Record<string, unknown>[] {
  return writes.flatMap((write) =>
    "insert" in write && write.insert === "evidence"
      ? [JSON.parse(write.row.entry ?? "") as Record<string, unknown>]
      : [],
  );
}

/** What is kept of a request's end. */
function closingOf(writes: readonly Write[], requestId: string): readonly Record<string, unknown>[] {
  return entriesOf(writes).filter(
    (entry) => entry["kind"] === "request.closed" && entry["requestId"] === requestId,
  );
}
