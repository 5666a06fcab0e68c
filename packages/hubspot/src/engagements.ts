import type { Call, FoundTarget, Retained, Target } from "@heed/core/contract";
import type { HubspotKind } from "./addresses.ts";
import { batchOf } from "./contact-calls.ts";
import type { HubspotCalls } from "./hubspot-calls.ts";
import { concernsOneCall } from "./hubspot-error.ts";
import { inChunks } from "./in-chunks.ts";
import { inHalves } from "./in-halves.ts";

/** What HubSpot keeps about a contact in objects of their own, which outlive it. */
export const engagementTypes = ["notes", "calls", "emails", "tasks", "meetings", "tickets"] as const;
export type EngagementType = (typeof engagementTypes)[number];

/** What becomes of objects that are about nobody else, unless the policy keeps their category. */
export type Engagements = Readonly<Record<EngagementType, "archive" | "keep">>;

/** HubSpot empties its recycle bin after so many days. */
const recycleBinDays = 90;

const kindOf: Readonly<Record<EngagementType, string>> = {
  notes: "note",
  calls: "call",
  emails: "email",
  tasks: "task",
  meetings: "meeting",
  tickets: "ticket",
};

export const isContact = ({ kind }: Target): boolean => kind === "contact" || kind === "archived-contact";

/** The objects of each type that some contacts have, with the contact that each was found through. */
export async function findEngagements(
  calls: HubspotCalls,
  contactIds: readonly string[],
): Promise<ReadonlyMap<string, readonly Target[]>> {
  const found = new Map<string, Target[]>();
  if (contactIds.length === 0) return found;
  for (const type of engagementTypes) {
    const associated = await calls.readAssociations("contacts", type, contactIds);
    for (const [contactId, ids] of associated) {
      const targets = ids.map((id) => ({ kind: kindOf[type], id, within: contactId }));
      found.set(contactId, [...(found.get(contactId) ?? []), ...targets]);
    }
  }
  return found;
}

/** The same as targets of a subject, matched as the contacts were. */
export function engagementTargets(
  found: ReadonlyMap<string, readonly Target[]>,
  contacts: readonly FoundTarget[],
): readonly FoundTarget[] {
  return contacts.flatMap(({ id, via }) =>
    (found.get(id) ?? []).map((target) => ({ ...target, via, verified: true })),
  );
}

/** One object of a call, and what is to become of it. */
export interface Disposed {
  readonly type: EngagementType;
  readonly id: string;
  readonly how: "archive" | "leave";
  /** Why it is left; of what is archived, that the recycle bin has it. */
  readonly retained: Retained;
}

/** What is asked of the engagements of a subject. */
type EngagementCall = Pick<Call<"erase" | "exclude", HubspotKind>, "id" | "targets"> & {
  readonly keep: readonly Retained[];
};

/** The parts of `keep` that HubSpot cannot keep when the contact goes: whatever is no object of its own. */
export function unkeepable(keep: readonly Retained[]): readonly string[] {
  const types: readonly string[] = engagementTypes;
  return keep.map(({ category }) => category).filter((category) => !types.includes(category));
}

/**
 * Decides about every object of some calls: what the policy or a setting keeps is left, what is somebody else's as
 * well is left, and the rest is archived. Whose it is too is asked of HubSpot now.
 */
export async function disposeOf(
  calls: HubspotCalls,
  batch: readonly EngagementCall[],
  engagements: Engagements,
): Promise<ReadonlyMap<string, readonly Disposed[]>> {
  const until = civilDateIn(calls.now(), recycleBinDays);
  const disposed = new Map<string, Disposed[]>(batch.map(({ id }) => [id, []]));
  for (const type of engagementTypes) {
    const open: { call: EngagementCall; id: string }[] = [];
    for (const call of batch) {
      const policy = call.keep.find(({ category }) => category === type);
      const set: Retained | undefined =
        engagements[type] === "keep" ? { category: type, reason: "kept-by-setting" } : undefined;
      const retained = policy ?? set;
      for (const id of engagementIds(call.targets, type)) {
        if (retained === undefined) open.push({ call, id });
        else disposed.get(call.id)?.push({ type, id, how: "leave", retained });
      }
    }
    const contactsOf = await contactsOfMany(
      calls,
      type,
      open.map(({ id }) => id),
    );
    for (const { call, id } of open) {
      const isShared = (contactsOf.get(id) ?? []).some((other) => !isOwn(call.targets, other));
      disposed
        .get(call.id)
        ?.push(
          isShared
            ? { type, id, how: "leave", retained: { category: type, reason: "shared" } }
            : { type, id, how: "archive", retained: { category: type, reason: "recycle-bin", until } },
        );
    }
  }
  return disposed;
}

/** Archives objects by the hundred. @returns why for those that HubSpot refuses alone */
export async function archiveEngagements(
  calls: HubspotCalls,
  disposed: readonly Disposed[],
): Promise<ReadonlyMap<string, Error>> {
  const refused = new Map<string, Error>();
  const wanted = disposed.filter(({ how }) => how === "archive");
  for (const [type, some] of Map.groupBy(wanted, (each) => each.type)) {
    for (const part of inChunks([...new Set(some.map(({ id }) => id))], batchOf)) {
      const halved = await inHalves(part, (ids) => calls.archiveObjects(type, ids));
      for (const [id, error] of halved.refused) if (!isGone(error)) refused.set(`${type} ${id}`, error);
    }
  }
  return refused;
}

/** HubSpot may say that an object is not there when it was archived before. */
function isGone(error: Error): boolean {
  return concernsOneCall(error) && error.code === "object-not-found";
}

/** Each category and reason once. */
export function retainedOf(disposed: readonly Disposed[]): readonly Retained[] {
  const distinct = new Map(
    disposed.map(({ retained }) => [`${retained.category} ${retained.reason}`, retained]),
  );
  return [...distinct.values()];
}

/**
 * What reading back shows of objects that were to be archived: which are still there and about nobody else, and which
 * HubSpot said nothing of.
 */
export async function leftOf(
  calls: HubspotCalls,
  batch: readonly EngagementCall[],
  engagements: Engagements,
): Promise<{ readonly left: ReadonlySet<string>; readonly unknown: ReadonlySet<string> }> {
  const left = new Set<string>();
  const unknown = new Set<string>();
  for (const type of engagementTypes) {
    if (engagements[type] === "keep") continue;
    const asked = batch
      .filter(({ keep }) => !keep.some(({ category }) => category === type))
      .flatMap((call) => engagementIds(call.targets, type).map((id) => ({ call, id })));
    if (asked.length === 0) continue;
    const { found, missing } = await calls.readObjects(
      type,
      asked.map(({ id }) => id),
      false,
    );
    const live = new Set(found.map(({ id }) => id));
    const there = asked.filter(({ id }) => live.has(id));
    const contactsOf = await contactsOfMany(
      calls,
      type,
      there.map(({ id }) => id),
    );
    for (const { call, id } of asked) {
      if (!live.has(id) && !missing.has(id)) unknown.add(call.id);
      if (!live.has(id)) continue;
      const isShared = (contactsOf.get(id) ?? []).some((other) => !isOwn(call.targets, other));
      if (!isShared) left.add(call.id);
    }
  }
  return { left, unknown };
}

/**
 * Whose each object is. HubSpot may leave out one that is nobody's, as an answer that is cut short would: each of
 * those is asked by itself.
 */
async function contactsOfMany(
  calls: HubspotCalls,
  type: EngagementType,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  if (ids.length === 0) return new Map();
  const contactsOf = new Map(await calls.readAssociations(type, "contacts", ids));
  for (const id of new Set(ids))
    if (!contactsOf.has(id)) contactsOf.set(id, (await calls.readContactsOf(type, id)) ?? []);
  return contactsOf;
}

function engagementIds(targets: readonly Target[], type: EngagementType): readonly string[] {
  return [...new Set(targets.filter(({ kind }) => kind === kindOf[type]).map(({ id }) => id))];
}

function isOwn(targets: readonly Target[], contactId: string): boolean {
  return targets.some((target) => isContact(target) && target.id === contactId);
}

/** The civil date (UTC) so many days from now. */
export function civilDateIn(now: Date, days: number): string {
  return new Date(now.getTime() + days * 86_400_000).toISOString().slice(0, 10);
}
