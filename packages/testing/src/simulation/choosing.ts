import { isHeedError, type Permit } from "@heed/core";
import { topics } from "./company.ts";
import type { Desk } from "./desk.ts";
import type { Person, Said } from "./model.ts";

const minuteMs = 60_000;
const dayMs = 86_400_000;

/** What people choose, at the web site or by the link in a message, and whether they are written to. */
export class Choosing {
  readonly #desk: Desk;
  readonly #tokens: {
    readonly token: string;
    readonly person: Person;
    readonly email: string;
    readonly topic: string;
  }[] = [];

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  async optIn(person: Person): Promise<void> {
    const isTopic = this.#desk.random.chance(0.7);
    const name = isTopic ? this.#desk.random.pick(topics) : person.purpose;
    const details = { id: this.#desk.nextId(), evidence: { noticeVersion: "canary" } } as const;
    const subject = this.#desk.optingIn(person);
    const { answer } = await this.#desk.ask(person, "opt-in", (heed) =>
      isTopic
        ? heed.subscriptions.subscribe({ subject, topic: name, ...details })
        : heed.consent.give({ subject, purpose: name, ...details }),
    );
    this.#optedIn(person, answer, {
      id: details.id,
      scope: isTopic ? "topic" : "purpose",
      name,
      effectiveAtMs: this.#desk.nowMs(),
    });
  }

  async import(person: Person): Promise<void> {
    const atMs = this.#desk.nowMs() - this.#desk.random.between(1, 20 * dayMs);
    const at = new Date(atMs).toISOString();
    const topic = this.#desk.random.pick(topics);
    const id = this.#desk.nextId();
    const said = { id, scope: "topic", name: topic, effectiveAtMs: atMs } as const;
    const subject = this.#desk.optingIn(person);
    const about = { subject, topic, id, at, imported: true } as const;
    if (this.#desk.random.chance(0.6)) {
      const { answer } = await this.#desk.ask(person, "import opt-in", (heed) =>
        heed.subscriptions.subscribe({ ...about, evidence: { none: true } }),
      );
      this.#optedIn(person, answer, said);
      return;
    }
    await this.#desk.ask(person, "import opt-out", (heed) => heed.subscriptions.unsubscribe(about));
    person.optOut(said, this.#desk.nowMs());
  }

  #optedIn(
    person: Person,
    answer: { readonly parked: boolean } | undefined,
    said: Omit<Said, "isOptOut">,
  ): void {
    if (answer === undefined) return;
    if (answer.parked !== (person.frozenBy !== undefined))
      this.#desk.watch.wrong("PARKED", `an opt-in was ${answer.parked ? "" : "not "}parked`);
    if (answer.parked) person.parked.set(said.id, { ...said, isOptOut: false });
    else person.optIn(said);
  }

  async optOut(person: Person): Promise<void> {
    const subject = this.#desk.subject(person);
    const kind = this.#desk.random.pick(["topic", "topic", "all", "purpose"] as const);
    const name = kind === "topic" ? this.#desk.random.pick(topics) : kind === "purpose" ? person.purpose : "";
    const id = this.#desk.nextId();
    await this.#desk.ask(person, "opt-out", (heed) =>
      kind === "purpose"
        ? heed.consent.withdraw({ subject, purpose: name, id })
        : heed.subscriptions.unsubscribe({ subject, topic: kind === "all" ? "all" : name, id }),
    );
    person.optOut({ id, scope: kind, name, effectiveAtMs: this.#desk.nowMs() }, this.#desk.nowMs());
  }

  async withdraw(person: Person): Promise<void> {
    const subject = this.#desk.subject(person);
    const isAll = this.#desk.random.chance(0.5);
    await this.#desk.ask(person, "withdrawal", (heed) =>
      heed.requests.open({
        right: "withdrawal",
        subject,
        identity: "unverified",
        ...(isAll ? {} : { purpose: person.purpose }),
      }),
    );
    const said = { scope: isAll ? "all" : "purpose", name: isAll ? "" : person.purpose } as const;
    person.optOut(
      { id: this.#desk.nextId(), ...said, effectiveAtMs: this.#desk.nowMs() },
      this.#desk.nowMs(),
    );
  }

  async send(person: Person): Promise<void> {
    const email = this.#desk.random.pick(person.emails);
    const topic = this.#desk.random.pick(topics);
    const messageKey = this.#desk.nextId();
    // A message is asked for once: where the answer was lost, it is not sent.
    const { answer, refused } = await this.#desk.ask(person, "permit", (heed) =>
      heed.permits.take({ topic, email, messageKey }).catch((error: unknown) => {
        if (isHeedError(error) && error.code === "storage-failed") return undefined;
        throw error;
      }),
    );
    if (answer === undefined || refused !== undefined) return;
    const may = person.mayMail(email, topic);
    const isLost = !answer.allowed && answer.because === "already-sent";
    if (answer.allowed !== may && person.parked.size === 0 && !isLost)
      this.#desk.watch.wrong(
        "INV-09",
        `a permit was ${answer.allowed ? "given" : `refused (${answer.because})`}`,
      );
    if (!answer.allowed) return;
    const { unsubscribeToken: token } = answer;
    if (token !== undefined) this.#tokens.push({ token, person, email, topic });
    else this.#desk.watch.wrong("INV-08", "a marketing permit came without a way to say no");
    if (this.#desk.random.chance(0.8)) void this.#handOver(person, topic, answer, this.#desk.nowMs());
  }

  /** INV-09, INV-11: the decision is made when the message leaves, and not when it was meant to. */
  async #handOver(person: Person, topic: string, permit: Permit, takenAtMs: number): Promise<void> {
    await this.#desk.company.clock.sleep(this.#desk.random.between(0, 3 * minuteMs));
    const goes = await permit.handOver().catch(() => false);
    if (!goes) return;
    this.#desk.watch.count("handed over");
    if (person.optedOutBetween(topic, takenAtMs, this.#desk.nowMs()))
      this.#desk.watch.wrong("INV-11", `${topic} was handed over after an opt-out was recorded`);
    if (person.frozenBy !== undefined && person.frozenAtMs < this.#desk.nowMs())
      this.#desk.watch.wrong("INV-10", `${topic} was handed over to somebody who is being erased`);
    await permit
      .settle(this.#desk.random.pick(["accepted", "rejected", "deferred"] as const))
      .catch(() => {});
  }

  async openLink(): Promise<void> {
    if (this.#tokens.length === 0) return;
    const { token, person, email, topic } = this.#desk.random.pick(this.#tokens);
    const scope = this.#desk.random.pick(["topic", "all"] as const);
    const isKnown = person.isKnown;
    await this.#desk.ask(person, "link", (heed) => heed.links.unsubscribe({ token, scope }));
    const said = {
      id: this.#desk.nextId(),
      scope,
      name: scope === "all" ? "" : topic,
      effectiveAtMs: this.#desk.nowMs(),
    };
    // Of somebody erased, heed knows nothing but that this one address is to be silent.
    if (isKnown) person.optOut(said, this.#desk.nowMs());
    else person.silence([email], scope === "all" ? "all" : `topic:${topic}`, this.#desk.nowMs());
  }
}
