import {
  type Answers,
  type Call,
  type Finding,
  type FoundTarget,
  type Outcome,
  RejectedError,
  type Resolution,
} from "@heed/core/contract";
import { type HubspotKind, keysOf } from "./addresses.ts";
import { answerEach } from "./answer-each.ts";
import { isContact } from "./engagements.ts";
import { findContacts, type FoundContact } from "./find-contacts.ts";
import { refusalSchema } from "./hubspot-answers.ts";
import type { HubspotCalls } from "./hubspot-calls.ts";
import { orFailed } from "./or-failed.ts";

type RectifyCall = Call<"rectify", HubspotKind>;

/** Finds the contacts of each subject, archived ones too; for an export also their addresses. */
export async function resolveByContact(
  calls: HubspotCalls,
  batch: readonly Call<"rectify" | "restrict" | "export", HubspotKind>[],
): Promise<Answers<Resolution>> {
  const { contacts, unknown } = await findContacts(
    calls,
    batch.flatMap((call) => call.identifiers.flatMap(keysOf)),
  );
  const answers = new Map<string, Resolution>();
  for (const call of batch) {
    if (call.identifiers.flatMap(keysOf).some((key) => unknown.has(key))) continue;
    const targets = contacts.flatMap((contact): FoundTarget[] => {
      const via = call.identifiers.find((each) => keysOf(each).some((key) => contact.keys.has(key)));
      const kind = contact.isArchived ? "archived-contact" : "contact";
      if (via === undefined) return [];
      const addresses = call.operation === "export" ? contact.addresses : [];
      return [
        { kind, id: contact.id, via, verified: true },
        ...addresses.map((id) => ({ kind: "address", id, within: contact.id, via, verified: true })),
      ];
    });
    answers.set(call.id, { targets });
  }
  return answers;
}

/**
 * Sets the properties of every contact of the subject that has them otherwise. What HubSpot's rules or its account's
 * refuse goes to a human, who is told the property and never the value.
 */
export async function rectifyContacts(
  calls: HubspotCalls,
  batch: readonly RectifyCall[],
): Promise<Answers<Outcome<"rectify">>> {
  const { contacts, unknown } = await readRectified(calls, batch);
  const known = batch.filter((call) => !liveIds(call).some((id) => unknown.has(id)));
  return answerEach(known, (call) =>
    orFailed(async (): Promise<Outcome<"rectify">> => {
      if (!call.targets.some(isContact)) return { status: "absent" };
      const ids = liveIds(call);
      if (ids.length === 0) {
        const instruction =
          "HubSpot has this person as an archived contact only, which cannot be changed. Restore the contact and retry the step, or erase it.";
        return { status: "manual", instruction };
      }
      const changes = changesOf(call);
      let affected = 0;
      for (const { id } of ofCall(contacts, call).filter((contact) => isOtherwise(contact, changes))) {
        const answer = await calls.patchContact(id, changes);
        if (answer.status === 400)
          return { status: "manual", instruction: await instructionFor(calls, answer.text, changes) };
        affected += 1;
      }
      return { status: "done", affected };
    }),
  );
}

/** Reads the properties of each contact back by its id. */
export async function verifyRectified(
  calls: HubspotCalls,
  batch: readonly RectifyCall[],
): Promise<Answers<Finding>> {
  const { contacts, unknown } = await readRectified(calls, batch);
  return new Map(
    batch.map((call): [string, Finding] => {
      const isWrong = ofCall(contacts, call).some((contact) => isOtherwise(contact, changesOf(call)));
      const isOpen = liveIds(call).some((id) => unknown.has(id));
      return [call.id, { seen: isWrong ? "not-as-asked" : isOpen ? "unknown" : "as-asked" }];
    }),
  );
}

/** The contacts of the calls, by id, with the properties that are to be changed. One that is gone is not found. */
function readRectified(calls: HubspotCalls, batch: readonly RectifyCall[]) {
  return findContacts(calls, batch.flatMap(liveIds), {
    archived: "where-none-is-live",
    properties: [...new Set(batch.flatMap((call) => Object.keys(call.input.changes)))],
  });
}

function liveIds(call: RectifyCall): readonly string[] {
  return call.targets.filter(({ kind }) => kind === "contact").map(({ id }) => id);
}

function ofCall(contacts: readonly FoundContact[], call: RectifyCall): readonly FoundContact[] {
  return contacts.filter(({ isArchived, keys }) => !isArchived && liveIds(call).some((id) => keys.has(id)));
}

function isOtherwise({ properties }: FoundContact, changes: Readonly<Record<string, string>>): boolean {
  return Object.entries(changes).some(([name, value]) => !isSame(name, properties[name] ?? "", value));
}

/** HubSpot clears a property that is set to nothing. */
function changesOf({ input }: RectifyCall): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(input.changes).map(([name, value]) => [name, value ?? ""]));
}

/** HubSpot trims what it stores, writes addresses in lower case, and numbers in its own way. */
function isSame(name: string, stored: string, asked: string): boolean {
  const [one = "", other = ""] = [stored, asked].map((value) => {
    const plain = value.trim().normalize("NFC");
    return name === "email" ? plain.toLowerCase() : plain;
  });
  return one === other || (one !== "" && other !== "" && Number(one) === Number(other));
}

/** Names the properties that HubSpot refused: those that were to be changed, and those that its account has. */
async function instructionFor(
  calls: HubspotCalls,
  text: string,
  changes: Readonly<Record<string, string>>,
): Promise<string> {
  const named = new Set(namesIn(text));
  const asked = Object.keys(changes);
  const refused = asked.filter((name) => named.has(name));
  const others = [...named].filter((name) => !asked.includes(name));
  // What HubSpot calls a property may be anything until the account is seen to have one of that name.
  const known = others.length === 0 ? [] : await namesOrNone(calls);
  const required = others.filter((name) => known.includes(name));
  const about =
    refused.length > 0
      ? `the value for ${refused.join(", ")}`
      : required.length > 0
        ? `the change while ${required.join(", ")} is not filled in as the account's rules demand`
        : `the change of ${asked.join(", ")}`;
  return `HubSpot refuses ${about}. Look at the property and its rules there, and correct the contact by hand, or retry the step once it is allowed.`;
}

/** A token that may not read them leaves the instruction less exact, and the refusal what it is. */
async function namesOrNone(calls: HubspotCalls): Promise<readonly string[]> {
  try {
    return await calls.propertyNames("contacts");
  } catch (error) {
    if (error instanceof RejectedError) return [];
    throw error;
  }
}

function namesIn(text: string): readonly string[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return [];
  }
  const parsed = refusalSchema.safeParse(json);
  return parsed.success ? (parsed.data.errors ?? []).flatMap((each) => each.context?.propertyName ?? []) : [];
}
