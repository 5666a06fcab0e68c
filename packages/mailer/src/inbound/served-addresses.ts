import { domainToASCII } from "node:url";
import { readReturnTag } from "../return-address.ts";
import type { Duty } from "./inbox-options.ts";
import { readAddress } from "./sender-of.ts";

/** The addresses that an inbox takes mail for. */
export interface ServedAddresses<D extends Duty = Duty> {
  /** What an address is for; undefined for one of somebody else's, and for one that only bounces return to. */
  dutyOf(address: string): D | undefined;
  /** The tag in an address that a bounce returned to (VERP). */
  tagOf(address: string): string | undefined;
  /** The domains of all of them, as A-labels. */
  readonly domains: ReadonlySet<string>;
}

/** @param duties by canonical address */
export function servedAddresses<D extends Duty>(
  duties: ReadonlyMap<string, D>,
  bounces?: { readonly domain: string; readonly prefix?: string },
): ServedAddresses<D> {
  const returnDomain = bounces && domainToASCII(bounces.domain).toLowerCase();
  const domains = [...duties.keys()].map(domainOf);
  return {
    dutyOf(address) {
      const canonical = readAddress(address)?.canonical ?? "";
      return duties.get(canonical) ?? duties.get(canonical.replace(/\+[^@]*@/, "@"));
    },
    tagOf: (address) =>
      returnDomain === undefined ? undefined : readReturnTag(address.trim(), returnDomain, bounces?.prefix),
    domains: new Set(returnDomain === undefined ? domains : [...domains, returnDomain]),
  };
}

const domainOf = (address: string): string => address.slice(address.lastIndexOf("@") + 1);
