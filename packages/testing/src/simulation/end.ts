import { tables, type Row, type TableName } from "@heed/core/storage";
import { topics, type Company } from "./company.ts";
import type { Mirror } from "./mirror.ts";
import type { Person } from "./model.ts";
import type { Watch } from "./watch.ts";

/** Everything has settled: what the vendors hold is what the people last said, and the storage is as it was told. */
export async function holdAgainstTheWorld(
  company: Company,
  mirror: Mirror,
  people: readonly Person[],
  watch: Watch,
): Promise<void> {
  const { storage, clock, vendors } = company;
  const rows = <T extends TableName>(table: T): Promise<readonly Row<T>[]> =>
    storage.transact({
      lock: [],
      clock,
      read: { all: { from: table, where: {} } as never },
      decide: (found) => ({ writes: [], answer: (found as { all: readonly Row<T>[] }).all }),
    });
  for (const table of ["steps", "requests"] as const) {
    const stored = await rows(table);
    if (stored.length !== mirror[table].size) watch.wrong("LOST", `${table} are missing in the storage`);
    for (const row of stored)
      if (mirror[table].get(row.id)?.state !== row.state)
        watch.wrong("LOST", `one of the ${table} is ${row.state} in the storage`);
  }
  for (const table of Object.keys(tables) as TableName[])
    for (const row of await rows(table))
      for (const [column, value] of Object.entries(row)) {
        const text = value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : String(value);
        if (text.toLowerCase().includes("canary"))
          watch.wrong("INV-14", `${table}.${column} holds an address`);
      }
  for (const vendor of [vendors.crm, vendors.news])
    for (const topic of topics.filter((each) => each in vendor.processor.topics))
      for (const person of people) holdTopic(person, topic, vendor, watch);
  for (const vendor of [vendors.crm, vendors.news])
    for (const person of people)
      if (isOutOf(person, vendor) && person.emails.some((email) => vendor.find(email).length > 0))
        watch.wrong("OUT", `${person.name} objected to being at ${vendor.processor.name}, and is there`);
}

const isOutOf = (person: Person, { processor }: Company["vendors"]["crm"]): boolean =>
  person.keptOutSinceMs(processor.name) !== undefined;

/** INV-03, INV-04: the vendor's end is the fold's. */
function holdTopic(person: Person, topic: string, vendor: Company["vendors"]["crm"], watch: Watch): void {
  const { name } = vendor.processor;
  const isIn = (email: string) => vendor.optedIn.get(email)?.has(topic) ?? false;
  const isThere = person.erasedAtMs === undefined && !isOutOf(person, vendor);
  if (isThere && person.emails.every((email) => person.mayMail(email, topic))) {
    for (const email of person.emails)
      if (!isIn(email)) watch.wrong("FOLD", `${person.name} opted in to ${topic}, and ${name} does not know`);
  }
  if (person.state(topic) === "not-given")
    for (const email of person.emails)
      if (isIn(email)) watch.wrong("FOLD", `${person.name} opted out of ${topic}, and ${name} goes on`);
  if (person.erasedAtMs !== undefined)
    for (const email of person.emails)
      if (vendor.find(email).length > 0)
        watch.wrong("INV-29", `${person.name} was erased, and is at ${name}`);
}
