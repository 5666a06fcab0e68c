import type { Answers, Call, ExportedRecord, Outcome, Target } from "@heed/core/contract";
import { type Sensitivity, sensitivities } from "./account-calls.ts";
import type { AccountMemory } from "./account-memory.ts";
import { addressesOf, type HubspotKind } from "./addresses.ts";
import { answerEach } from "./answer-each.ts";
import { brandsOf } from "./brands.ts";
import { isContact } from "./engagements.ts";
import type { HubspotCalls } from "./hubspot-calls.ts";
import { orFailed } from "./or-failed.ts";
import type { Topics } from "./topics.ts";

type ExportCall = Call<"export", HubspotKind>;

/** What a contact may be associated with at HubSpot, in the order in which it is exported. */
const exportedTypes = [
  "notes",
  "calls",
  "emails",
  "tasks",
  "meetings",
  "communications",
  "postal_mail",
  "tickets",
  "deals",
  "companies",
] as const;

/** What may be left out of an export where the account has nothing of the kind, or the token may not see it. */
export const optionalParts = [
  "sensitive-properties",
  "highly-sensitive-properties",
  "lists",
  ...exportedTypes,
] as const;
export type ExportPart = (typeof optionalParts)[number];

const partOf = {
  sensitive: "sensitive-properties",
  highly_sensitive: "highly-sensitive-properties",
} as const;

/** What is read once for a batch, whoever needs it first. */
interface Shared {
  readonly leftOut: ReadonlySet<string>;
  readonly brands: () => Promise<ReadonlySet<string>>;
  readonly names: (type: string, sensitivity?: Sensitivity) => Promise<readonly string[]>;
}

/**
 * Everything that HubSpot has of each subject, read while it is taken: properties with their history and source,
 * associated objects with their content, subscriptions of each address with legal basis, and lists. It fails where the
 * token may not see a part; parts that are left out by a setting are named in records of the category `not-included`.
 */
export async function exportContacts(
  calls: HubspotCalls,
  memory: AccountMemory,
  batch: readonly ExportCall[],
  topics: Topics,
  leftOut: readonly ExportPart[],
): Promise<Answers<Outcome<"export">>> {
  const shared: Shared = {
    leftOut: new Set(leftOut),
    brands: once(() => brandsOf(calls, memory, topics)),
    names: memoized((type, sensitivity) => calls.propertyNames(type, sensitivity)),
  };
  return answerEach(batch, (call) =>
    orFailed(async (): Promise<Outcome<"export">> => {
      if (!call.targets.some(isContact) && !(await hasPreferences(calls, call, shared)))
        return { status: "absent" };
      return { status: "done", records: recordsOf(calls, call, shared) };
    }),
  );
}

/** An address can have preferences without a contact. */
async function hasPreferences(calls: HubspotCalls, call: ExportCall, shared: Shared): Promise<boolean> {
  for (const address of addressesOf(call)) {
    const rows = await preferencesOf(calls, address, shared);
    if (rows.some(({ data }) => Reflect.get(data, "status") !== "NOT_SPECIFIED")) return true;
  }
  return false;
}

async function* recordsOf(
  calls: HubspotCalls,
  call: ExportCall,
  shared: Shared,
): AsyncGenerator<ExportedRecord> {
  const { categories } = call.input;
  const isAsked = (category: string) => categories === "all" || categories.includes(category);
  const isWanted = (category: string) => isAsked(category) && !shared.leftOut.has(category);
  for (const category of shared.leftOut) {
    const belongsTo = category.endsWith("-properties") ? "contact" : category;
    if (isAsked(belongsTo)) yield { category: "not-included", data: { category } };
  }
  for (const target of call.targets.filter(isContact)) {
    if (isWanted("contact")) yield* propertiesOf(calls, target, shared);
    for (const type of exportedTypes) {
      if (isWanted(type)) yield* await objectsOf(calls, type, target, shared);
    }
    if (isWanted("lists")) yield* await listsOf(calls, target);
  }
  if (!isWanted("subscriptions")) return;
  const resolved = call.targets.filter(({ kind }) => kind === "address").map(({ id }) => id);
  for (const address of new Set([...addressesOf(call), ...resolved]))
    yield* await preferencesOf(calls, address, shared);
}

/** The contact itself; a record for each property, all of its versions in it, those of sensitive ones as well. */
async function* propertiesOf(
  calls: HubspotCalls,
  { kind, id }: Target,
  shared: Shared,
): AsyncGenerator<ExportedRecord> {
  const names: string[] = [];
  for (const sensitivity of sensitivities) {
    if (sensitivity !== "non_sensitive" && shared.leftOut.has(partOf[sensitivity])) continue;
    names.push(...(await shared.names("contacts", sensitivity)));
  }
  const isArchived = kind === "archived-contact";
  const read = await calls.readHistory(id, isArchived, [...new Set(names)]);
  for (const [property, value] of Object.entries(read?.properties ?? {})) {
    const versions = read?.propertiesWithHistory?.[property] ?? [];
    if ((value ?? "") === "" && versions.length === 0) continue;
    yield { category: "contact", data: { contactId: id, isArchived, property, value, versions } };
  }
}

/** Objects of one type that the contact is associated with, content included. */
async function objectsOf(
  calls: HubspotCalls,
  type: string,
  { id: contactId }: Target,
  shared: Shared,
): Promise<readonly ExportedRecord[]> {
  const associated = await calls.readAssociations("contacts", type, [contactId]);
  const ids = associated.get(contactId) ?? [];
  if (ids.length === 0) return [];
  const { found } = await calls.readObjects(type, ids, false, await shared.names(type));
  return found.map(({ id, properties }) => ({ category: type, data: { id, contactId, properties } }));
}

async function listsOf(calls: HubspotCalls, { id: contactId }: Target): Promise<readonly ExportedRecord[]> {
  const lists = await calls.memberships(contactId);
  return lists.map((list) => ({ category: "lists", data: { contactId, ...list } }));
}

/** The choices of an address for each subscription type, and about everything of each brand. */
async function preferencesOf(
  calls: HubspotCalls,
  address: string,
  shared: Shared,
): Promise<readonly { readonly category: string; readonly data: object }[]> {
  const records: { category: string; data: object }[] = [];
  for (const brandId of await shared.brands()) {
    const types = await calls.statuses(address, brandId);
    const wide = await calls.wideStatuses(address, brandId);
    for (const row of [...types, ...wide])
      records.push({ category: "subscriptions", data: { address, ...row } });
  }
  // Where one brand's read shows those of all, each is told once.
  return [...new Map(records.map((record) => [JSON.stringify(record), record])).values()];
}

/** A failure is not remembered: the next who needs it asks again. */
function memoized(
  read: (type: string, sensitivity?: Sensitivity) => Promise<readonly string[]>,
): Shared["names"] {
  const known = new Map<string, Promise<readonly string[]>>();
  return async (type, sensitivity) => {
    const key = `${type} ${sensitivity ?? ""}`;
    const names = known.get(key) ?? read(type, sensitivity);
    known.set(key, names);
    try {
      return await names;
    } catch (error) {
      known.delete(key);
      throw error;
    }
  };
}

function once<T>(read: () => Promise<T>): () => Promise<T> {
  let known: Promise<T> | undefined;
  return async () => {
    known ??= read();
    try {
      return await known;
    } catch (error) {
      known = undefined;
      throw error;
    }
  };
}
