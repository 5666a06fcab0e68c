import { isHeedError, type Heed, type Keyring, type Permit } from "@heed/core";
import type { Company } from "./company.ts";
import { topics } from "./company.ts";
import { doByHand, moveIn } from "./hands.ts";
import type { Mirror } from "./mirror.ts";
import type { Person, Said } from "./model.ts";
import { startProcess, type Process } from "./process.ts";
import type { Random } from "./random.ts";
import type { Watch } from "./watch.ts";

const minuteMs = 60_000;
const dayMs = 86_400_000;

/** What heed may answer to an act that comes at the wrong moment. */
const mayBe: ReadonlySet<string> = new Set([
  "frozen",
  "request-ended",
  "too-late",
  "already-verified",
  "subject-erased",
  "nothing-to-retry",
  "not-acknowledgeable",
]);

type Answer<T> =
  | { readonly answer: T; readonly refused?: never }
  | { readonly answer?: never; readonly refused: string };

/**
 * The company at work: what its people, its web site and its humans ask of heed, with the model kept beside. An
 * act whose answer is lost is asked again, as any caller would.
 */
export class Office {
  readonly #company: Company;
  readonly #people: readonly Person[];
  readonly #random: Random;
  readonly #watch: Watch;
  readonly #mirror: Mirror;
  readonly #keys: Keyring;
  readonly #tokens: {
    readonly token: string;
    readonly person: Person;
    readonly email: string;
    readonly topic: string;
  }[] = [];
  #process: Process;
  readonly #holds: string[] = [];
  #made = 0;

  constructor(
    company: Company,
    people: readonly Person[],
    random: Random,
    watch: Watch,
    mirror: Mirror,
    keys: Keyring,
  ) {
    this.#company = company;
    this.#people = people;
    this.#random = random;
    this.#watch = watch;
    this.#mirror = mirror;
    this.#keys = keys;
    this.#process = this.#start();
  }

  #start(): Process {
    const luck = { fails: 0.03, dies: 0.01 };
    const started = startProcess(
      `office ${this.#made}`,
      this.#company,
      this.#keys,
      this.#random.fork(`office ${this.#made}`),
      luck,
      {
        pollMs: dayMs,
      },
    );
    for (const event of ["choice.recorded", "request.opened", "request.changed", "step.settled"] as const)
      started.heed.on(event, (told) => this.#mayNotTell(JSON.stringify(told)));
    return started;
  }

  #mayNotTell(text: string): void {
    if (text.includes("canary")) this.#watch.wrong("INV-14", "an event or an error quotes an address");
  }

  #now(): number {
    return this.#company.clock.now().getTime();
  }

  #nextId(): string {
    this.#made += 1;
    return `act-${this.#made}`;
  }

  /** Asks until there is an answer: a failed storage, and a process that dies, are no answer. */
  async #ask<T>(person: Person, what: string, work: (heed: Heed) => Promise<T>): Promise<Answer<T>> {
    this.#watch.acting = person;
    this.#watch.count(`act ${what}`);
    try {
      for (;;) {
        const current = this.#process;
        const asked = current
          .inside(() => work(current.heed))
          .then(
            (answer): Answer<T> => ({ answer }),
            (error: unknown): Answer<T> => ({ refused: this.#codeOf(error) }),
          );
        const answer = await Promise.race([asked, current.storage.died.then(() => "died" as const)]);
        if (answer === "died") this.#process = this.#start();
        else if (answer.refused !== "storage-failed") {
          this.#watch.note(`${person.name} ${what} ${answer.refused ?? "done"}`);
          if (answer.refused !== undefined && !mayBe.has(answer.refused))
            this.#watch.wrong("INV-08", `${what} was refused: ${answer.refused}`);
          return answer;
        }
        this.#made += 1;
      }
    } finally {
      this.#watch.acting = undefined;
    }
  }

  #codeOf(error: unknown): string {
    const cause = error instanceof Error ? `${error.message} ${String(error.cause)}` : String(error);
    this.#mayNotTell(cause);
    return isHeedError(error) ? error.code : `a defect: ${cause}`;
  }

  /** The person, by some of their addresses where heed knows them all, and spelled as people do. */
  #subject(person: Person): { readonly email: readonly string[] } {
    const emails = person.isKnown ? this.#random.some(person.emails) : person.emails;
    return { email: emails.map((email) => (this.#random.chance(0.2) ? email.toUpperCase() : email)) };
  }

  /** Who comes back after an erasure, or waits for one to end, names every address again. */
  #optingIn(person: Person): { readonly email: readonly string[] } {
    const isGoing = person.frozenBy !== undefined || person.erasedAtMs !== undefined;
    return isGoing ? { email: person.emails } : this.#subject(person);
  }

  /** One act of somebody. */
  async act(): Promise<void> {
    const person = this.#random.pick(this.#people);
    const acts: readonly (readonly [number, () => Promise<void>])[] = [
      [10, () => this.#optIn(person)],
      [6, () => this.#import(person)],
      [10, () => this.#optOut(person)],
      [3, () => this.#withdraw(person)],
      [12, () => this.#send(person)],
      [4, () => this.#openLink()],
      [5, () => this.#erase(person)],
      [2, () => this.#showIdentity(person)],
      [2, () => this.#takeBack(person)],
      [3, () => this.#stopPaying(person)],
      [5, () => this.#signUp(person)],
      [3, () => this.#placeHold(person)],
      [4, () => this.#releaseHold(person)],
    ];
    let at = this.#random.below(acts.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, act] of acts) {
      at -= weight;
      if (at < 0) return act();
    }
  }

  async #optIn(person: Person): Promise<void> {
    const isTopic = this.#random.chance(0.7);
    const name = isTopic ? this.#random.pick(topics) : person.purpose;
    const details = { id: this.#nextId(), evidence: { noticeVersion: "canary" } } as const;
    const subject = this.#optingIn(person);
    const { answer } = await this.#ask(person, "opt-in", (heed) =>
      isTopic
        ? heed.subscriptions.subscribe({ subject, topic: name, ...details })
        : heed.consent.give({ subject, purpose: name, ...details }),
    );
    this.#optedIn(person, answer, {
      id: details.id,
      scope: isTopic ? "topic" : "purpose",
      name,
      effectiveAtMs: this.#now(),
    });
  }

  async #import(person: Person): Promise<void> {
    const atMs = this.#now() - this.#random.between(1, 20 * dayMs);
    const at = new Date(atMs).toISOString();
    const topic = this.#random.pick(topics);
    const id = this.#nextId();
    const said = { id, scope: "topic", name: topic, effectiveAtMs: atMs } as const;
    const subject = this.#optingIn(person);
    const about = { subject, topic, id, at, imported: true } as const;
    if (this.#random.chance(0.6)) {
      const { answer } = await this.#ask(person, "import opt-in", (heed) =>
        heed.subscriptions.subscribe({ ...about, evidence: { none: true } }),
      );
      this.#optedIn(person, answer, said);
      return;
    }
    await this.#ask(person, "import opt-out", (heed) => heed.subscriptions.unsubscribe(about));
    person.optOut(said, this.#now());
  }

  #optedIn(
    person: Person,
    answer: { readonly parked: boolean } | undefined,
    said: Omit<Said, "isOptOut">,
  ): void {
    if (answer === undefined) return;
    if (answer.parked !== (person.frozenBy !== undefined))
      this.#watch.wrong("PARKED", `an opt-in was ${answer.parked ? "" : "not "}parked`);
    if (answer.parked) person.parked.set(said.id, { ...said, isOptOut: false });
    else person.optIn(said);
  }

  async #optOut(person: Person): Promise<void> {
    const subject = this.#subject(person);
    const kind = this.#random.pick(["topic", "topic", "all", "purpose"] as const);
    const name = kind === "topic" ? this.#random.pick(topics) : kind === "purpose" ? person.purpose : "";
    const id = this.#nextId();
    await this.#ask(person, "opt-out", (heed) =>
      kind === "purpose"
        ? heed.consent.withdraw({ subject, purpose: name, id })
        : heed.subscriptions.unsubscribe({ subject, topic: kind === "all" ? "all" : name, id }),
    );
    person.optOut({ id, scope: kind, name, effectiveAtMs: this.#now() }, this.#now());
  }

  async #withdraw(person: Person): Promise<void> {
    const subject = this.#subject(person);
    const isAll = this.#random.chance(0.5);
    await this.#ask(person, "withdrawal", (heed) =>
      heed.requests.open({
        right: "withdrawal",
        subject,
        identity: "unverified",
        ...(isAll ? {} : { purpose: person.purpose }),
      }),
    );
    const said = { scope: isAll ? "all" : "purpose", name: isAll ? "" : person.purpose } as const;
    person.optOut({ id: this.#nextId(), ...said, effectiveAtMs: this.#now() }, this.#now());
  }

  async #send(person: Person): Promise<void> {
    const email = this.#random.pick(person.emails);
    const topic = this.#random.pick(topics);
    const messageKey = this.#nextId();
    // A message is asked for once: where the answer was lost, it is not sent.
    const { answer, refused } = await this.#ask(person, "permit", (heed) =>
      heed.permits.take({ topic, email, messageKey }).catch((error: unknown) => {
        if (isHeedError(error) && error.code === "storage-failed") return undefined;
        throw error;
      }),
    );
    if (answer === undefined || refused !== undefined) return;
    const may = person.mayMail(email, topic);
    const isLost = !answer.allowed && answer.because === "already-sent";
    if (answer.allowed !== may && person.parked.size === 0 && !isLost)
      this.#watch.wrong("INV-09", `a permit was ${answer.allowed ? "given" : `refused (${answer.because})`}`);
    if (!answer.allowed) return;
    const { unsubscribeToken: token } = answer;
    if (token !== undefined) this.#tokens.push({ token, person, email, topic });
    else this.#watch.wrong("INV-08", "a marketing permit came without a way to say no");
    if (this.#random.chance(0.8)) void this.#handOver(person, topic, answer, this.#now());
  }

  /** INV-09, INV-11: the decision is made when the message leaves, and not when it was meant to. */
  async #handOver(person: Person, topic: string, permit: Permit, takenAtMs: number): Promise<void> {
    await this.#company.clock.sleep(this.#random.between(0, 3 * minuteMs));
    const goes = await permit.handOver().catch(() => false);
    if (!goes) return;
    this.#watch.count("handed over");
    if (person.optedOutBetween(topic, takenAtMs, this.#now()))
      this.#watch.wrong("INV-11", `${topic} was handed over after an opt-out was recorded`);
    if (person.frozenBy !== undefined && person.frozenAtMs < this.#now())
      this.#watch.wrong("INV-10", `${topic} was handed over to somebody who is being erased`);
    await permit.settle(this.#random.pick(["accepted", "rejected", "deferred"] as const)).catch(() => {});
  }

  async #openLink(): Promise<void> {
    if (this.#tokens.length === 0) return;
    const { token, person, email, topic } = this.#random.pick(this.#tokens);
    const scope = this.#random.pick(["topic", "all"] as const);
    const isKnown = person.isKnown;
    await this.#ask(person, "link", (heed) => heed.links.unsubscribe({ token, scope }));
    const said = {
      id: this.#nextId(),
      scope,
      name: scope === "all" ? "" : topic,
      effectiveAtMs: this.#now(),
    };
    // Of somebody erased, heed knows nothing but that this one address is to be silent.
    if (isKnown) person.optOut(said, this.#now());
    else person.silence([email], scope === "all" ? "all" : `topic:${topic}`, this.#now());
  }

  async #erase(person: Person): Promise<void> {
    const identity = this.#random.pick(["signed-in", "signed-in", "unverified"] as const);
    const receivedAt = new Date(this.#now() - this.#random.below(3 * dayMs)).toISOString();
    const subject = { email: person.emails };
    const { answer } = await this.#ask(person, `erasure ${identity}`, (heed) =>
      heed.requests.open({ right: "erasure", subject, identity, receivedAt }),
    );
    if (answer === undefined) return;
    person.isKnown = true;
    this.#begun(person, answer.id);
  }

  /** An erasure that has begun freezes the person. */
  #begun(person: Person, requestId: string): void {
    const request = this.#mirror.requests.get(requestId);
    if (request === undefined || request.closedAt !== null || person.frozenBy === requestId) return;
    if (request.right !== "erasure" || request.state === "awaiting_verification") return;
    person.erasedAtMs = undefined;
    person.freeze(requestId, this.#now());
  }

  #openRequests(person: Person, isWanted: (state: string, right: string) => boolean): readonly string[] {
    return [...this.#mirror.requests.values()]
      .filter(
        (request) =>
          request.closedAt === null &&
          this.#watch.owners.get(request.id) === person &&
          isWanted(request.state, request.right),
      )
      .map((request) => request.id);
  }

  async #showIdentity(person: Person): Promise<void> {
    const [id] = this.#openRequests(person, (state) => state === "awaiting_verification");
    if (id === undefined) return;
    await this.#ask(person, "identity shown", (heed) =>
      heed.requests.verify({ id, identity: "confirmed-by-link" }),
    );
    this.#begun(person, id);
  }

  async #takeBack(person: Person): Promise<void> {
    const [id] = this.#openRequests(person, (_, right) => right !== "withdrawal");
    if (id === undefined) return;
    await (this.#random.chance(0.5)
      ? this.#ask(person, "taken back", (heed) => heed.requests.withdraw(id))
      : this.#ask(person, "denied", (heed) => heed.requests.deny({ id, because: "manifestly-unfounded" })));
  }

  async #stopPaying(person: Person): Promise<void> {
    const isTold = this.#random.chance(0.5);
    for (const email of person.emails)
      for (const record of this.#company.vendors.billing.find(email)) record.isPaying &&= !isTold;
    // The company would not speak of somebody whom it has erased.
    if (!person.isKnown) return;
    const subject = { email: person.emails };
    await this.#ask(person, "paid service ended", (heed) => heed.paidService.ended({ subject }));
  }

  /** The person signs up (again): the application asks before it makes a record of anybody. */
  async #signUp(person: Person): Promise<void> {
    const email = this.#random.pick(person.emails);
    const { answer } = await this.#ask(person, "suppression check", (heed) =>
      heed.suppression.check({ email }),
    );
    if (answer?.because === "erased") {
      if (person.frozenBy !== undefined || this.#random.chance(0.5)) return;
    } else if (person.frozenBy !== undefined) {
      this.#watch.wrong("INV-29", "a record may be made of somebody who is being erased");
      return;
    }
    const subject = { email: person.emails };
    const recorded = await this.#ask(person, "sign-up", (heed) =>
      heed.subjects.record({ subject, identityVerified: this.#random.chance(0.5) }),
    );
    if (recorded.refused !== undefined) return;
    person.isKnown = true;
    person.erasedAtMs = undefined;
    moveIn(this.#company, person, this.#random);
  }

  /** Lawyers have their say: over somebody known, or over everyone. */
  async #placeHold(person: Person): Promise<void> {
    const isGeneral = this.#random.chance(0.2);
    if (!isGeneral && !person.isKnown) return;
    const scope = isGeneral ? ({ everyone: true } as const) : { subject: this.#subject(person) };
    const processor = this.#random.pick(["all", "all", "crm", "news", "billing", "app"] as const);
    const order = {
      ...scope,
      ...(processor === "all" ? {} : { processor }),
      reason: this.#nextId(),
      orderedBy: "general-counsel",
      reviewAt: new Date(this.#now() + 365 * dayMs).toISOString(),
    };
    const { answer } = await this.#ask(person, "hold placed", (heed) => heed.holds.place(order));
    if (answer !== undefined) this.#holds.push(answer.id);
  }

  async #releaseHold(person: Person): Promise<void> {
    const [id] = this.#holds.splice(this.#random.below(Math.max(1, this.#holds.length)), 1);
    if (id !== undefined) await this.#ask(person, "hold released", (heed) => heed.holds.release(id));
  }

  /** All cases are closed. */
  async releaseHolds(): Promise<void> {
    for (const person of this.#people) while (this.#holds.length > 0) await this.#releaseHold(person);
  }

  /** Whoever looks after what heed leaves to a human: by hand in the world, and then on the record. */
  async humanRound(): Promise<void> {
    for (const step of this.#mirror.steps.values()) {
      if (step.state !== "manual" && step.state !== "failed") continue;
      const { requestId } = step;
      if (requestId === null) continue;
      const person = this.#watch.owners.get(requestId);
      if (person === undefined || this.#mirror.requests.get(requestId)?.closedAt !== null) continue;
      this.#watch.isHumanActing = true;
      if (this.#random.chance(0.4))
        await this.#ask(person, "try again", (heed) => heed.requests.retry(requestId));
      else {
        doByHand(this.#company, person, step.processor, step.operation);
        await this.#ask(person, "by hand", (heed) =>
          heed.requests.acknowledge({ id: requestId, step: step.id }),
        );
      }
      this.#watch.isHumanActing = false;
    }
  }
}
