import type { Checked } from "@heed/core/contract";
import { setTimeout as sleep } from "node:timers/promises";
import { vendorProcessors, type Vendors } from "../axcrypt.ts";
import type { Person } from "../people.ts";
import type { Pace, Town } from "../town.ts";
import type { OwnCast } from "./cast.ts";
import type { Credentials } from "./credentials.ts";
import { hubspotDesk } from "./hubspot-desk.ts";
import { stripeDesk } from "./stripe-desk.ts";

/** Where the vendors are, and how fast. There is no variable for it: nobody should send a token elsewhere by mistake. */
export interface Elsewhere {
  readonly hubspot: string;
  readonly stripe: string;
  readonly pace: Pace;
}

/** A town of real accounts: what it makes is of this run alone. */
export interface Accounts extends Town {
  /** Opens each account by its adapter, and says what that proves. */
  check(): Promise<readonly AccountCheck[]>;
  /** Ends all that people of this run pay. */
  endPaidService(): Promise<void>;
  /** What is left at the vendors of this run: found by its addresses and by what it made. */
  left(): Promise<Left>;
}

/** What the check of a vendor's account proves. */
export interface AccountCheck extends Checked {
  readonly vendor: string;
}

/** What of a run is still at the vendors, by their names for it. */
export interface Left {
  readonly hubspot: readonly string[];
  readonly stripe: readonly string[];
}

/** The customers that were made for a person, and their cards. */
interface Made {
  readonly person: Person;
  readonly customers: string[];
  readonly cards: string[];
}

const vendorsThemselves = { hubspot: "https://api.hubapi.com", stripe: "https://api.stripe.com" };

/** As patient as HubSpot's and Stripe's settling times ask for. */
const ownPace: Pace = { leaseMs: 30_000, patienceMs: 180_000 };

/**
 * Opens the accounts, by reading only.
 *
 * @param interrupted nothing is made any more once it is aborted
 * @throws Refusal when a vendor does not let in, or HubSpot has too few subscription types
 */
export async function openAccounts(
  { hubspotToken, stripeKey, smtp, mailbox }: Credentials,
  cast: OwnCast,
  interrupted: AbortSignal,
  elsewhere?: Elsewhere,
): Promise<Accounts> {
  const at = elsewhere ?? vendorsThemselves;
  const hubspot = hubspotDesk({ baseUrl: at.hubspot, token: hubspotToken });
  const stripe = stripeDesk({ baseUrl: at.stripe, token: stripeKey });
  const [portalId, topics, account] = [
    await hubspot.portalId(),
    await hubspot.topics(),
    await stripe.account(),
  ];
  const vendors: Vendors = {
    hubspot: { accessToken: hubspotToken, portalId, topics, baseUrl: at.hubspot },
    stripe: { apiKey: stripeKey, account, baseUrl: at.stripe },
  };
  const addresses = [...new Set([...cast.people, ...cast.wishes].map(({ email }) => email))];
  const contacts: string[] = [];
  const made: Made[] = [];
  let product: string | undefined;

  async function make<T>(one: () => Promise<T>): Promise<T> {
    interrupted.throwIfAborted();
    return one();
  }

  async function makeCustomer(
    person: Person,
    { cards, paying }: Person["stripe"][number],
    product: string,
    of: Made,
  ) {
    const customer = await make(() => stripe.addCustomer(person.email, person.name));
    of.customers.push(customer);
    for (let card = 0; card < cards; card += 1) of.cards.push(await make(() => stripe.addCard(customer)));
    const [card] = of.cards;
    if (!paying || card === undefined) return;
    await make(() => stripe.subscribe(customer, card, product));
  }

  return {
    about: [
      `HubSpot: account ${portalId}   Stripe: account ${account}, test mode   (real accounts)`,
      `SMTP: ${smtp.host}   Letters: ${cast.tag}-…, to the mailbox ${mailbox}`,
    ],
    vendors,
    mail: { transport: smtp, from: mailbox },
    pace: elsewhere?.pace ?? ownPace,
    async check() {
      const { crm, billing } = vendorProcessors(vendors);
      const context = {
        // As fast as Stripe's test mode allows.
        turn: () => sleep(50),
        signal: AbortSignal.any([interrupted, AbortSignal.timeout(120_000)]),
        now: () => new Date(),
      };
      return [
        { vendor: "HubSpot", ...(await crm.check(context)) },
        { vendor: "Stripe", ...(await billing.check(context)) },
      ];
    },
    async settle(person, application) {
      // Before anybody is there: it is what a restricted key most likely may not make.
      const paidFor = (product ??= await make(() => stripe.addProduct("heed demo")));
      if (person.hasAccount) application.signUp(person);
      if (person.isHubspotContact)
        contacts.push(await make(() => hubspot.addContact(person.email, person.name)));
      const of: Made = { person, customers: [], cards: [] };
      made.push(of);
      for (const customer of person.stripe) await makeCustomer(person, customer, paidFor, of);
    },
    linkReceived: () => undefined,
    async searchHubspot(text) {
      const seen = await hubspot.find(addresses, contacts);
      return seen.filter((contact) => occursIn(contact, text)).map(({ id }) => `contact ${id}`);
    },
    async searchStripe(text) {
      const seen = text.includes("@") ? [...(await stripe.customersOf(text))] : [];
      for (const { person, customers, cards } of made) {
        if (!occursIn(person, text)) continue;
        for (const customer of customers) seen.push(...(await stripe.recordsOf(customer)));
        for (const card of cards) seen.push(await stripe.card(card));
      }
      return [...new Set(seen.filter((each) => occursIn(each, text)).map(({ object }) => object))];
    },
    async countCards(email) {
      let count = 0;
      for (const { customers } of made.filter(({ person }) => person.email === email))
        for (const customer of customers) count += (await stripe.cardsOf(customer)).length;
      return count;
    },
    async endPaidService() {
      for (const customer of made.flatMap(({ customers }) => customers))
        await stripe.cancelSubscriptions(customer);
      if (product !== undefined) await stripe.archiveProduct(product);
    },
    async left() {
      const customers: string[] = [];
      for (const address of addresses)
        for (const { id } of await stripe.customersOf(address)) customers.push(`customer ${id}`);
      return {
        hubspot: (await hubspot.find(addresses, contacts)).map(({ id }) => `contact ${id}`),
        stripe: [...customers, ...(product === undefined ? [] : [`product ${product}`])],
      };
    },
    close: () => Promise.resolve(),
  };
}

const occursIn = (seen: object, text: string): boolean =>
  JSON.stringify(seen).toLowerCase().includes(JSON.stringify(text).slice(1, -1).toLowerCase());
