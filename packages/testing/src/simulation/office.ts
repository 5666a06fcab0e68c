import type { Keyring } from "@heed/core";
import { Choosing } from "./choosing.ts";
import type { Company } from "./company.ts";
import { Desk } from "./desk.ts";
import { Exercising } from "./exercising.ts";
import type { Mirror } from "./mirror.ts";
import type { Person } from "./model.ts";
import type { Random } from "./random.ts";
import { Staff } from "./staff.ts";
import type { Watch } from "./watch.ts";

/**
 * The company at work: what its people, its web site and its humans ask of heed, with the model kept beside. An
 * act whose answer is lost is asked again, as any caller would.
 */
export class Office {
  readonly #people: readonly Person[];
  readonly #desk: Desk;
  readonly #choosing: Choosing;
  readonly #exercising: Exercising;
  readonly #staff: Staff;

  constructor(
    company: Company,
    people: readonly Person[],
    random: Random,
    watch: Watch,
    mirror: Mirror,
    keys: Keyring,
  ) {
    this.#people = people;
    this.#desk = new Desk(company, random, watch, mirror, keys);
    this.#choosing = new Choosing(this.#desk);
    this.#exercising = new Exercising(this.#desk);
    this.#staff = new Staff(this.#desk);
  }

  /** One act of somebody. */
  async act(): Promise<void> {
    const person = this.#desk.random.pick(this.#people);
    const acts: readonly (readonly [number, () => Promise<void>])[] = [
      [10, () => this.#choosing.optIn(person)],
      [6, () => this.#choosing.import(person)],
      [10, () => this.#choosing.optOut(person)],
      [3, () => this.#choosing.withdraw(person)],
      [12, () => this.#choosing.send(person)],
      [4, () => this.#choosing.openLink()],
      [5, () => this.#exercising.erase(person)],
      [3, () => this.#exercising.object(person)],
      [2, () => this.#exercising.liftObjection(person)],
      [2, () => this.#exercising.showIdentity(person)],
      [2, () => this.#exercising.takeBack(person)],
      [3, () => this.#exercising.stopPaying(person)],
      [5, () => this.#exercising.signUp(person)],
      [3, () => this.#staff.placeHold(person)],
      [4, () => this.#staff.releaseHold(person)],
    ];
    let at = this.#desk.random.below(acts.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, act] of acts) {
      at -= weight;
      if (at < 0) return act();
    }
  }

  /** All cases are closed. */
  async releaseHolds(): Promise<void> {
    await this.#staff.releaseHolds(this.#people);
  }

  /** Whoever looks after what heed leaves to a human: by hand in the world, and then on the record. */
  async humanRound(): Promise<void> {
    await this.#staff.humanRound();
  }
}
