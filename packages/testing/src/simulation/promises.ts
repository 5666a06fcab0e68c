/** What must hold in every history, whatever goes wrong in it. A violation names one of these. */
export const promises = {
  "INV-03": "A withdrawal that is fulfilled has ended what it was about at every vendor.",
  "INV-04":
    "What somebody said yes to reaches no vendor after they have said no; an older yes revives nothing.",
  "INV-08":
    "Every choice can be made at any time, by anybody, as often as they like, and by a link in each message.",
  "INV-09": "A marketing permit is given exactly when the person's last word on the topic is yes.",
  "INV-10": "Nothing is sent to somebody whose erasure has begun.",
  "INV-11":
    "Whether a message may go is decided when it leaves: no later than any opt-out that was recorded.",
  "INV-13":
    "An erasure is fulfilled when the vendors and the application hold nothing of the person, and not before.",
  "INV-14": "No address lies in the clear in the storage, in an event or in an error.",
  "INV-21": "A request is fulfilled when none of its steps is open, failed or left to a human.",
  "INV-22": "Before something is run it is stored that it will be, and before something is destroyed, what.",
  "INV-23": "A request that ends after its deadline says so.",
  "INV-29": "Who was erased is made again nowhere, until they come back by themselves.",
  "INV-33": "When a person's tokens are forgotten, no vendor stores one.",
  EVIDENCE: "Each end of a step or a request is proven once, in the transaction that ends it.",
  FINAL:
    "What has ended stays as it ended, unless a human tries it again or says that it was done, or what waited for a human is over.",
  FOLD: "When all is quiet, every vendor holds what the person said last.",
  GUARD: "Nobody's tokens are forgotten while they pay.",
  HOLD: "What a legal hold covers is destroyed by nobody, unless that had begun before.",
  KEPT: "What a vendor keeps is told when its step has ended, also where the vendor's answer was lost.",
  LEASE: "Whoever's lease was lost, runs nothing any more, and their answer counts for nothing.",
  LIVE: "Everything ends.",
  LOST: "Every step and request that was ever committed is in the storage, as it was committed.",
  ORDER: "Two steps of one person never run at one vendor at a time.",
  OUT: "Who objected to being at a vendor is gone from there when that is fulfilled, and no choice makes them anew there, until they say otherwise.",
  PARKED: "A yes that arrives while an erasure runs waits for its end, and counts then.",
  WORK: "A healthy worker meets no error of heed's own.",
} as const;

export type PromiseId = keyof typeof promises;
