import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import { accountWithTurns, carryOut, forgetCall, forgetOf } from "../../test/subject.ts";
import { stripeTokens } from "../stripe-tokens.ts";
import type { Listening } from "./index.ts";

const email = "anna@example.org";

describe("listen", () => {
  let listening: Listening | undefined;
  afterEach(() => listening?.close());

  async function served() {
    const world = accountWithTurns();
    listening = await world.account.listen();
    const { key: apiKey, id } = world.account;
    const processor = stripeTokens({ apiKey, account: id, baseUrl: listening.url });
    return { ...world, processor, listening };
  }

  it("lets the tokens be forgotten over real HTTP", async () => {
    const { account, context, processor } = await served();
    const { id } = account.add.customer({ email });
    account.add.paymentMethod(id);
    account.add.source(id);
    const done = await carryOut(processor, { context }, forgetCall({ email }));
    expect(done).toMatchObject({ outcome: { affected: 2 }, finding: { seen: "as-asked" } });
    expect(account.credentialsOf(id)).toEqual([]);
  });

  it.each(["drop-before", "drop-after"] as const)(
    "breaks the connection (%s), once for one call",
    async (fault) => {
      const { account, context, processor } = await served();
      const { id } = account.add.customer({ email });
      const card = account.add.paymentMethod(id);
      account.fault("POST /v1/payment_methods/{id}/detach", fault);
      const first = await carryOut(processor, { context }, forgetCall({ email }));
      expect(first.outcome).toMatchObject({ status: "failed", error: { name: "UnavailableError" } });
      expect(card.customer).toBe(fault === "drop-before" ? id : null);
      const second = await carryOut(processor, { context }, forgetCall({ email }));
      expect(second).toMatchObject({ outcome: { status: "done" }, finding: { seen: "as-asked" } });
      expect(account.writes()).toHaveLength(fault === "drop-before" ? 2 : 1);
    },
  );

  it("hangs until it is no longer waited for, and closes all the same", async () => {
    const { account, context, aborter, processor } = await served();
    const { id } = account.add.customer({ email });
    const card = account.add.paymentMethod(id);
    const over = new Error("over");
    account.fault("POST /v1/payment_methods/{id}/detach", "hang");
    account.before(
      "POST /v1/payment_methods/{id}/detach",
      () => void setImmediate(() => aborter.abort(over)),
    );
    const call = forgetCall({ email }, { targets: [{ kind: "customer", id }] });
    await expect(forgetOf(processor).run([call], context)).rejects.toBe(over);
    expect(card.customer).toBe(id);
  });

  it("answers plain HTTP as Stripe does", async () => {
    const { listening: at, account } = await served();
    const socket = connect(at.port, at.host);
    socket.end(`DELETE /v1/nothing?x=1 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${account.key}\r\n\r\n`);
    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 404 /);
    expect(answer).toContain("Unrecognized request URL (DELETE: /v1/nothing).");
  });
});
