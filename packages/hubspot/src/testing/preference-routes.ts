import { z } from "zod";
import { newContact } from "./contact-routes.ts";
import { findByEmail, setProperties, statusOf } from "./contacts.ts";
import type { Asked, PortalParts, Route } from "./endpoint.ts";
import type { PortalDefinition } from "./options.ts";
import { fold, preferenceKey, type PortalState, type StatusState } from "./records.ts";
import { invalid, type Reply } from "./replies.ts";

const base = "/communication-preferences/:version";
const read = ["communication_preferences.read", "communication_preferences.read_write"];
const write = ["communication_preferences.write", "communication_preferences.read_write"];

const legalBases = [
  "LEGITIMATE_INTEREST_PQL",
  "LEGITIMATE_INTEREST_CLIENT",
  "PERFORMANCE_OF_CONTRACT",
  "CONSENT_WITH_NOTICE",
  "NON_GDPR",
  "PROCESS_AND_STORE",
  "LEGITIMATE_INTEREST_OTHER",
] as const;

const statusBody = z.object({
  subscriptionId: z.int(),
  statusState: z.enum(["SUBSCRIBED", "UNSUBSCRIBED", "NOT_SPECIFIED"]),
  channel: z.literal("EMAIL"),
  legalBasis: z.enum(legalBases).optional(),
  legalBasisExplanation: z.string().min(1).optional(),
});

/** Subscription types, the statuses of an address, and its opt-out of everything of one brand. */
export function preferenceRoutes(parts: PortalParts): readonly Route[] {
  const { settings, store } = parts;
  const now = () => settings.now().toISOString();
  const openedAt = now();
  const brands = new Set(["0", ...settings.definitions.map(brandOf)]);

  /** What is wrong with an ask about one address of one brand. */
  function problemOf({ params, query }: Asked): Reply | undefined {
    const email = params["email"] ?? "";
    if (!/^[^\s@]+@[^\s@]+$/.test(email)) return invalid(`Email address ${email} is invalid`);
    if (query.get("channel") !== "EMAIL") return invalid("channel must be EMAIL");
    const brand = query.get("businessUnitId");
    return brand === null || brands.has(brand) ? undefined : invalid(`Business unit ${brand} does not exist`);
  }

  function statusRow(state: PortalState, email: string, definition: PortalDefinition): object {
    const set = state.preferences.get(preferenceKey(email, definition.id));
    return {
      subscriberIdString: email,
      subscriptionId: Number(definition.id),
      subscriptionName: definition.name ?? `Subscription ${definition.id}`,
      channel: "EMAIL",
      status: statusOf(state, email, definition.id, brandOf(definition)),
      source: set === undefined ? "Default" : "Set through the API",
      timestamp: set?.at ?? openedAt,
      businessUnitId: Number(brandOf(definition)),
      ...(set?.legalBasis === undefined ? {} : { legalBasis: set.legalBasis }),
      ...(set?.legalBasisExplanation === undefined
        ? {}
        : { legalBasisExplanation: set.legalBasisExplanation }),
    };
  }

  function wideRows(state: PortalState, email: string, brand: string): object[] {
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
  }

  return [
    {
      method: "get",
      path: `${base}/definitions`,
      scopes: read,
      answer({ query }) {
        const brand = query.get("businessUnitId");
        const shown = settings.definitions.filter((each) => brand === null || brandOf(each) === brand);
        return complete(
          shown.map((each) => ({
            id: each.id,
            name: each.name ?? `Subscription ${each.id}`,
            description: "",
            isActive: true,
            isDefault: false,
            isInternal: false,
            businessUnitId: Number(brandOf(each)),
            createdAt: openedAt,
            updatedAt: openedAt,
          })),
        );
      },
    },
    {
      method: "get",
      path: `${base}/statuses/:email`,
      scopes: read,
      answer(asked) {
        const problem = problemOf(asked);
        if (problem !== undefined) return problem;
        const brand =
          asked.query.get("businessUnitId") ??
          (settings.statusesWithoutBrand === "account-brand" ? "0" : null);
        const shown = settings.definitions.filter((each) => brand === null || brandOf(each) === brand);
        const state = store.asOf(settings.lagMs);
        return complete(
          settings.arrange(shown.map((each) => statusRow(state, asked.params["email"] ?? "", each))),
        );
      },
    },
    {
      method: "post",
      path: `${base}/statuses/:email`,
      scopes: write,
      answer(asked) {
        const email = asked.params["email"] ?? "";
        // This endpoint takes its channel in the body.
        const query = new URLSearchParams({ channel: "EMAIL" });
        const problem = problemOf({ ...asked, query });
        if (problem !== undefined) return problem;
        const parsed = statusBody.safeParse(asked.body);
        if (!parsed.success) return invalid("Invalid input JSON");
        const { subscriptionId, statusState, legalBasis, legalBasisExplanation } = parsed.data;
        const definition = settings.definitions.find(({ id }) => id === String(subscriptionId));
        if (definition === undefined) return invalid(`Subscription ${subscriptionId} does not exist`);
        if (settings.privacySettings && (legalBasis === undefined || legalBasisExplanation === undefined)) {
          return invalid("Legal Basis is required for resubscribing a contact on GDPR enabled portals");
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
            const contact = newContact(parts.nextId(), now());
            setProperties(contact, { email }, now());
            state.contacts.set(contact.id, contact);
          }
        });
        const row = {
          ...statusRow(store.current, email, definition),
          setStatusSuccessReason: reason(before, statusState),
        };
        return complete([row]);
      },
    },
    {
      method: "get",
      path: `${base}/statuses/:email/unsubscribe-all`,
      scopes: read,
      answer(asked) {
        const problem = problemOf(asked);
        if (problem !== undefined) return problem;
        if (settings.wideReadNeedsVerbose && asked.query.get("verbose") !== "true") return complete([]);
        const brand = asked.query.get("businessUnitId") ?? "0";
        return complete(wideRows(store.asOf(settings.lagMs), asked.params["email"] ?? "", brand));
      },
    },
    {
      method: "post",
      path: `${base}/statuses/:email/unsubscribe-all`,
      scopes: write,
      answer(asked) {
        const problem = problemOf(asked);
        if (problem !== undefined) return problem;
        const email = asked.params["email"] ?? "";
        const brand = asked.query.get("businessUnitId") ?? "0";
        store.write((state) =>
          state.optOutsOfAll.set(preferenceKey(email, brand), {
            email: fold(email),
            brandId: brand,
            at: now(),
          }),
        );
        return complete(asked.query.get("verbose") === "true" ? wideRows(store.current, email, brand) : []);
      },
    },
  ];
}

function brandOf(definition: PortalDefinition): string {
  return definition.brandId ?? "0";
}

function complete(results: readonly object[]): Reply {
  return { status: 200, body: { status: "COMPLETE", results } };
}

function reason(before: StatusState, after: StatusState): string {
  if (before === after) return "NO_STATUS_CHANGE";
  return before === "UNSUBSCRIBED" && after === "SUBSCRIBED"
    ? "RESUBSCRIBE_OCCURRED"
    : "REQUESTED_CHANGE_OCCURRED";
}
