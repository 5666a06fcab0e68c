import type { Desk } from "./desk.ts";
import { moveIn } from "./hands.ts";
import type { Person } from "./model.ts";

const dayMs = 86_400_000;

/** What people ask for as their right, and what goes with having it: they pay no longer, they come back. */
export class Exercising {
  readonly #desk: Desk;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  async erase(person: Person): Promise<void> {
    const identity = this.#desk.random.pick(["signed-in", "signed-in", "unverified"] as const);
    const receivedAt = new Date(this.#desk.nowMs() - this.#desk.random.below(3 * dayMs)).toISOString();
    const subject = { email: person.emails };
    const { answer } = await this.#desk.ask(person, `erasure ${identity}`, (heed) =>
      heed.requests.open({ right: "erasure", subject, identity, receivedAt }),
    );
    if (answer === undefined) return;
    person.isKnown = true;
    this.#begun(person, answer.id);
  }

  /** The person does not want to be at one of the vendors; one of them can be told by hand alone. */
  async object(person: Person): Promise<void> {
    const identity = this.#desk.random.pick(["signed-in", "signed-in", "unverified"] as const);
    const recipient = this.#desk.random.pick(["crm", "crm", "news"] as const);
    const subject = { email: person.emails };
    const { answer } = await this.#desk.ask(person, `objection ${identity}`, (heed) =>
      heed.requests.open({ right: "objection", recipient, subject, identity }),
    );
    if (answer !== undefined) person.isKnown = true;
  }

  /** And changes their mind. */
  async liftObjection(person: Person): Promise<void> {
    const recipient = this.#desk.random.pick(["crm", "crm", "news"] as const);
    const subject = this.#desk.subject(person);
    await this.#desk.ask(person, "objection lifted", (heed) =>
      heed.suppression.lift({
        subject: person.isKnown ? subject : { email: person.emails },
        recipient,
        identity: "signed-in",
      }),
    );
  }

  /** An erasure that has begun freezes the person. */
  #begun(person: Person, requestId: string): void {
    const request = this.#desk.mirror.requests.get(requestId);
    if (request === undefined || request.closedAt !== null || person.frozenBy === requestId) return;
    if (request.right !== "erasure" || request.state === "awaiting_verification") return;
    person.erasedAtMs = undefined;
    person.freeze(requestId, this.#desk.nowMs());
  }

  #openRequests(person: Person, isWanted: (state: string, right: string) => boolean): readonly string[] {
    return [...this.#desk.mirror.requests.values()]
      .filter(
        (request) =>
          request.closedAt === null &&
          this.#desk.watch.owners.get(request.id) === person &&
          isWanted(request.state, request.right),
      )
      .map((request) => request.id);
  }

  async showIdentity(person: Person): Promise<void> {
    const [id] = this.#openRequests(person, (state) => state === "awaiting_verification");
    if (id === undefined) return;
    await this.#desk.ask(person, "identity shown", (heed) =>
      heed.requests.verify({ id, identity: "confirmed-by-link" }),
    );
    this.#begun(person, id);
  }

  async takeBack(person: Person): Promise<void> {
    const [id] = this.#openRequests(person, (_, right) => right !== "withdrawal");
    if (id === undefined) return;
    await (this.#desk.random.chance(0.5)
      ? this.#desk.ask(person, "taken back", (heed) => heed.requests.withdraw(id))
      : this.#desk.ask(person, "denied", (heed) =>
          heed.requests.deny({ id, because: "manifestly-unfounded" }),
        ));
  }

  async stopPaying(person: Person): Promise<void> {
    const isTold = this.#desk.random.chance(0.5);
    for (const email of person.emails)
      for (const record of this.#desk.company.vendors.billing.find(email)) record.isPaying &&= !isTold;
    // The company would not speak of somebody whom it has erased.
    if (!person.isKnown) return;
    const subject = { email: person.emails };
    await this.#desk.ask(person, "paid service ended", (heed) => heed.paidService.ended({ subject }));
  }

  /** The person signs up (again): the application asks before it makes a record of anybody. */
  async signUp(person: Person): Promise<void> {
    const email = this.#desk.random.pick(person.emails);
    const { answer } = await this.#desk.ask(person, "suppression check", (heed) =>
      heed.suppression.check({ email }),
    );
    if (answer?.because === "erased") {
      if (person.frozenBy !== undefined || this.#desk.random.chance(0.5)) return;
    } else if (person.frozenBy !== undefined) {
      this.#desk.watch.wrong("INV-29", "a record may be made of somebody who is being erased");
      return;
    }
    for (const recipient of ["crm", "news"] as const) {
      const { answer: told } = await this.#desk.ask(person, "recipient check", (heed) =>
        heed.suppression.check({ email, recipient }),
      );
      const isOut = person.keptOutSinceMs(recipient) !== undefined;
      if (told !== undefined && told.because !== "erased" && (told.because === "excluded") !== isOut)
        this.#desk.watch.wrong("OUT", `heed says ${told.because} of somebody at ${recipient}`);
    }
    const subject = { email: person.emails };
    const recorded = await this.#desk.ask(person, "sign-up", (heed) =>
      heed.subjects.record({ subject, identityVerified: this.#desk.random.chance(0.5) }),
    );
    if (recorded.refused !== undefined) return;
    person.isKnown = true;
    person.erasedAtMs = undefined;
    moveIn(this.#desk.company, person, this.#desk.random);
  }
}
