import type { Catalogue } from "./catalogue.ts";

/** The texts in Swedish. */
export const swedish: Catalogue = {
  language: "sv",
  direction: "ltr",
  rights: {
    access: "tillgång till dina uppgifter",
    rectification: "rättelse av dina uppgifter",
    erasure: "radering av dina uppgifter",
    restriction: "begränsning av hur dina uppgifter används",
    portability: "dina uppgifter, att ta med dig",
    objection: "invändning mot en användning av dina uppgifter",
    withdrawal: "återkallelse av ditt samtycke",
    "forget-tokens": "borttagning av dina sparade betaluppgifter",
  },
  mails: {
    "confirm-subscription": {
      subject: "Bekräfta: ”{topic}” från {controller}",
      heading: "Vill du ha ”{topic}”?",
      asked:
        "Någon, troligen du, har bett {controller} att skicka ”{topic}” till den här adressen. Inget skickas förrän du har bekräftat det.",
      button: "Bekräfta eller säg nej",
      expires: "Länken fungerar till den {expiresAt}.",
      otherwise:
        "Var det inte du? Då behöver du inte göra något, och inget kommer att skickas. På sidan bakom länken kan du också säga att det inte var du.",
    },
    "policy-changed": {
      subject: "{controller} ändrar sin integritetspolicy den {effectiveOn}",
      heading: "Vår integritetspolicy ändras",
      changes: "Den {effectiveOn} ändrar {controller} sin integritetspolicy. Det här ändras:",
      whole: "Läs hela den nya policyn",
      choice: "En sak väljer du själv: {purpose}.",
      silence: "Om du inte svarar betyder det nej. Då ändras inget annat för dig.",
      button: "Välj ja eller nej",
      expires: "Du kan välja till den {expiresAt}.",
    },
    "confirm-unsubscribe": {
      subject: "Vill du avsluta prenumerationen från {controller}?",
      heading: "Vill du avsluta prenumerationen?",
      asked:
        "Vi har fått ett mejl i ditt namn. Det ber {controller} att inte skicka ”{topic}” till dig längre.",
      askedAll:
        "Vi har fått ett mejl i ditt namn. Det ber {controller} att inte skicka nyhetsbrev och erbjudanden till dig längre.",
      unsure: "Vi kunde inte se om det verkligen kom från dig. Den här länken gör det som mejlet ber om:",
      button: "Avsluta prenumerationen",
      otherwise: "Var det inte du? Då behöver du inte göra något, och inget ändras.",
    },
    "request-received": {
      subject: "{controller} har tagit emot din begäran",
      heading: "Vi har tagit emot din begäran",
      received: "{controller} tog den {receivedAt} emot följande begäran i ditt namn: {right}.",
      due: "Vi svarar senast den {dueOn}.",
      prove: "Inget görs förrän du har sagt att det var du.",
      button: "Säg om det var du",
      expires: "Länken fungerar till den {expiresAt}.",
      otherwise: "Var det inte du? Säg det där, eller gör ingenting: då görs inget.",
    },
    "request-done": {
      subject: "{controller} har utfört din begäran",
      heading: "Din begäran är klar",
      done: "Din begäran från den {receivedAt} ({right}) utfördes av {controller} den {closedAt}.",
      keptIntroduction: "Det här måste vi behålla tills vidare:",
      kept: "{what}, till och med den {untilOn}",
      keptByLaw: "{what}, till och med den {untilOn} ({law})",
      nothingKept: "Inget av den återstår att göra.",
    },
    farewell: {
      subject: "{controller} har raderat dina uppgifter",
      heading: "Dina uppgifter är raderade",
      erased: "{controller} har raderat dina uppgifter, som du bad om. Det var klart den {closedAt}.",
      keptIntroduction: "Det här måste vi behålla tills vidare:",
      kept: "{what}, till och med den {untilOn}",
      keptByLaw: "{what}, till och med den {untilOn} ({law})",
      nothingKept: "Inga av dina uppgifter finns kvar.",
      mark: "Det som återstår är en kod som ingen kan läsa ut din adress ur. Den ser till att vi inte skriver till dig igen.",
      last: "Det här är vårt sista meddelande till dig. När det har skickats glöms din adress här också.",
    },
    "inquiry-received": {
      subject: "{controller} har tagit emot ditt meddelande",
      heading: "Vi har tagit emot ditt meddelande",
      received: "{controller} tog emot ditt meddelande den {receivedAt}. Någon kommer att läsa det.",
      due: "Du får svar senast den {dueOn}.",
    },
  },
  footer: {
    sender: "Det här meddelandet skickades av {controller}.",
    contact: "Frågor? Skriv till",
  },
};
