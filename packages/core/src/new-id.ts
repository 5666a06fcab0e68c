import { randomBytes, randomUUID } from "node:crypto";

const idsOfOneBeginning = 512;

/** Makes a random id. */
export type NewId = () => string;

/**
 * A maker of random ids. Some hundreds that it makes in a row begin alike, with six random digits, so that rows
 * which come together lie together in an index: that spares a bulk most of its writing. They say nothing of when.
 */
export function idMaker(): NewId {
  let beginning = "";
  let made = 0;
  return () => {
    if (made % idsOfOneBeginning === 0) beginning = randomBytes(3).toString("hex");
    made += 1;
    return `${beginning}${randomUUID().slice(6)}`;
  };
}
