import { expect, it } from "vitest";
import { openShop } from "../../test/shop.ts";
import { ownStore } from "../engine/own-store.ts";
import { ephemeralKeys } from "../keys/keyring.ts";

it("is looked for when an erasure reads back what heed itself knows", async () => {
  const { heed, storage, clock, rows } = openShop();
  const subject = { email: "anna@example.org" };
  await heed.subscriptions.request({ subject, topic: "events", evidence: { none: true } });
  const [invitation] = await rows("invitations");
  if (invitation === undefined) throw new Error("nobody was asked");
  const call = { id: "1", identifiers: [{ kind: "heedSubject", value: invitation.subjectId }] };
  const { erase } = ownStore({ storage, clock, keys: ephemeralKeys(), namespace: "default" }).operations;
  const ask = async (question: "run" | "verify") => {
    const answers = await Reflect.get(erase ?? {}, question).call(erase, [call], {});
    return (answers as ReadonlyMap<string, unknown>).get("1");
  };
  expect(await ask("run")).toEqual({ status: "done", affected: 1 });
  expect(await ask("verify")).toEqual({ seen: "as-asked" });
  await storage.transact({
    lock: [],
    clock,
    read: {},
    decide: () => ({ writes: [{ insert: "invitations", row: invitation }], answer: undefined }),
  });
  expect(await ask("verify")).toEqual({ seen: "not-as-asked" });
});
