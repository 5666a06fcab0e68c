import { z } from "zod";
import { newContact } from "./contact-routes.ts";
import { findByEmail, keepContact, setProperties, statusOf } from "./contacts.ts";
import type { PortalParts } from "./endpoint.ts";
import { wideProperty } from "./opt-out-mirror.ts";
import type { PortalDefinition } from "./options.ts";
import { fold, preferenceKey, type PortalState, type StatusState } from "./records.ts";
import { invalid, type Reply } from "./replies.ts";

const legalBases = [
  "LEGITIMATE_INTEREST_PQL",
  "LEGITIMATE_INTEREST_CLIENT",
  "PERFORMANCE_OF_CONTRACT",
  "CONSENT_WITH_NOTICE",
  "NON_GDPR",
  "PROCESS_AND_STORE",
  "LEGITIMATE_INTEREST_OTHER",
] as const;

/** A change of one status, without the address. */
const statusBody = z.object({
  subscriptionId: z.int(),
  statusState: z.enum(["SUBSCRIBED", "UNSUBSCRIBED", "NOT_SPECIFIED"]),
  channel: z.literal("EMAIL"),
  legalBasis: z.enum(legalBases).optional(),
  legalBasisExplanation: z.string().min(1).optional(),
});

/** Reads and writes preferences, for single calls and for batches. */
export function preferenceBook({ settings, store, refused, mirror, nextId }: PortalParts) {
  const now = () => settings.now().toISOString();
  const openedAt = now();
  const brands = new Set(["0", ...settings.definitions.map(brandOf)]);

  /** What is wrong with asking about this address of this brand. */
  function problemOf(email: string, brand: string | null): Reply | undefined {
    if (!/^[^\s@]+@[^\s@]+$/.test(email)) return invalid(`Email address ${email} is invalid`);
    return brand === null || brands.has(brand) ? undefined : invalid(`Business unit ${brand} does not exist`);
  }

  function refusalOf(email: string): Reply | undefined {
    return refused.has(fold(email)) ? invalid(`The preferences of ${email} cannot be changed`) : undefined;
  }

  function statusRow(state: PortalState, email: string, definition: PortalDefinition): object {
    const set = state.preferences.get(preferenceKey(email, definition.id));
    const wide = state.optOutsOfAll.get(preferenceKey(email, brandOf(definition)));
    const [latest = openedAt] = [set?.at, wide?.at]
      .filter((at) => at !== undefined)
      .toSorted()
      .toReversed();
    return {
      subscriberIdString: email,
      subscriptionId: Number(definition.id),
      subscriptionName: definition.name ?? `Subscription ${definition.id}`,
      channel: "EMAIL",
      status: statusOf(state, email, definition.id, brandOf(definition)),
      source: set === undefined ? "Default" : "Set through the API",
      timestamp: latest,
      businessUnitId: Number(brandOf(definition)),
      ...(set?.legalBasis === undefined ? {} : { legalBasis: set.legalBasis }),
      ...(set?.legalBasisExplanation === undefined || !settings.statusesShowExplanation
        ? {}
        : { legalBasisExplanation: set.legalBasisExplanation }),
    };
  }

  return {
    problemOf,
    openedAt,

    /** The statuses of an address, of one brand or as the portal shows them without one. */
    statusRows(state: PortalState, email: string, brand: string | null): readonly object[] {
      const shownBrand = brand ?? (settings.statusesWithoutBrand === "account-brand" ? "0" : null);
      return settings.definitions
        .filter((each) => shownBrand === null || brandOf(each) === shownBrand)
        .map((each) => statusRow(state, email, each));
    },

    /** The opt-out of everything of a brand: one row, or none. */
    wideRows(state: PortalState, email: string, brand: string): readonly object[] {
      const optOut = state.optOutsOfAll.get(preferenceKey(email, brand));
      if (optOut === undefined) return [];
      return [
        {
          subscriberIdString: email,
          channel: "EMAIL",
          wideStatusType: brands.size > 1 ? "BUSINESS_UNIT_WIDE" : "PORTAL_WIDE",
          status: "UNSUBSCRIBED",
          timestamp: optOut.at,
          businessUnitId: Number(brand),
        },
      ];
    },

    /** Sets one status; the row that says so, or why not. */
    set(email: string, given: unknown): { readonly row: object } | { readonly problem: Reply } {
      const problem = problemOf(email, null) ?? refusalOf(email);
      if (problem !== undefined) return { problem };
      const parsed = statusBody.safeParse(given);
      if (!parsed.success) return { problem: invalid("Invalid input JSON") };
      const { subscriptionId, statusState, legalBasis, legalBasisExplanation } = parsed.data;
      const definition = settings.definitions.find(({ id }) => id === String(subscriptionId));
      if (definition === undefined)
        return { problem: invalid(`Subscription ${subscriptionId} does not exist`) };
      if (settings.privacySettings && (legalBasis === undefined || legalBasisExplanation === undefined)) {
        return {
          problem: invalid("Legal Basis is required for resubscribing a contact on GDPR enabled portals"),
        };
      }
      const before = statusOf(store.current, email, definition.id, brandOf(definition));
      store.write((state) => {
        state.preferences.set(preferenceKey(email, definition.id), {
          email: fold(email),
          subscriptionId: definition.id,
          status: statusState,
          at: now(),
          ...(legalBasis === undefined ? {} : { legalBasis }),
          ...(legalBasisExplanation === undefined ? {} : { legalBasisExplanation }),
        });
        if (statusState === "SUBSCRIBED" && settings.subscribeUnderOptOut === "lifts") {
          state.optOutsOfAll.delete(preferenceKey(email, brandOf(definition)));
        }
        if (settings.preferenceCreatesContact && findByEmail(state, email, false) === undefined) {
          const contact = newContact(nextId(), now());
          setProperties(contact, { email }, now());
          keepContact(state, contact);
        }
      });
      mirror.note(email, `hs_email_optout_${definition.id}`, statusState === "UNSUBSCRIBED");
      if (!store.current.optOutsOfAll.has(preferenceKey(email, brandOf(definition))))
        mirror.note(email, wideProperty(brandOf(definition)), false);
      return {
        row: {
          ...statusRow(store.current, email, definition),
          setStatusSuccessReason: reason(before, statusState),
        },
      };
    },

    /** Opts an address out of everything of a brand; what is wrong with that, where something is. */
    optOut(email: string, brand: string): Reply | undefined {
      const problem = problemOf(email, brand) ?? refusalOf(email);
      if (problem !== undefined) return problem;
      store.write((state) =>
        state.optOutsOfAll.set(preferenceKey(email, brand), {
          email: fold(email),
          brandId: brand,
          at: now(),
        }),
      );
      mirror.note(email, wideProperty(brand), true);
      return undefined;
    },
  };
}

export function brandOf(definition: PortalDefinition): string {
  return definition.brandId ?? "0";
}

function reason(before: StatusState, after: StatusState): string {
  if (before === after) return "NO_STATUS_CHANGE";
  return before === "UNSUBSCRIBED" && after === "SUBSCRIBED"
    ? "RESUBSCRIBE_OCCURRED"
    : "REQUESTED_CHANGE_OCCURRED";
}
