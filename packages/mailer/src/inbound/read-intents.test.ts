import { describe, expect, it } from "vitest";
import { readIntents, type Intents } from "./read-intents.ts";
import { englishWords, swedishWords, type Intent } from "./words.ts";

const read = (subject: string, line = ""): Intents =>
  readIntents({ subject, line, isEmpty: false }, { en: englishWords, sv: swedishWords });

/** As people write, in English and then in Swedish. */
const said: Record<Intent, string[]> = {
  erasure: [
    "Please delete my account",
    "Please erase all my personal data",
    "I want you to delete all my personal data.",
    "Request for erasure",
    "GDPR deletion request",
    "Data deletion request",
    "Please delete all data you have about me",
    "Please delete all information about me",
    "Remove all my personal data",
    "Please close my account and delete it",
    "Delete my profile",
    "Please remove my account",
    "Right to erasure request",
    "I'd like my data deleted",
    "Please erase my account",
    "Radera mitt konto",
    "Radera alla mina uppgifter",
    "Jag vill att ni raderar mina uppgifter",
    "Ta bort mina personuppgifter",
    "Begäran om radering",
    "Ta bort mitt konto",
    "Jag vill bli bortglömd",
    "Jag vill bli raderad",
    "Ta bort alla uppgifter om mig",
    "Radera all information om mig",
    "Vill ha mina uppgifter raderade",
  ],
  objection: [
    "I object to the processing of my data",
    "Objection to direct marketing",
    "I want to object",
    "I hereby object",
    "I am objecting to profiling",
    "Stop using my data for marketing",
    "Right to object",
    "Jag invänder mot profilering",
    "Jag motsätter mig behandlingen",
    "Invändning mot direktmarknadsföring",
    "Jag vill invända mot detta",
    "Jag vill göra en invändning",
  ],
  access: [
    "Access to my data",
    "Subject access request",
    "Data subject access request",
    "Please send me a copy of my data",
    "Please send me a copy of all my personal data",
    "A copy of all my data",
    "What data do you have about me?",
    "What data do you hold about me?",
    "I want to see the data you hold about me",
    "What personal data do you have about me",
    "Right of access",
    "DSAR",
    "Request access to my personal data",
    "What information do you have about me?",
    "Registerutdrag",
    "Begäran om registerutdrag",
    "Jag vill ha ett registerutdrag",
    "En kopia av mina personuppgifter",
    "En kopia på alla mina uppgifter",
    "Vilka uppgifter har ni om mig?",
    "Vilka personuppgifter har ni om mig?",
    "Tillgång till mina uppgifter",
    "Rätt till tillgång",
    "Jag vill få ut mina uppgifter",
    "Jag vill veta vilka uppgifter ni har om mig",
  ],
  rectification: [
    "Please correct my address",
    "Rectification of my data",
    "My name is spelled wrong",
    "Please update my address",
    "Please change my name",
    "Correct my personal data",
    "My address is wrong",
    "Right to rectification",
    "Wrong data about me",
    "Rätta mina uppgifter",
    "Rätta min adress",
    "Begäran om rättelse",
    "Ändra min adress",
    "Ni har fel adress",
    "Ändra mina uppgifter",
    "Mina uppgifter är fel",
    "Rätta mitt namn",
  ],
  restriction: [
    "Restriction of processing",
    "Please restrict the processing of my data",
    "Restrict my data",
    "Please limit the processing of my data",
    "Stop processing my personal data",
    "Right to restriction",
    "Begränsning av behandling",
    "Begränsa behandlingen av mina uppgifter",
    "Begränsning av behandlingen",
    "Jag vill begränsa användningen av mina uppgifter",
    "Sluta behandla mina uppgifter",
    "Rätt till begränsning",
  ],
  portability: [
    "Data portability",
    "Export my data",
    "Right to data portability",
    "Please transfer my data to another provider",
    "Export of my data",
    "I want to export all my data",
    "My data in a machine-readable format",
    "Please port my data",
    "Dataportabilitet",
    "Flytta mina uppgifter till en annan leverantör",
    "Exportera mina uppgifter",
    "Överföra mina uppgifter",
    "Rätt till dataportabilitet",
    "Jag vill flytta mina personuppgifter",
  ],
  complaint: [
    "A complaint about how you use my data",
    "Complaint",
    "I want to complain",
    "I wish to make a complaint",
    "I would like to lodge a complaint",
    "I am complaining about your emails",
    "Complaints",
    "Klagomål",
    "Jag vill klaga",
    "Jag klagar på er hantering",
    "Jag har ett klagomål",
    "Jag vill framföra ett klagomål",
    "Anmälan om klagomål",
  ],
  withdrawal: [
    "I withdraw my consent",
    "I hereby withdraw my consent",
    "Withdrawal of my consent",
    "I revoke my consent",
    "I want to withdraw consent",
    "I no longer consent",
    "Jag återkallar mitt samtycke",
    "Jag tar tillbaka mitt samtycke",
    "Jag drar tillbaka mitt samtycke",
    "Återkallelse av samtycke",
    "Jag vill återkalla mitt samtycke",
  ],
  unsubscribe: [
    "unsubscribe",
    "Please unsubscribe me",
    "Unsubscribe from all lists",
    "Opt-out",
    "Please take me off your list",
    "Take my name off the list",
    "Stop sending me emails",
    "No more emails please",
    "Avregistrera",
    "Avsluta prenumeration",
    "Avregistrera mig",
    "Avprenumerera mig",
    "Jag vill inte ha fler mejl",
    "Jag vill avsluta min prenumeration",
    "Ta bort mig från listan",
    "Stoppa utskicken",
    "Sluta mejla mig",
  ],
};

describe("what people write", () => {
  const phrases = Object.entries(said).flatMap(([wish, all]) => all.map((phrase) => [wish, phrase] as const));

  it.each(phrases)("is %s, and nothing else: %s", (wish, phrase) => {
    expect(read(phrase).wishes).toEqual([wish]);
    expect(read("Hello", `${phrase.toUpperCase()}!`).wishes).toEqual([wish]);
  });

  it.each([
    "Question about an invoice",
    "The area is restricted",
    "Thanks for your help, the data arrived",
    "Remove the old version first?",
    "Can I see a copy of the manual?",
    "Our new address",
    "Tack för era uppgifter",
    "Är konto och lösenord samma sak?",
    "Filen ändrades av mig",
    "",
    "*",
  ])("is no wish: %j", (phrase) => {
    expect(read(phrase)).toEqual({ wishes: [] });
  });

  it.each([
    "Please do not unsubscribe me",
    "Don't remove me from the list!",
    "I do not want to opt out",
    "I don\u2019t want to be forgotten",
    "Never delete my account, please",
    "I did not unsubscribe",
    "Do not delete any of my data",
    "I don't object to it",
    "Jag vill inte avregistrera mig",
    "Avregistrera mig inte",
    "Avsluta inte min prenumeration",
    "Radera inte mina uppgifter",
    "Jag vill inte bli raderad",
  ])("is no wish where it is denied: %j", (phrase) => {
    expect(read(phrase)).toEqual({ wishes: [] });
    expect(read("Hello", phrase)).toEqual({ wishes: [] });
  });

  it.each([
    "Why can I not unsubscribe?",
    "I cannot unsubscribe",
    "I did not sign up. Unsubscribe me",
    "I do not want this: unsubscribe me, and do not unsubscribe my wife",
    "Don't write again. Remove me",
    "Jag kan inte avregistrera mig",
    "Jag vill inte ha fler mejl",
  ])("is a wish where something else is denied: %j", (phrase) => {
    expect(read(phrase).wishes).toEqual(["unsubscribe"]);
  });

  it("is understood with a few words between, and not across half a mail", () => {
    expect(read("delete one two three four about me").wishes).toEqual(["erasure"]);
    expect(read("delete one two three four five about me").wishes).toEqual([]);
  });

  it("is the same however its letters are encoded", () => {
    expect(read("Rättelse".normalize("NFD")).wishes).toEqual(["rectification"]);
    expect(read("ｕｎｓｕｂｓｃｒｉｂｅ").wishes).toEqual(["unsubscribe"]);
  });

  it("tells its language", () => {
    expect([read("Unsubscribe").language, read("Avregistrera").language]).toEqual(["en", "sv"]);
  });

  it("is read in little time, whatever it is", { timeout: 5_000 }, () => {
    const read40 = (word: string) => read(word.repeat(40), word.repeat(40)).wishes;
    expect(["delete ", "my ", "delete my "].map(read40)).toEqual([[], [], []]);
  });
});
