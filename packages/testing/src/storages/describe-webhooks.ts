import { definePolicy } from "@heed/core";
import type { Sighting } from "@heed/core/contract";
import type { HeedStorage } from "@heed/core/storage";
import { describe, expect, it, onTestFinished } from "vitest";
import { createTestHeed } from "../create-test-heed.ts";
import { noticingVendor, signed } from "../engine/noticing-vendor.ts";
import { standingStill } from "../standing-still.ts";
import { virtualClock } from "../virtual-clock.ts";

const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  recipients: { crm: { role: "processor", country: "SE" } },
  purposes: { news: { basis: "consent" } },
  topics: { newsletter: { class: "marketing", purpose: "news", via: ["crm"] } },
});
const start = "2026-01-15T12:00:00.000Z";
const email = "anna.canary@example.org";
const contactId = "c4711998877";

/**
 * What a vendor's webhook tells of a person is nowhere in the clear, whatever becomes of it.
 *
 * @param create opens a storage, and answers how to look for a text in all that lies outside it: every table of
 *   every schema, or the file
 */
export function describeWebhooks({
  name,
  create,
}: {
  readonly name: string;
  readonly create: () => Promise<{
    readonly storage: HeedStorage;
    readonly traces: (text: string) => Promise<readonly string[]>;
  }>;
}): void {
  describe(`${name}: a webhook with somebody's address and id`, () => {
    it("leaves neither in the clear: while it waits, when it was looked into, and after an erasure", async () => {
      const { storage, traces } = await create();
      const clock = virtualClock(start, { autoAdvance: true });
      const crm = noticingVendor(clock, ["newsletter"]);
      const { heed, rows, settle } = createTestHeed({
        policy,
        storage: standingStill(storage, clock),
        clock,
        processors: { crm: crm.processor },
      });
      onTestFinished(() => heed.close());
      const noTraces = async (when: string) => {
        for (const text of ["anna.canary", contactId])
          expect([when, text, await traces(text)]).toEqual([when, text, []]);
      };
      const tell = (n: number): Promise<unknown> => {
        const sighting: Sighting = {
          id: `${email}/${contactId}/${n}`,
          claimedAt: clock.now().toISOString(),
          subject: [
            { kind: "email", value: email },
            { kind: "contactId", value: contactId },
          ],
          saw: "opted-out",
          topics: ["newsletter"],
        };
        return heed.webhooks.receive("crm", signed([sighting]));
      };

      crm.add(contactId, email);
      crm.press(contactId, "newsletter", "opted-out");
      crm.outage(true);
      await tell(1);
      const [step] = await rows("steps");
      expect(step).toMatchObject({ operation: "observe", state: "due" });
      // Looking finds what is there in the clear.
      expect(await traces(step?.id ?? "")).not.toEqual([]);
      await noTraces("it waits");
      await heed.work.drain();
      await noTraces("the vendor gave no answer");
      crm.outage(false);
      await settle(3_600_000);
      expect((await heed.subscriptions.state({ subject: { email }, topic: "newsletter" })).state).toBe(
        "not-given",
      );
      await noTraces("it was looked into");
      await heed.requests.open({
        right: "objection",
        recipient: "crm",
        subject: { email },
        identity: "signed-in",
      });
      await heed.requests.open({ right: "erasure", subject: { email }, identity: "signed-in" });
      await tell(2);
      await settle(3_600_000);
      await noTraces("the person was erased");
      await tell(3);
      await settle(3_600_000);
      await noTraces("it came late");
    });

    it("leaves nothing at all when the vendor has not signed it", async () => {
      const { storage, traces } = await create();
      const clock = virtualClock(start, { autoAdvance: true });
      const crm = noticingVendor(clock, ["newsletter"]);
      const { heed, rows } = createTestHeed({
        policy,
        storage: standingStill(storage, clock),
        clock,
        processors: { crm: crm.processor },
      });
      onTestFinished(() => heed.close());
      const sighting: Sighting = {
        id: email,
        claimedAt: start,
        subject: [{ kind: "email", value: email }],
        saw: "gone",
      };
      await expect(heed.webhooks.receive("crm", signed([sighting], "forged"))).rejects.toMatchObject({
        name: "TamperedEvidenceError",
      });
      expect([await rows("sightings"), await rows("steps"), await traces("anna.canary")]).toEqual([
        [],
        [],
        [],
      ]);
    });
  });
}
