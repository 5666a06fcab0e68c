import { durableCompany } from "./company.ts";

const { HEED_HOME = "", HEED_KEYS, NAMESPACE: namespace, KEYS_FILE: keysFile } = process.env;

export const heed = durableCompany(HEED_HOME, HEED_KEYS, { namespace, keysFile });
