import { randomBytes } from "node:crypto";

/** RFC 4648 6, in lower case: the local part of an address may lose its case on the way. */
const alphabet = "abcdefghijklmnopqrstuvwxyz234567";
const shape = /^[a-z2-7]{26}$/;

/** 128 random bits as `[a-z2-7]{26}`: names one message to whoever reports about it, and is found out by nobody else. */
export function newReturnTag(): string {
  // 26 digits hold two bits more.
  const bits = BigInt(`0x${randomBytes(16).toString("hex")}`) << 2n;
  const digits = bits.toString(alphabet.length).padStart(26, "0");
  return digits.replaceAll(/./g, (digit) => alphabet.charAt(Number.parseInt(digit, alphabet.length)));
}

export function isReturnTag(text: string): boolean {
  return shape.test(text);
}
