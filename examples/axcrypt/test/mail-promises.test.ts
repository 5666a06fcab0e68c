import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { scene, type Scene } from "./scene.ts";

const email = "anna.canary@example.se";

let axcrypt: Scene;
beforeEach(async () => {
  axcrypt = await scene();
});
afterEach(async () => {
  await axcrypt.close();
});

/** The link in the newest mail to Anna by which she shows that the address is hers. */
function invitation(): string {
  const { text = "" } = axcrypt.mail.messages.findLast(({ envelope }) => envelope.to.includes(email)) ?? {};
  return /http\S+\/i\/[\w.-]+/.exec(text)?.[0] ?? "";
}

const says = (answer: "yes" | "no") =>
  fetch(invitation(), { method: "POST", body: new URLSearchParams({ answer }) });

describe("AXE-09: What type of emails we automatically send to you (activation, welcome etc)", () => {
  const automatic = ["activation", "welcome", "account-notice"] as const;
  const sendAll = async () => {
    for (const topic of automatic)
      await axcrypt.mailer.send({
        topic,
        to: email,
        messageKey: `${topic}-1`,
        message: { subject: "AxCrypt", text: "Hello." },
      });
  };

  it("logs the type of each, and what became of it", async () => {
    await axcrypt.person(email);
    await sendAll();
    const sent = await axcrypt.heed.messages.sent({ email });
    expect(sent.map(({ topic, class: topicClass, outcome }) => [topic, topicClass, outcome])).toEqual([
      ["activation", "transactional", "accepted"],
      ["welcome", "transactional", "accepted"],
      ["account-notice", "service", "accepted"],
    ]);
    expect(axcrypt.mail.messages).toHaveLength(3);
  });

  it("is in what a person gets who asks for access: the types, and nothing that was said", async () => {
    await axcrypt.person(email);
    await sendAll();
    const { operations } = axcrypt.mailLog;
    const call = {
      id: "1",
      operation: "export",
      input: { categories: "all" },
      identifiers: [{ kind: "email", value: email }],
      targets: [],
    } as const;
    const context = { turn: async () => {}, signal: new AbortController().signal, now: () => new Date() };
    const outcome = (await operations.export?.run([call], context))?.get("1");
    const records = outcome?.status === "done" && "records" in outcome ? outcome.records : undefined;
    expect(records).toMatchObject(
      automatic.map((topic) => ({ category: "sent-messages", data: { topic, outcome: "accepted" } })),
    );
    expect(JSON.stringify(records)).not.toMatch(/Hello|canary/i);
  });

  it("is forgotten by an erasure: the log knows nothing of the address any more", async () => {
    const subject = await axcrypt.person(email);
    await sendAll();
    const { id } = await axcrypt.heed.requests.open({ right: "erasure", subject, identity: "signed-in" });
    await axcrypt.settle();
    expect(await axcrypt.heed.messages.sent({ email })).toEqual([]);
    const { steps } = await axcrypt.heed.requests.get(id);
    expect(steps.find(({ processor }) => processor === "mail")).toMatchObject({
      operation: "erase",
      state: "verified",
    });
  });
});

describe("AXE-20: if you want your data removed, please contact us at", () => {
  const removal = {
    from: email,
    to: "support@axcrypt.example",
    subject: "My data",
    text: "Hello,\n\nplease delete my data.\n\nAnna",
    // What a mail says of its own date moves no deadline.
    headers: { Date: "Thu, 01 Jan 2015 00:00:00 +0000" },
  };

  it("opens an erasure as of when the mail came", async () => {
    await axcrypt.person(email);
    const before = axcrypt.clock.now().toISOString();
    await axcrypt.write(removal);
    const [request] = await axcrypt.heed.requests.list();
    expect(request).toMatchObject({ right: "erasure", state: "awaiting_verification" });
    const { receivedAt } = await axcrypt.heed.requests.get(request?.id ?? "");
    expect(receivedAt >= before && receivedAt <= axcrypt.clock.now().toISOString()).toBe(true);
  });

  it("is carried out once the person has shown that the address is theirs", async () => {
    const { heed, application, portal } = axcrypt;
    await axcrypt.person(email);
    await axcrypt.write(removal);
    expect((await says("yes")).status).toBe(200);
    await axcrypt.settle();
    expect(await heed.requests.list()).toEqual([]);
    expect([application.holds(email), portal.search("canary")]).toEqual([false, []]);
  });

  it.each([true, false])(
    "erases nothing before that, whoever's provider signed the mail: %s",
    async (signed) => {
      const { heed, application, portal } = axcrypt;
      await axcrypt.person(email);
      await axcrypt.write({ ...removal, signed });
      await axcrypt.settle();
      expect((await heed.requests.list()).map(({ state }) => state)).toEqual(["awaiting_verification"]);
      expect(application.holds(email)).toBe(true);
      expect(portal.search("canary")).not.toEqual([]);
    },
  );

  it("is taken back by whoever never asked for it", async () => {
    const { heed, application } = axcrypt;
    await axcrypt.person(email);
    await axcrypt.write({ ...removal, signed: false });
    expect((await says("no")).status).toBe(200);
    await axcrypt.settle();
    expect(await heed.requests.list()).toEqual([]);
    expect(application.holds(email)).toBe(true);
  });
});

describe("AXS-29: inte vill vara inkluderad i vårt CRM-system, vänligen kontakta oss på business@axcrypt.net (do not want to be included in our CRM system, please contact us at business@)", () => {
  const objection = {
    from: email,
    to: "business@axcrypt.example",
    subject: "CRM",
    text: "Hej,\n\njag vill inte finnas i ert CRM-system.",
  };

  it("takes the person out of HubSpot, and leaves the account", async () => {
    const { heed, application, portal } = axcrypt;
    await axcrypt.person(email);
    await axcrypt.write(objection);
    expect((await heed.requests.list())[0]).toMatchObject({
      right: "objection",
      state: "awaiting_verification",
    });
    await says("yes");
    await axcrypt.settle();
    expect(portal.search("canary")).toEqual([]);
    expect(application.holds(email)).toBe(true);
    expect(await heed.suppression.check({ email, recipient: "crm" })).toMatchObject({ suppressed: true });
  });

  it("never becomes an erasure, whatever else the mail says", async () => {
    const { heed, application } = axcrypt;
    await axcrypt.person(email);
    await axcrypt.write({ ...objection, subject: "Radera mig", text: "Radera mina uppgifter." });
    expect((await heed.requests.list()).map(({ right }) => right)).not.toContain("erasure");
    await says("yes");
    await axcrypt.settle();
    expect(application.holds(email)).toBe(true);
  });

  it("removes nobody on the word of whoever wrote it", async () => {
    const { portal } = axcrypt;
    await axcrypt.person(email);
    await axcrypt.write({ ...objection, signed: false });
    await axcrypt.settle();
    expect(portal.search("canary")).not.toEqual([]);
  });
});
