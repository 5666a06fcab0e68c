import { http, type HttpHandler } from "msw";
import type { HubspotClient } from "../hubspot-client.ts";
import { accountRoutes } from "./account-routes.ts";
import { associationRoutes } from "./association-routes.ts";
import { countCalls, type PortalCall } from "./call-log.ts";
import { clientOf } from "./client.ts";
import { contactRoutes, newContact } from "./contact-routes.ts";
import { findByEmail, keepContact, mergeContacts, setProperties, statusOf } from "./contacts.ts";
import { dossierOf, searchState, type Dossier } from "./dossier.ts";
import { answering, type PortalParts } from "./endpoint.ts";
import { createFaults, type PortalFault } from "./faults.ts";
import { listRoutes } from "./list-routes.ts";
import { createNotices, type PortalEvent } from "./notices.ts";
import { objectRoutes } from "./object-routes.ts";
import { createOptOutMirror, wideProperty } from "./opt-out-mirror.ts";
import { withDefaults, type HubspotPortalOptions } from "./options.ts";
import { preferenceBatchRoutes } from "./preference-batch-routes.ts";
import { preferenceRoutes } from "./preference-routes.ts";
import { propertyRoutes } from "./property-routes.ts";
import { createRateMeter } from "./rate-meter.ts";
import {
  blocklistEntry,
  fold,
  hint,
  preferenceKey,
  type ContactRecord,
  type StatusState,
} from "./records.ts";
import { serve, type ListeningPortal } from "./serve.ts";
import { createStore } from "./store.ts";

/** A contact to set a scene with. */
export interface ContactSeed {
  readonly email?: string;
  readonly additionalEmails?: readonly string[];
  readonly properties?: Readonly<Record<string, string>>;
  /** Archived from the start. */
  readonly archived?: boolean;
}

/** A HubSpot account in memory: asked over HTTP as HubSpot is, and looked into directly by tests. */
export interface HubspotPortal {
  readonly portalId: string;
  readonly accessToken: string;
  /** Every call that arrived, in order, as far as it is remembered. */
  readonly calls: readonly PortalCall[];
  /** How many calls went to a route: a part of its name, or a pattern; all without one. */
  countCalls(route?: string | RegExp): number;
  /** Makes the next matching calls go wrong. */
  inject(fault: PortalFault): void;
  /** Nothing goes wrong any more. */
  heal(): void;

  /** Adds a contact as a form or an import would; returns its id. */
  addContact(seed: ContactSeed): string;
  /** Adds a note, call, e-mail, … about contacts; returns its id. */
  addEngagement(engagement: { type: string; body: string; contactIds: readonly string[] }): string;
  /** Adds a static list of contacts; returns its id. */
  addList(list: { name: string; contactIds: readonly string[] }): string;
  /** Opts an address out of everything of a brand, as the person would on HubSpot's page. Default brand `"0"`. */
  optOutOfAll(email: string, brandId?: string): void;
  /** Sets a preference as the person would on HubSpot's page. */
  choose(email: string, subscriptionId: string, status: StatusState): void;
  /** From now on the portal refuses (400) every change of this person and of their preferences. */
  refuse(email: string): void;
  /** Archives a contact, note, ticket, … as HubSpot's own interface does. */
  archive(id: string): void;
  /** Brings an archived contact back, as HubSpot's own interface does. */
  restore(id: string): void;
  /** Merges `otherId` into `primaryId`, as HubSpot's own interface does. */
  merge(primaryId: string, otherId: string): void;

  /** The preference that counts for an address now, whatever reads see. */
  status(email: string, subscriptionId: string): StatusState;
  /** Whether an address is opted out of everything of a brand. Default brand `"0"`. */
  isOptedOutOfAll(email: string, brandId?: string): boolean;
  /** Whether an address is on the blocklist of GDPR delete. */
  isBlocked(email: string): boolean;
  /** Everything held about one address. */
  dossier(email: string): Dossier;
  /** Where a text occurs in anything the portal holds about people; empty when nowhere. */
  search(text: string): readonly string[];

  /** What happened, as webhooks tell of it: contacts that came, went, came back, were merged or got another address by the API, changes of opt-outs. For a test to deliver, in any order. */
  readonly events: readonly PortalEvent[];
  /** A webhook to this address with some events, signed as HubSpot signs, now. */
  signed(url: string, events: readonly PortalEvent[]): Request;

  /** Answers one request, wherever it was to go; what no route knows is refused. A broken connection is a network error. */
  answer(request: Request): Promise<Response>;
  /**
   * The same as a client for `hubspot({ client })`, in this process and without a socket. `answer` is what its requests
   * go to, for a test that looks on or steps in between; default: the portal's own. A broken connection rejects.
   */
  client(answer?: (request: Request) => Promise<Response>): HubspotClient;
  /** The same for MSW. Default `baseUrl`: `https://api.hubapi.com`. */
  handlers(baseUrl?: string): HttpHandler[];
  /** The same on loopback. Default port: any that is free. */
  listen(port?: number): Promise<ListeningPortal>;
}

/**
 * Opens a stand-in for a HubSpot account.
 *
 * @example
 * const portal = hubspotPortal({ definitions: [{ id: "4711" }] });
 * const server = await portal.listen();
 */
export function hubspotPortal(options: HubspotPortalOptions = {}): HubspotPortal {
  const settings = withDefaults(options);
  const store = createStore(settings.now, settings.lagMs);
  const faults = createFaults();
  const calls: PortalCall[] = [];
  const refused = new Set<string>();
  const notices = createNotices(settings);
  const delayMs = Math.max(settings.lagMs, settings.optOutPropertyDelayMs);
  const mirror = createOptOutMirror(settings.now, delayMs, (email, propertyName, isOut) => {
    const contact = findByEmail(store.current, email, false);
    // The properties are about the address that HubSpot sends to.
    if (contact?.properties["email"] !== fold(email)) return;
    notices.add("contact.propertyChange", contact.id, { propertyName, propertyValue: String(isOut) });
  });
  let lastId = 100;
  const nextId = () => String((lastId += 1));
  const parts: PortalParts = {
    settings,
    store,
    faults,
    meter: createRateMeter(settings),
    calls,
    mirror,
    notices,
    refused,
    nextId,
  };
  const answer = answering(parts, [
    ...accountRoutes(parts),
    ...contactRoutes(parts),
    ...objectRoutes(parts),
    ...associationRoutes(parts),
    ...propertyRoutes(parts),
    ...listRoutes(parts),
    ...preferenceBatchRoutes(parts),
    ...preferenceRoutes(parts),
  ]);
  const now = () => settings.now().toISOString();

  function contactOf(id: string): ContactRecord {
    const contact = store.current.contacts.get(id);
    if (contact === undefined) throw new TypeError(`The portal has no contact ${id}.`);
    return contact;
  }

  return {
    portalId: settings.portalId,
    accessToken: settings.accessToken,
    calls,
    countCalls: (route) => countCalls(calls, route),
    inject: (fault) => faults.add(fault),
    heal: () => faults.clear(),

    addContact({ email, additionalEmails = [], properties = {}, archived = false }) {
      const contact = newContact(nextId(), now());
      setProperties(contact, { ...properties, ...(email === undefined ? {} : { email }) }, now(), "FORM");
      contact.additionalEmails = additionalEmails.map(fold);
      if (archived) contact.archivedAt = now();
      store.seed((state) => keepContact(state, contact));
      notices.add("contact.creation", contact.id);
      return contact.id;
    },
    addEngagement({ type, body, contactIds }) {
      const id = nextId();
      store.seed((state) => {
        state.engagements.set(id, { id, type, body, contactIds: [...contactIds], createdAt: now() });
        for (const contactId of contactIds) hint(state, contactId, id);
      });
      return id;
    },
    addList({ name, contactIds }) {
      const id = nextId();
      store.seed((state) => {
        state.lists.set(id, { id, name, contactIds: [...contactIds] });
        for (const contactId of contactIds) hint(state, contactId, id);
      });
      return id;
    },
    optOutOfAll(email, brandId = "0") {
      const record = { email: fold(email), brandId, at: now() };
      store.seed((state) => state.optOutsOfAll.set(preferenceKey(email, brandId), record));
      mirror.seed(email, wideProperty(brandId), true);
    },
    choose(email, subscriptionId, status) {
      const record = { email: fold(email), subscriptionId, status, at: now() };
      store.seed((state) => state.preferences.set(preferenceKey(email, subscriptionId), record));
      mirror.seed(email, `hs_email_optout_${subscriptionId}`, status === "UNSUBSCRIBED");
    },
    refuse: (email) => void refused.add(fold(email)),
    archive(id) {
      store.write((state) => {
        const record = state.engagements.get(id) ?? contactOf(id);
        record.archivedAt = now();
      });
      if (store.current.contacts.has(id)) notices.add("contact.deletion", id);
    },
    restore(id) {
      store.write(() => {
        delete contactOf(id).archivedAt;
      });
      notices.add("contact.restore", id);
    },
    merge(primaryId, otherId) {
      const id = settings.mergedContact === "primary" ? primaryId : nextId();
      store.write((state) =>
        mergeContacts(state, contactOf(primaryId), contactOf(otherId), { id, at: now() }),
      );
      notices.add("contact.merge", primaryId, {
        primaryObjectId: Number(primaryId),
        mergedObjectIds: [Number(otherId)],
        newObjectId: Number(id),
      });
    },

    status(email, subscriptionId) {
      const brandId = settings.definitions.find(({ id }) => id === subscriptionId)?.brandId ?? "0";
      return statusOf(store.current, email, subscriptionId, brandId);
    },
    isOptedOutOfAll: (email, brandId = "0") => store.current.optOutsOfAll.has(preferenceKey(email, brandId)),
    isBlocked: (email) => store.current.blocklist.has(blocklistEntry(email)),
    dossier: (email) => dossierOf(store.current, email),
    search: (text) => searchState(store.current, text),

    events: notices.events,
    signed: (url, events) => notices.signed(url, events),

    answer,
    client: (asked = answer) => clientOf(asked, settings.accessToken),
    handlers: (baseUrl = "https://api.hubapi.com") => [
      http.all(`${baseUrl}/*`, ({ request }) => answer(request)),
    ],
    listen: (port = 0) => serve(answer, port),
  };
}
