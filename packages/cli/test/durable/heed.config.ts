import { durableCompany } from "./company.ts";

export const heed = durableCompany(process.env["HEED_HOME"] ?? "", process.env["HEED_KEYS"]);
