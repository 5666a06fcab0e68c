import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createHeed, ephemeralKeys, memory } from "@heed/core";
import { createContact, syncAccounts } from "../src/crm-sync.ts";
import { policy, subscriptionTypes } from "../src/policy.ts";
import { evidence, scene, type Scene } from "./scene.ts";

const oneClick = {
  method: "POST",
  body: "List-Unsubscribe=One-Click",
  headers: { "Content-Type": "application/x-www-form-urlencoded" },
};
const marketing = ["newsletter", "offers", "product-info"] as const;

let axcrypt: Scene;
beforeEach(async () => {
  axcrypt = await scene();
});
afterEach(async () => {
  await axcrypt.close();
});

describe("AXE-02: You can always withdraw your consent", () => {
  it("ends the purpose here and at every processor", async () => {
    const { heed, portal, person, settle } = axcrypt;
    const subject = await person("anna@example.se", { alsoAtHubspot: ["anna@lindqvist.example"] });
    await heed.consent.withdraw({ subject, purpose: "direct-marketing" });
    expect((await heed.consent.state({ subject, purpose: "direct-marketing" })).state).toBe("not-given");
    await settle();
    for (const address of ["anna@example.se", "anna@lindqvist.example"]) {
      for (const { subscriptionId } of Object.values(subscriptionTypes))
        expect(portal.status(address, subscriptionId)).toBe("UNSUBSCRIBED");
    }
  });

  it("blocks a send that was prepared before and goes out after", async () => {
    const { heed, mail, person } = axcrypt;
    const subject = await person("anna@example.se");
    const permit = await heed.permits.take({
      topic: "newsletter",
      email: subject.email,
      messageKey: "prepared",
    });
    expect(permit.allowed).toBe(true);
    await heed.consent.withdraw({ subject, purpose: "direct-marketing" });
    expect(permit.allowed && (await permit.handOver())).toBe(false);
    expect(await axcrypt.letter("newsletter", subject.email)).toEqual({
      status: "blocked",
      because: "suppressed",
    });
    expect(mail.messages).toEqual([]);
  });

  it("succeeds where no consent was ever recorded, and silences the address", async () => {
    const { heed } = axcrypt;
    const subject = { email: "never.seen@example.org" };
    for (let times = 0; times < 3; times += 1)
      await heed.consent.withdraw({ subject, purpose: "direct-marketing" });
    await heed.subscriptions.unsubscribe({ subject, topic: "all" });
    expect(await heed.suppression.check(subject)).toEqual({ suppressed: true, because: "opted-out" });
    const older = { evidence, imported: true, at: "2020-01-01T00:00:00Z" };
    await heed.consent.give({ subject, purpose: "direct-marketing", ...older });
    expect(
      await heed.permits.take({ topic: "newsletter", email: subject.email, messageKey: "m" }),
    ).toMatchObject({ allowed: false });
  });
});

describe("AXE-03: request us to delete your data", () => {
  it("ends fulfilled with an outcome per processor, and nothing is left in the world", async () => {
    const { heed, portal, stripe, application, person, settle } = axcrypt;
    const subject = await person("sean.o'brien@example.ie", { stripe: [] });
    await person("bystander@example.ie");
    const { id } = await heed.requests.open({ right: "erasure", subject, identity: "signed-in" });
    await settle();
    const request = await heed.requests.get(id);
    expect(request.state).toBe("fulfilled");
    expect(
      request.steps.map(({ processor, operation, state }) => `${processor}/${operation}: ${state}`),
    ).toEqual([
      "app/erase: verified",
      "mail/erase: verified",
      "crm/unsubscribe: verified",
      "crm/erase: verified",
      "billing/forgetTokens: verified",
      "billing/erase: verified",
      "heed/erase: verified",
    ]);
    expect([portal.search("o'brien"), stripe.search("o'brien"), application.search("o'brien")]).toEqual([
      [],
      [],
      [],
    ]);
    expect(portal.search("bystander")).not.toEqual([]);
    expect(application.holds("bystander@example.ie")).toBe(true);
  });

  it("stays in progress, never fulfilled, while one processor answers 5xx", async () => {
    const { heed, portal, application, person, clock } = axcrypt;
    const subject = await person("anna@example.se");
    portal.inject({ path: "gdpr-delete", fault: { status: 502, body: "bad gateway" }, times: 1000 });
    const { id } = await heed.requests.open({ right: "erasure", subject, identity: "signed-in" });
    for (let round = 0; round < 6; round += 1) {
      const { nextAt } = await heed.work.drain();
      clock.skip(Math.max(0, Date.parse(nextAt ?? "") - clock.now().getTime()));
    }
    const request = await heed.requests.get(id);
    expect(request.state).toBe("executing");
    expect(
      request.steps.find((step) => step.processor === "crm" && step.operation === "erase"),
    ).toMatchObject({ state: "due", because: "unavailable" });
    expect(portal.search("anna@example.se")).not.toEqual([]);
    expect(application.holds("anna@example.se")).toBe(false);
  });

  it("tells what is kept by category, reason and date", async () => {
    const { heed, stripe, person, settle } = axcrypt;
    const subject = await person("Erik.HOLM@Example.SE", {
      stripe: [
        { cards: 2, paying: false },
        { email: "erik.holm@example.se", cards: 1, paying: false },
      ],
    });
    const { id } = await heed.requests.open({
      right: "erasure",
      subject: { email: subject.email.toLowerCase() },
      identity: "signed-in",
    });
    await settle();
    const request = await heed.requests.get(id);
    expect(request.state).toBe("partially_fulfilled");
    const { retained } = request.steps.find((step) => step.processor === "billing") ?? { retained: [] };
    expect(retained.map(({ category, reason }) => [category, reason])).toContainEqual([
      "invoices",
      "legal-obligation",
    ]);
    expect(retained.every(({ until }) => /^\d{4}-12-31$/.test(until ?? ""))).toBe(true);
    for (const customer of stripe.state.customers.keys()) expect(stripe.credentialsOf(customer)).toEqual([]);
  });
});

describe("AXE-04: occasional e-mails such as newsletters, offers and information about new and updated products", () => {
  it("sends these topics under the consent given at sign-up", async () => {
    const { mail, person } = axcrypt;
    const { email } = await person("anna@example.se");
    for (const topic of marketing)
      expect(await axcrypt.letter(topic, email)).toMatchObject({ status: "accepted" });
    expect(mail.messages).toHaveLength(3);
  });

  it("refuses any other topic as not covered, and every other call throws", async () => {
    const { heed, mail, person } = axcrypt;
    const subject = await person("anna@example.se");
    const partnerOffer = "partner-offer" as "offers";
    expect(await axcrypt.letter(partnerOffer, subject.email)).toEqual({
      status: "blocked",
      because: "topic-not-covered",
    });
    expect(mail.messages).toEqual([]);
    await expect(
      heed.subscriptions.subscribe({ subject, topic: partnerOffer, evidence }),
    ).rejects.toMatchObject({ code: "topic-not-covered" });
    await expect(heed.subscriptions.unsubscribe({ subject, topic: partnerOffer })).rejects.toMatchObject({
      code: "topic-not-covered",
    });
  });
});

describe("AXE-05: You can opt out, i.e. unsubscribe, at any time by clicking the link provided for this in such emails", () => {
  it("unsubscribes by one POST to the link, without login, cookie or confirmation", async () => {
    const { person, letter, linkIn } = axcrypt;
    const { email } = await person("anna@example.se");
    await letter("newsletter", email);
    const answer = await fetch(linkIn(email), { ...oneClick, redirect: "error" });
    expect([answer.status, answer.headers.get("set-cookie")]).toEqual([200, null]);
    expect(await letter("newsletter", email, "newsletter-2")).toEqual({
      status: "blocked",
      because: "suppressed",
    });
    expect(await letter("offers", email)).toMatchObject({ status: "accepted" });
    expect(await letter("account-notice", email)).toMatchObject({ status: "accepted" });
  });

  it("is in the header and in every body part of each such message", async () => {
    const { mail, person, letter, linkIn } = axcrypt;
    const { email } = await person("anna@example.se");
    await letter("newsletter", email);
    const [message] = mail.messages;
    expect(message?.text).toContain(linkIn(email));
    expect(message?.html).toContain(linkIn(email));
    expect(message?.headers.find(({ name }) => name === "list-unsubscribe-post")?.value).toBe(
      "List-Unsubscribe=One-Click",
    );
  });

  it("refuses a marketing message without the link", async () => {
    const { mail, mailer, person } = axcrypt;
    const { email } = await person("anna@example.se");
    for (const message of [
      { subject: "News", text: "No way out." },
      { subject: "News", text: "Unsubscribe: {{unsubscribe}}", html: "<p>No way out.</p>" },
    ]) {
      await expect(
        mailer.send({ topic: "newsletter", to: email, messageKey: message.text, message }),
      ).rejects.toMatchObject({ name: "InvalidInputError" });
    }
    expect(mail.messages).toEqual([]);
  });

  it("changes nothing for a tampered token, nor when a link scanner follows the link", async () => {
    const { heed, person, letter, linkIn } = axcrypt;
    const subject = await person("anna@example.se");
    await letter("newsletter", subject.email);
    const link = linkIn(subject.email);
    const tampered = link.slice(0, -1) + (link.endsWith("A") ? "B" : "A");
    expect((await fetch(tampered, oneClick)).status).toBe(404);
    expect((await fetch(link)).status).toBe(200);
    expect((await fetch(link, { method: "HEAD", headers: { Purpose: "prefetch" } })).status).toBe(200);
    expect((await heed.subscriptions.state({ subject, topic: "newsletter" })).state).toBe("given");
    expect(await letter("newsletter", subject.email, "newsletter-2")).toMatchObject({ status: "accepted" });
  });
});

describe("AXE-21: If you are a Business user, and do not want to be included in our CRM system", () => {
  const email = "anna@example.se";
  const paying = { stripe: [{ cards: 1, paying: true }], alsoAtHubspot: ["anna@lindqvist.example"] };
  const open = (
    subject: { email: string },
    identity: "operator-checked" | "unverified" = "operator-checked",
  ) => axcrypt.heed.requests.open({ right: "objection", recipient: "crm", subject, identity });
  const sync = () => syncAccounts(axcrypt.heed, axcrypt.application, axcrypt.vendors.hubspot);
  /** All that Stripe has, byte for byte. */
  const atStripe = () =>
    JSON.stringify(
      Object.values(axcrypt.stripe.state).flatMap((objects) =>
        objects instanceof Map ? [[...objects]] : [],
      ),
    );

  it("takes the contact out of HubSpot for good, and leaves the account, the invoices and the cards", async () => {
    const { heed, portal, application, person, settle } = axcrypt;
    const subject = await person(email, paying);
    await person("bystander@example.se");
    await settle();
    const before = { stripe: atStripe(), bystander: portal.dossier("bystander@example.se") };
    const { id } = await open(subject);
    await settle();
    const request = await heed.requests.get(id);
    expect(request.state).toBe("fulfilled");
    expect(request.steps.map(({ processor, operation }) => `${processor}/${operation}`)).toEqual([
      "crm/exclude",
    ]);
    expect(portal.search("anna")).toEqual([]);
    expect(application.holds(email)).toBe(true);
    expect({ stripe: atStripe(), bystander: portal.dossier("bystander@example.se") }).toEqual(before);
  });

  it("is skipped by the next CRM sync, which brings everybody else", async () => {
    const { portal, application, person, settle } = axcrypt;
    const subject = await person(email, paying);
    await open(subject);
    await settle();
    await person("new@example.se", { isHubspotContact: false });
    // An account under the address that HubSpot alone knew.
    application.signUp({ email: "anna@lindqvist.example", name: "Anna" });
    expect(await sync()).toEqual({ created: 1, leftOut: 2 });
    expect(await sync()).toEqual({ created: 0, leftOut: 2 });
    expect([portal.search("anna"), portal.search("new@example.se")]).toEqual([[], [expect.any(String)]]);
  });

  it("holds from the moment it is asked, also while HubSpot is down", async () => {
    const { portal, person, settle } = axcrypt;
    const subject = await person(email, { isHubspotContact: false });
    portal.inject({ fault: { status: 502, body: "" }, times: 6 });
    await open(subject);
    portal.heal();
    expect(await sync()).toEqual({ created: 0, leftOut: 1 });
    await settle();
    expect(await sync()).toEqual({ created: 0, leftOut: 1 });
    expect(portal.search("anna")).toEqual([]);
  });

  it("is kept by asking: HubSpot's own blocklist stops no sync", async () => {
    const { portal, vendors, person, settle } = axcrypt;
    const subject = await person(email);
    await open(subject);
    await settle();
    expect([portal.isBlocked(email), portal.search(email)]).toEqual([true, []]);
    expect(await createContact(vendors.hubspot, email)).toBe(true);
    expect(portal.search(email)).not.toEqual([]);
  });

  it("is no erasure and no opt-out: the letters that the person wants still come", async () => {
    const { heed, mail, portal, person, letter, settle } = axcrypt;
    const subject = await person(email, paying);
    await open(subject);
    await settle();
    for (const topic of [...marketing, "account-notice"] as const)
      expect(await letter(topic, email)).toMatchObject({ status: "accepted" });
    expect(mail.messages).toHaveLength(4);
    expect((await heed.consent.state({ subject, purpose: "direct-marketing" })).state).toBe("given");
    // Neither a yes nor a no from now on brings them back.
    await heed.subscriptions.unsubscribe({ subject, topic: "offers" });
    await settle();
    axcrypt.clock.skip(1_000);
    await heed.subscriptions.subscribe({ subject, topic: "offers", evidence });
    await settle();
    expect(await letter("offers", email, "offers-2")).toMatchObject({ status: "accepted" });
    expect([portal.search("anna"), portal.status(email, "4712")]).toEqual([[], "NOT_SPECIFIED"]);
  });

  it("removes nobody on the word of somebody unknown", async () => {
    const { heed, portal, person, settle } = axcrypt;
    const subject = await person(email);
    const { id } = await open(subject, "unverified");
    await settle();
    expect((await heed.requests.get(id)).state).toBe("awaiting_verification");
    expect(portal.search(email)).toContainEqual(expect.stringMatching(/^contact /));
  });
});

describe("AXS-17: Den rättsliga grunden för behandling för detta ändamål är samtycke (the legal basis for this purpose is consent)", () => {
  it("mails who gave consent", async () => {
    const { email } = await axcrypt.person("anna@example.se");
    expect(await axcrypt.letter("newsletter", email)).toMatchObject({ status: "accepted" });
  });

  it("mails nobody without a consent event, a paying account holder neither", async () => {
    const { mail, person, letter } = axcrypt;
    const { email } = await person("customer@example.se", {
      consents: false,
      stripe: [{ cards: 1, paying: true }],
    });
    for (const topic of marketing)
      expect(await letter(topic, email)).toEqual({ status: "blocked", because: "not-given" });
    expect(mail.messages).toEqual([]);
    expect(await letter("account-notice", email)).toMatchObject({ status: "accepted" });
  });
});

describe("AXS-20: Du kan välja att avsluta prenumerationen när som helst genom att klicka på länken; HubSpot är vår databehandlare (end the subscription by the link; HubSpot is our processor)", () => {
  it("ends the subscription here and at HubSpot", async () => {
    const { heed, portal, person, letter, linkIn, settle } = axcrypt;
    const subject = await person("anna@example.se");
    await letter("newsletter", subject.email);
    await fetch(linkIn(subject.email), oneClick);
    await settle();
    expect(portal.status(subject.email, "4711")).toBe("UNSUBSCRIBED");
    expect(portal.status(subject.email, "4712")).not.toBe("UNSUBSCRIBED");
    expect((await heed.subscriptions.state({ subject, topic: "newsletter" })).state).toBe("not-given");
  });

  it("has HubSpot as the processor of every newsletter in its register, with what allows the transfer", () => {
    expect(policy.recipients["crm"]).toMatchObject({ role: "processor", transferTool: "scc" });
    for (const topic of marketing) expect(policy.topics[topic]?.via).toEqual(["crm"]);
  });

  it("does not start without that processor: nobody there would hear of an ended subscription", () => {
    const options = { policy, storage: memory(), keys: ephemeralKeys() };
    expect(() => createHeed(options as never)).toThrow(
      expect.objectContaining({ code: "processors-do-not-fit" }),
    );
  });

  it("refuses a permit here at once while HubSpot is down, keeps trying, and is done only when confirmed", async () => {
    const { heed, portal, person, letter, linkIn, settle } = axcrypt;
    const subject = await person("anna@example.se");
    await letter("newsletter", subject.email);
    portal.inject({ fault: "drop", times: 8 });
    const told: { state: string; ended: boolean }[] = [];
    heed.on("step.settled", ({ state, ended }) => told.push({ state, ended }));
    const prepared = await heed.permits.take({
      topic: "newsletter",
      email: subject.email,
      messageKey: "prepared",
    });
    expect((await fetch(linkIn(subject.email), oneClick)).status).toBe(200);
    expect(prepared.allowed && (await prepared.handOver())).toBe(false);
    expect(await letter("newsletter", subject.email, "newsletter-2")).toEqual({
      status: "blocked",
      because: "suppressed",
    });
    await heed.work.drain();
    expect(portal.status(subject.email, "4711")).not.toBe("UNSUBSCRIBED");
    expect(told).not.toEqual([]);
    expect(told.filter(({ ended }) => ended)).toEqual([]);
    await settle();
    expect(told.at(-1)).toEqual({ state: "verified", ended: true });
    expect(portal.status(subject.email, "4711")).toBe("UNSUBSCRIBED");
  });
});
