import { durableCompany } from "./company.ts";

const { HEED_HOME = "", HEED_KEYS, NAMESPACE } = process.env;

export const heed = durableCompany(HEED_HOME, HEED_KEYS, NAMESPACE);
