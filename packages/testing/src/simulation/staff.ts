import type { Desk } from "./desk.ts";
import { doByHand, tellByHand } from "./hands.ts";
import type { Person } from "./model.ts";

const dayMs = 86_400_000;

/** What the company's own people do: its lawyers, and whoever looks after what heed leaves to a human. */
export class Staff {
  readonly #desk: Desk;
  readonly #holds: string[] = [];

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  /** Lawyers have their say: over somebody known, or over everyone. */
  async placeHold(person: Person): Promise<void> {
    const isGeneral = this.#desk.random.chance(0.2);
    if (!isGeneral && !person.isKnown) return;
    const scope = isGeneral ? ({ everyone: true } as const) : { subject: this.#desk.subject(person) };
    const processor = this.#desk.random.pick(["all", "all", "crm", "news", "billing", "app"] as const);
    const order = {
      ...scope,
      ...(processor === "all" ? {} : { processor }),
      reason: this.#desk.nextId(),
      orderedBy: "general-counsel",
      reviewAt: new Date(this.#desk.nowMs() + 365 * dayMs).toISOString(),
    };
    const { answer } = await this.#desk.ask(person, "hold placed", (heed) => heed.holds.place(order));
    if (answer !== undefined) this.#holds.push(answer.id);
  }

  async releaseHold(person: Person): Promise<void> {
    const [id] = this.#holds.splice(this.#desk.random.below(Math.max(1, this.#holds.length)), 1);
    if (id !== undefined) await this.#desk.ask(person, "hold released", (heed) => heed.holds.release(id));
  }

  /** All cases are closed. */
  async releaseHolds(people: readonly Person[]): Promise<void> {
    for (const person of people) while (this.#holds.length > 0) await this.releaseHold(person);
  }

  /** Whoever looks after what heed leaves to a human: by hand in the world, and then on the record. */
  async humanRound(): Promise<void> {
    for (const step of this.#desk.mirror.steps.values()) {
      if (step.state !== "manual" && step.state !== "failed") continue;
      const { id, requestId } = step;
      const { watch, mirror, company, random } = this.#desk;
      const person = requestId === null ? watch.subjects.get(step.subjectId) : watch.owners.get(requestId);
      if (person === undefined) continue;
      if (requestId !== null && mirror.requests.get(requestId)?.closedAt !== null) continue;
      watch.isHumanActing = true;
      if (random.chance(0.4))
        await this.#desk.ask(person, "try again", async (heed) =>
          requestId === null || random.chance(0.3) ? heed.steps.retry(id) : heed.requests.retry(requestId),
        );
      else {
        if (requestId === null) tellByHand(company, person, step.processor);
        else doByHand(company, person, step.processor, step.operation);
        await this.#desk.ask(person, "by hand", (heed) => heed.steps.acknowledge(id));
      }
      watch.isHumanActing = false;
    }
  }
}
