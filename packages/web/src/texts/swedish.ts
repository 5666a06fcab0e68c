import type { Texts } from "./texts.ts";

/** The texts in Swedish. */
export const swedish: Texts = {
  lang: "sv",
  dir: "ltr",
  name: "Svenska",
  unsubscribe: {
    heading: "Avsluta utskick",
    question: (topic, controller) => `Vill du sluta få ”${topic}” från ${controller}?`,
    questionAll: (controller) => `Vill du sluta få alla nyhetsbrev och erbjudanden från ${controller}?`,
    stopButton: (topic) => `Avsluta ”${topic}”`,
    stopAllButton: "Avsluta alla nyhetsbrev och erbjudanden",
    all: (controller) => `Detta är alla nyhetsbrev och erbjudanden från ${controller}:`,
    doneHeading: "Du är avanmäld",
    stopped: (topic, controller) => `Du får inte längre ”${topic}” från ${controller}.`,
    stoppedAll: (controller) => `Du får inte längre några nyhetsbrev eller erbjudanden från ${controller}.`,
    stillComes: (controller) =>
      `Meddelanden om ditt konto, dina beställningar och dina rättigheter kommer fortfarande från ${controller} när det finns skäl till det.`,
    stillComesNamed: (controller) =>
      `Detta kommer fortfarande från ${controller} när det finns skäl till det:`,
  },
  invitation: {
    "opt-in": {
      heading: "Var det du?",
      question: (what, controller) =>
        `Någon, troligen du, har bett ${controller} att skicka ”${what}” till den här adressen. Vill du ha det?`,
      note: (controller) => `Utan ditt ja skickar ${controller} ingenting av det.`,
      yesButton: "Ja, skicka det till mig",
      noButton: "Nej, det var inte jag",
      doneHeading: "Tack för ditt svar",
      saidYes: (what, controller) => `Du har sagt ja till ”${what}” från ${controller}.`,
      saidNo: (what, controller) => `Du har sagt nej. ${controller} skickar dig inte ”${what}”.`,
      expiredHeading: "Länken har gått ut",
      expired: (controller) =>
        `Ingenting har sparats och ingenting skickas. Om du fortfarande vill ha det, anmäl dig hos ${controller} igen: då får du en ny länk.`,
      overtakenHeading: "Länken gäller inte längre",
      overtaken: (controller) =>
        `Du har avanmält dig efter att den skickades, och det gäller. Om du ändå vill ha det, anmäl dig hos ${controller} igen.`,
      noStands: (controller) =>
        `Du har sagt nej tidigare, och det gäller. Om du ändå vill ha det, skriv till ${controller}.`,
    },
    renewal: {
      heading: "Samtycker du?",
      question: (what, controller) => `Får ${controller} använda dina uppgifter för ”${what}”?`,
      note: (controller) =>
        `Du väljer fritt. Så länge du inte svarar använder ${controller} inte dina uppgifter för detta.`,
      yesButton: "Jag samtycker",
      noButton: "Jag samtycker inte",
      doneHeading: "Ditt val är sparat",
      saidYes: (what, controller) =>
        `Du har samtyckt: ${controller} får använda dina uppgifter för ”${what}”.`,
      saidNo: (what, controller) =>
        `Du har inte samtyckt: ${controller} använder inte dina uppgifter för ”${what}”.`,
      expiredHeading: "Svarstiden har gått ut",
      expired: (controller) =>
        `Ingenting har sparats: utan ditt ja använder ${controller} inte dina uppgifter för detta. Be om en ny länk om du ändå vill samtycka.`,
      overtakenHeading: "Meddelandet gäller inte längre",
      overtaken: (controller) =>
        `Du har gjort ett annat val sedan dess, eller så har ${controller} skickat ett nyare meddelande. Svara på det nyaste.`,
      noStands: (controller) =>
        `Du har tidigare inte samtyckt, och det gäller. Be ${controller} om en ny länk om du ändå vill samtycka.`,
    },
    identity: {
      heading: "Har du skrivit till oss?",
      question: (what, controller) =>
        `Någon har skrivit till ${controller} från den här adressen och bett om detta: ${what}. Var det du?`,
      note: (controller) => `Utan ditt ja gör ${controller} ingenting åt det.`,
      yesButton: "Ja, det var jag",
      noButton: "Nej, ta tillbaka den",
      doneHeading: "Vi har fått ditt svar",
      saidYes: (what, controller) =>
        `Du har bekräftat din begäran till ${controller}: ${what}. Den behandlas nu.`,
      saidNo: (what, controller) =>
        `Begäran till ${controller} har tagits tillbaka: ${what}. Ingenting görs.`,
      expiredHeading: "Länken är för gammal",
      expired: (controller) =>
        `Ingenting har gjorts. Om du fortfarande vill det, skriv till ${controller} igen: då får du en ny länk.`,
      overtakenHeading: "Det finns inget kvar att bekräfta",
      overtaken: (controller) =>
        `${controller} behandlar begäran på annat sätt, eller har avslutat den. Skriv dit om du vill veta mer.`,
      noStands: (controller) =>
        `Begäran har tagits tillbaka tidigare. Om du ändå vill det, skriv till ${controller} igen.`,
    },
  },
  notice: "Ditt val gäller den här versionen av integritetspolicyn:",
  rights: {
    erasure: "att radera dina uppgifter",
    "forget-tokens": "att glömma hur du betalar",
    withdrawal: "att ta tillbaka ditt samtycke",
    objection: "att sluta använda dina uppgifter för något",
    access: "att få se dina uppgifter",
  },
  otherRight: "det som står i meddelandet",
  unknownHeading: "Länken fungerar inte",
  unknown: "Den kan ha blivit avklippt på vägen. Kopiera hela länken från meddelandet och försök igen.",
  writeTo: "Eller skriv till",
  unavailableHeading: "Inte klart än",
  unavailable: "Ditt val kunde inte sparas just nu. Försök igen om en minut.",
};
