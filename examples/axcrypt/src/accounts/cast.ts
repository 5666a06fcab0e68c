import { randomBytes } from "node:crypto";
import { readCast, type Cast } from "../people.ts";

/** Those of the input folder who play on accounts: one for each wish, so that not too much is made there. */
const players: Readonly<Record<string, string>> = {
  "anna.lindqvist@example.se": "anna",
  "johan.berg@example.se": "johan",
  "lars@nystrom.example": "lars",
  "fatima+axcrypt@example.fr": "fatima",
  "piotr.zielinski@example.pl": "piotr",
  "tom.baker@example.co.uk": "tom",
  "stranger@example.org": "stranger",
};

/** A cast whose addresses nobody else has, and what all of them have in them. */
export interface OwnCast extends Cast {
  /** For example `heed-3f9a1c`: new in each run. */
  readonly tag: string;
}

/** Gives the players addresses of one mailbox: `you@acme.example` becomes `you+heed-3f9a1c-anna@acme.example`. */
export async function castAt(mailbox: string): Promise<OwnCast> {
  const tag = `heed-${randomBytes(4).toString("hex")}`;
  const at = mailbox.lastIndexOf("@");
  const [local, domain] = [mailbox.slice(0, at), mailbox.slice(at + 1)];
  // A mailbox that is an address with a "+" already has its mail sorted by what comes first.
  const joint = local.includes("+") ? "-" : "+";
  const address = (player: string) => `${local}${joint}${tag}-${player}@${domain}`;
  const { people, wishes } = await readCast();
  return {
    tag,
    people: people.flatMap((person) => {
      const player = players[person.email];
      if (player === undefined) return [];
      // One spelling and one address each: HubSpot takes others only by merging contacts.
      const stripe = person.stripe.map(({ cards, paying }) => ({ cards, paying }));
      return { ...person, email: address(player), alsoAtHubspot: [], stripe };
    }),
    wishes: wishes.flatMap(({ email, wish }) => {
      const player = players[email];
      return player === undefined ? [] : { email: address(player), wish };
    }),
  };
}
