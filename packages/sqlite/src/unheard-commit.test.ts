import { readFileSync } from "node:fs";
import { HeedError, type HeedStorage, type Reads, type Transaction, type Write } from "@heed/core/storage";
import { journaledEvidence as evidence } from "@heed/testing/private";
import { expect, it } from "vitest";
import { journaledCompany } from "../test/journaled.ts";
import { sqlite } from "./sqlite.ts";

/** A storage as it is, but that nobody hears of the first commit with such a write. */
function unheard(inner: HeedStorage, isMeant: (write: Write) => boolean) {
  let isOver = false;
  const storage: HeedStorage = {
    ...inner,
    async transact<const R extends Reads, A>(transaction: Transaction<R, A>): Promise<A> {
      let isIt = false;
      const decide: typeof transaction.decide = (rows, now) => {
        const decision = transaction.decide(rows, now);
        isIt = !isOver && decision.writes.some(isMeant);
        return decision;
      };
      const answer = await inner.transact({ ...transaction, decide });
      if (!isIt) return answer;
      isOver = true;
      throw new HeedError("Nobody knows whether it was stored.", { code: "storage-failed" });
    },
  };
  return { storage, isOver: () => isOver };
}

it("has a choice in the journal whose commit nobody heard of, as soon as the process stores anything else", async () => {
  const company = journaledCompany();
  const optOut = { subject: company.person("anna@example.org"), topic: "newsletter" } as const;
  const { storage } = unheard(
    sqlite(company.base),
    (write) => "insert" in write && write.insert === "events",
  );
  const { heed, rows } = company.on(company.base, { storage });
  await expect(heed.subscriptions.unsubscribe(optOut)).rejects.toMatchObject({ code: "storage-failed" });
  expect(await rows("events")).toHaveLength(1);
  // Whoever was told to look before repeating it finds it there, and leaves it at that.
  expect(await heed.subscriptions.state(optOut)).toMatchObject({ state: "not-given" });
  // The database is lost, and the process with it.
  const restored = company.on(`${company.base}.empty`);
  expect(await restored.heed.restore()).toMatchObject({ choices: 1 });
  expect(await restored.heed.subscriptions.state(optOut)).toMatchObject({ state: "not-given" });
});

it("blanks in the journal whoever was erased by a commit that nobody heard of", async () => {
  const company = journaledCompany();
  const { storage, isOver } = unheard(
    sqlite(company.base),
    (write) => "remove" in write && write.remove === "dataKeys",
  );
  const { heed, settle, rows } = company.on(company.base, { storage });
  const anna = company.person("anna@example.org");
  await heed.subscriptions.subscribe({ subject: anna, topic: "newsletter", evidence });
  const [key] = await rows("dataKeys");
  const [identifier] = await rows("identifiers");
  const personal = [key?.wrapped, identifier?.sealed].map((bytes) =>
    Buffer.from(bytes ?? []).toString("base64"),
  );
  const kept = () => {
    const journal = readFileSync(company.journal, "latin1");
    return personal.filter((text) => journal.includes(text));
  };
  expect(kept()).toEqual(personal);
  await heed.requests.open({ right: "erasure", identity: "signed-in", subject: anna });
  await settle();
  expect(isOver()).toBe(true);
  expect(await rows("identifiers")).toEqual([]);
  expect(kept()).toEqual([]);
});
