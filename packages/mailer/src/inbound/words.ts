/** What somebody may wish who writes. The last six are for people to read. */
export type Intent =
  | "unsubscribe"
  | "withdrawal"
  | "erasure"
  | "objection"
  | "access"
  | "rectification"
  | "restriction"
  | "portability"
  | "complaint";

/** The words by which a wish is known, in one language. Case, accents' encoding and punctuation do not matter. */
export type Words = Readonly<Record<Intent, readonly string[]>>;

/** What English-speaking people write. */
export const englishWords: Words = {
  unsubscribe: [
    "unsubscribe",
    "unsubscribe me",
    "opt out",
    "opt me out",
    "remove me",
    "take me off",
    "stop emailing me",
    "stop sending me",
    "no more emails",
    "no more mails",
  ],
  withdrawal: [
    "withdraw consent",
    "withdraw my consent",
    "withdrawing my consent",
    "revoke my consent",
    "withdrawal of consent",
  ],
  erasure: [
    "delete my data",
    "delete my personal data",
    "delete my account",
    "delete all my data",
    "delete all of my data",
    "delete everything you have",
    "delete me",
    "erase my data",
    "erase all my data",
    "erase all of my data",
    "erase everything you have",
    "erase my personal data",
    "erase me",
    "erasure",
    "remove my data",
    "remove my personal data",
    "remove all my data",
    "have my data removed",
    "want my data removed",
    "forget me",
    "right to be forgotten",
  ],
  objection: ["i object", "object to", "objection", "right to object"],
  access: [
    "access to my data",
    "access my data",
    "access request",
    "copy of my data",
    "copy of my personal data",
    "what data you have",
    "what data do you have",
    "right of access",
  ],
  rectification: ["correct my", "rectify", "rectification", "update my data", "my data is wrong"],
  restriction: ["restrict", "restriction of processing", "stop processing my data"],
  portability: ["portability", "transfer my data", "export my data"],
  complaint: ["complaint", "i complain"],
};

/** What Swedish-speaking people write. */
export const swedishWords: Words = {
  unsubscribe: [
    "avsluta",
    "avsluta prenumeration",
    "avregistrera",
    "avregistrering",
    "avprenumerera",
    "avanmäl",
    "avanmälan",
    "ta bort mig från",
    "sluta mejla",
    "sluta maila",
    "sluta skicka",
    "inga fler mejl",
    "inga fler mail",
  ],
  withdrawal: [
    "återkalla samtycke",
    "återkallar samtycke",
    "återkalla mitt samtycke",
    "återkallar mitt samtycke",
    "drar tillbaka mitt samtycke",
    "ta tillbaka mitt samtycke",
  ],
  erasure: [
    "radera mina",
    "radera mig",
    "radera mitt konto",
    "radering",
    "ta bort mina uppgifter",
    "ta bort mina personuppgifter",
    "ta bort alla mina",
    "radera alla mina",
    "ta bort mitt konto",
    "glöm mig",
    "rätten att bli bortglömd",
    "rätten att bli glömd",
  ],
  objection: ["jag invänder", "invända mot", "invändning", "jag motsätter mig"],
  access: [
    "registerutdrag",
    "utdrag ur registret",
    "kopia av mina uppgifter",
    "kopia på mina uppgifter",
    "vilka uppgifter ni har",
    "vilka uppgifter har ni",
    "tillgång till mina",
  ],
  rectification: ["rätta mina", "rättelse", "rätta min", "ändra mina uppgifter", "mina uppgifter är fel"],
  restriction: ["begränsa behandling", "begränsning av behandling", "begränsa användning"],
  portability: ["dataportabilitet", "flytta mina uppgifter", "överföra mina uppgifter"],
  complaint: ["klagomål", "jag klagar"],
};
