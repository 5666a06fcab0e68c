import { createHeed, definePolicy } from "@heed/core";
import { openStage, type Place, type Stage } from "heed-example-stage";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAxigen } from "../src/axigen.ts";
import { policy } from "../src/policy.ts";

const anna = { email: "anna.canary@example.ro" };
const evidence = { noticeVersion: "2018-11", language: "en" } as const;
const lists = ["newsletter", "product-updates", "offers", "surveys"] as const;
const webmaster = "webmaster@axigen.example";
const dataProtection = "data-protection@axigen.example";

let axigen: Stage<ReturnType<typeof createAxigen>>;
beforeEach(async () => {
  axigen = await openStage("Axigen", createAxigen);
});
afterEach(async () => {
  await axigen.close();
});

type Topic = Parameters<typeof axigen.mailer.send>[0]["topic"];

const newsletter = { subject: "News", text: "Read this.\n\nUnsubscribe from this list: {{unsubscribe}}" };
const letter = { subject: "About your server", text: "Please read." };
let sent = 0;
const send = (topic: Topic, to = anna.email) =>
  axigen.mailer.send({
    topic,
    to,
    messageKey: `${topic}-${(sent += 1)}`,
    message: (lists as readonly string[]).includes(topic) ? newsletter : letter,
  });

/** Everybody is asked for consent before anything comes: it covers all four lists. */
async function consents(who: { readonly email: string } = anna): Promise<void> {
  await axigen.heed.consent.give({ subject: who, purpose: "marketing", evidence });
  axigen.clock.skip(1_000);
}

const open = (right: string) => ({ right, state: "awaiting_verification" });

describe("AXI-12: We use contact data from our forms to occasionally send product updates, offers, and email surveys", () => {
  it.each(["product-updates", "offers", "surveys"] as const)("sends %s to whoever agreed", async (topic) => {
    await consents();
    expect(await send(topic)).toMatchObject({ status: "accepted" });
    expect(axigen.lettersTo(anna.email)).toHaveLength(1);
  });

  it("sends nobody anything who did not", async () => {
    await axigen.heed.subjects.record({ subject: anna });
    for (const topic of lists) expect(await send(topic)).toEqual({ status: "blocked", because: "not-given" });
    expect(axigen.post.search("canary")).toEqual([]);
  });

  it("uses the address for nothing else", async () => {
    await consents();
    // @ts-expect-error the policy has no such topic
    expect(await send("partner-offers")).toEqual({ status: "blocked", because: "topic-not-covered" });
    expect(axigen.post.search("canary")).toEqual([]);
  });
});

describe("AXI-13: This contact information is also used to contact the visitor when necessary (e.g. with respect to the change of this privacy policy, customer support, system alerts, etc.)", () => {
  const necessary = ["policy-change", "support", "system-alerts"] as const;

  it.each(necessary)("delivers %s in spite of an opt-out from all lists", async (topic) => {
    await consents();
    await axigen.heed.subscriptions.unsubscribe({ subject: anna, topic: "all" });
    expect(await send(topic)).toMatchObject({ status: "accepted" });
    expect(axigen.lettersTo(anna.email)[0]?.raw.toString()).not.toMatch(/^list-unsubscribe/im);
  });

  it("sends none of them to somebody who was erased", async () => {
    await consents();
    axigen.customers.add(anna.email);
    await axigen.heed.requests.open({ right: "erasure", subject: anna, identity: "signed-in" });
    await axigen.settle();
    const before = axigen.lettersTo(anna.email).length;
    for (const topic of [...necessary, ...lists])
      expect(await send(topic)).toEqual({ status: "blocked", because: "erased" });
    expect(axigen.lettersTo(anna.email)).toHaveLength(before);
  });
});

describe('AXI-19: either from a specific list, by clicking the "Unsubscribe from this list" link at the bottom of any email received from us', () => {
  const click = (url: string, body: string) =>
    fetch(url, {
      method: "POST",
      body,
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
      redirect: "error",
    });

  it("ends that list, and no other", async () => {
    await consents();
    await send("newsletter");
    expect((await click(axigen.linkTo(anna.email), "action=stop")).status).toBe(200);
    expect(await send("newsletter")).toEqual({ status: "blocked", because: "suppressed" });
    for (const topic of ["product-updates", "offers", "surveys"] as const)
      expect(await send(topic)).toMatchObject({ status: "accepted" });
  });

  it("ends nobody else's", async () => {
    const bystander = { email: "bystander@example.ro" };
    await consents();
    await consents(bystander);
    await send("newsletter");
    await click(axigen.linkTo(anna.email), "action=stop");
    expect(await send("newsletter", bystander.email)).toMatchObject({ status: "accepted" });
  });

  it("answers a second click with the same page, and changes nothing", async () => {
    await consents();
    await send("newsletter");
    const url = axigen.linkTo(anna.email);
    const [first, second] = [await click(url, "action=stop"), await click(url, "action=stop")];
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(await second.text()).toBe(await first.text());
    expect(await axigen.heed.subscriptions.state({ subject: anna, topic: "offers" })).toMatchObject({
      state: "given",
    });
  });

  it("does nothing for whoever only looks: a link scanner, a preview", async () => {
    await consents();
    await send("newsletter");
    for (const method of ["GET", "HEAD"]) await fetch(axigen.linkTo(anna.email), { method });
    expect(await send("newsletter")).toMatchObject({ status: "accepted" });
  });

  it("is at the bottom of every such mail, and one click of the mail program's as well", async () => {
    await consents();
    for (const topic of lists) await send(topic);
    for (const mail of axigen.lettersTo(anna.email)) {
      expect(mail.text?.trim()).toMatch(/Unsubscribe from this list: http\S+$/);
      expect(mail.headers.filter(({ name }) => name.startsWith("list-unsubscribe"))).toHaveLength(2);
    }
    const oneClick = await click(axigen.linkTo(anna.email), "List-Unsubscribe=One-Click");
    expect(oneClick.status).toBe(200);
    // The newest was a survey.
    for (const topic of lists)
      expect((await send(topic)).status).toBe(topic === "surveys" ? "blocked" : "accepted");
  });
});

describe("AXI-20: globally – from all lists – by requesting this via an email to", () => {
  const stop = { to: webmaster, subject: "Please unsubscribe me", text: "Thank you." };

  it.each([true, false])("blocks all lists, of a sender whose provider signed: %s", async (signed) => {
    await consents();
    expect(await axigen.write({ ...stop, from: anna.email, signed })).toMatch(/^250 /);
    for (const topic of lists)
      expect(await send(topic)).toEqual({ status: "blocked", because: "suppressed" });
    expect(await send("support")).toMatchObject({ status: "accepted" });
  });

  it("blocks a list that comes later as well, until somebody opts in to that one anew", async () => {
    await axigen.write({ ...stop, from: anna.email });
    axigen.clock.skip(1_000);
    expect(await send("newsletter")).toEqual({ status: "blocked", because: "suppressed" });
    await axigen.heed.subscriptions.subscribe({ subject: anna, topic: "offers", evidence });
    expect(await send("offers")).toMatchObject({ status: "accepted" });
    expect(await send("newsletter")).toEqual({ status: "blocked", because: "suppressed" });
  });

  it("blocks a list that the company did not have yet, and that list goes to everybody else who agreed", async () => {
    let place: Place | undefined;
    await axigen.close();
    axigen = await openStage("Axigen", (given) => createAxigen((place = given)));
    const bystander = { email: "bystander@example.ro" };
    await consents();
    await consents(bystander);
    await axigen.write({ ...stop, from: anna.email });
    if (place === undefined) throw new Error("nothing was opened");
    const { storage, keys, clock } = place;
    const webinars = { class: "marketing", purpose: "marketing" } as const;
    const later = createHeed({
      policy: definePolicy({ ...policy, topics: { ...policy.topics, webinars } }),
      storage,
      keys,
      clock,
      processors: {},
    });
    const ask = { topic: "webinars", messageKey: "1" } as const;
    expect(await later.permits.take({ ...ask, ...anna })).toEqual({ allowed: false, because: "suppressed" });
    expect(await later.permits.take({ ...ask, ...bystander })).toMatchObject({ allowed: true });
  });

  it("is not undone by an older opt-in that turns up afterwards", async () => {
    await axigen.write({ ...stop, from: anna.email });
    const older = { evidence, imported: true, at: "2018-01-01T00:00:00Z" } as const;
    await axigen.heed.subscriptions.subscribe({ subject: anna, topic: "newsletter", ...older });
    await axigen.heed.consent.give({ subject: anna, purpose: "marketing", ...older });
    for (const topic of lists)
      expect(await send(topic)).toEqual({ status: "blocked", because: "suppressed" });
  });

  it("erases nobody, whatever a forged mail says", async () => {
    await consents();
    axigen.customers.add(anna.email);
    const forged = { to: webmaster, from: anna.email, signed: false };
    await axigen.write({
      ...forged,
      subject: "Unsubscribe me and erase all my data",
      text: "Delete everything.",
    });
    await axigen.settle();
    expect(axigen.customers.has(anna.email)).toBe(true);
    expect(await send("newsletter")).toEqual({ status: "blocked", because: "suppressed" });
    expect(await send("support")).toMatchObject({ status: "accepted" });
    for (const { id } of await axigen.heed.requests.list())
      expect((await axigen.heed.requests.get(id)).state).not.toBe("executing");
  });

  it("leaves everybody else's lists alone", async () => {
    await consents({ email: "bystander@example.ro" });
    await axigen.write({ ...stop, from: anna.email });
    expect(await send("newsletter", "bystander@example.ro")).toMatchObject({ status: "accepted" });
  });
});

describe("AXI-26: you can freely withdraw such consent at any time. You can do this by emailing us at", () => {
  const withdrawal = { to: dataProtection, subject: "I withdraw my consent", text: "To everything." };

  it.each([true, false])("ends the consent as of when the mail came, signed or not: %s", async (signed) => {
    await consents();
    const before = axigen.clock.now().toISOString();
    await axigen.write({ ...withdrawal, from: anna.email, signed });
    const state = await axigen.heed.consent.state({ subject: anna, purpose: "marketing" });
    expect(state.state).toBe("not-given");
    const after = axigen.clock.now().toISOString();
    expect(state.since !== undefined && state.since >= before && state.since <= after).toBe(true);
    for (const topic of lists)
      expect(await send(topic)).toEqual({ status: "blocked", because: "suppressed" });
  });

  it("costs no more steps than giving it did: one form and one click, against one mail", async () => {
    let steps = 1; // the form
    const asked = await axigen.heed.consent.request({ subject: anna, purpose: "marketing", evidence });
    if (!asked.asked) throw new Error("nobody was asked");
    await axigen.heed.invitations.answer({ token: asked.token, answer: "yes" });
    steps += 1; // the click
    expect(await send("newsletter")).toMatchObject({ status: "accepted" });
    axigen.clock.skip(1_000);
    await axigen.write({ ...withdrawal, from: anna.email });
    const toWithdraw = 1;
    expect(await send("newsletter")).toEqual({ status: "blocked", because: "suppressed" });
    expect(toWithdraw).toBeLessThanOrEqual(steps);
  });

  it("ends nobody else's, and erases nothing", async () => {
    const bystander = { email: "bystander@example.ro" };
    await consents();
    await consents(bystander);
    axigen.customers.add(anna.email);
    await axigen.write({ ...withdrawal, from: anna.email });
    await axigen.settle();
    expect(axigen.customers.has(anna.email)).toBe(true);
    expect(await send("newsletter", bystander.email)).toMatchObject({ status: "accepted" });
  });
});

describe("AXI-33: You can exercise your rights by sending us an email at", () => {
  it.each([
    ["erasure", "Please delete my account", "I want you to delete all my personal data."],
    ["erasure", "Right to be forgotten", "Please erase everything you have about me."],
    ["erasure", "My data", "I want you to delete all my personal data."],
    ["erasure", "Mina uppgifter", "Jag vill att ni raderar alla mina uppgifter."],
  ] as const)("opens the right request: %s (%s)", async (right, subject, text) => {
    await axigen.heed.subjects.record({ subject: anna });
    axigen.customers.add(anna.email);
    const before = axigen.clock.now().toISOString();
    await axigen.write({ from: anna.email, to: dataProtection, subject, text });
    const [request] = await axigen.heed.requests.list();
    expect(request).toMatchObject(open(right));
    const { receivedAt } = await axigen.heed.requests.get(request?.id ?? "");
    expect(receivedAt >= before && receivedAt <= axigen.clock.now().toISOString()).toBe(true);
    await axigen.settle();
    expect(axigen.customers.has(anna.email)).toBe(true);
  });

  it.each([
    ["access", "What do you have?", "I would like a copy of all my personal data."],
    ["access", "Registerutdrag", "Jag vill veta vilka uppgifter ni har om mig."],
    ["rectification", "A mistake", "Please correct my name, it is spelled wrong."],
    ["rectification", "Fel adress", "Kan ni ändra min adress?"],
    ["restriction", "My data", "Please restrict the processing of my data."],
    [
      "restriction",
      "Mina uppgifter",
      "Jag vill att ni begränsar dem. Begränsa behandlingen av mina uppgifter.",
    ],
    ["portability", "Moving", "I want to export my data in a machine-readable format."],
    ["portability", "Dataportabilitet", "Jag vill flytta mina uppgifter."],
    ["objection", "Profiling", "I object to the profiling of my visits."],
    ["objection", "Invändning", "Jag motsätter mig profilering."],
    ["complaint", "I am not happy", "I want to complain about how you use my data."],
    ["complaint", "Klagomål", "Jag vill klaga på hur ni använder mina uppgifter."],
  ])(
    "has people read what is about %s, and says so to them and to whoever wrote it: %s",
    async (about, subject, text) => {
      await axigen.heed.subjects.record({ subject: anna });
      await axigen.write({ from: anna.email, to: dataProtection, subject, text });
      const requests = await axigen.heed.requests.list();
      expect(requests).toMatchObject([{ right: "inquiry", about, state: "awaiting_manual" }]);
      expect(requests[0]?.dueOn).toMatch(/^\d{4}-\d{2}-\d{2}$/);
      expect(axigen.desk.map(({ about }) => about.requests)).toEqual([
        [{ id: requests[0]?.id, right: "inquiry", about }],
      ]);
      const [told] = axigen.lettersTo(anna.email);
      expect(told?.subject).toMatch(/has received your message|har tagit emot ditt meddelande/);
      expect(told?.text).not.toContain(text);
    },
  );

  it("tells the person that it came, and goes on once they have shown who they are", async () => {
    await axigen.heed.subjects.record({ subject: anna });
    axigen.customers.add(anna.email);
    await axigen.write({
      from: anna.email,
      to: dataProtection,
      subject: "Erase my data",
      text: "All of it.",
    });
    expect(axigen.lettersTo(anna.email)).toHaveLength(1);
    const link = axigen.linkTo(anna.email, "invitations");
    await fetch(link);
    expect((await axigen.heed.requests.list())[0]).toMatchObject(open("erasure"));
    const answer = { method: "POST", body: new URLSearchParams({ answer: "yes" }) };
    expect((await fetch(link, answer)).status).toBe(200);
    await axigen.settle();
    expect(axigen.customers.has(anna.email)).toBe(false);
    expect(await send("support")).toEqual({ status: "blocked", because: "erased" });
  });

  it("has somebody read what cannot be told, while its clock runs", async () => {
    await axigen.heed.subjects.record({ subject: anna });
    await axigen.write({
      from: anna.email,
      to: dataProtection,
      subject: "Something about my data",
      text: "I am not sure what I want, could you ring me?",
    });
    const [request] = await axigen.heed.requests.list();
    expect(request).toMatchObject({ right: "inquiry", state: "awaiting_manual" });
    expect(request?.dueOn).toMatch(/^\d{4}-\d{2}-\d{2}$/);
    expect(axigen.desk).toHaveLength(1);
    expect(axigen.desk[0]?.text).toContain("could you ring me?");
    expect(axigen.desk[0]?.about.requests.map(({ id }) => id)).toEqual([request?.id]);
  });
});
