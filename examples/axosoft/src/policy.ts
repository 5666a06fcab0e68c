import { definePolicy } from "@heed/core";

/**
 * What Axosoft publishes, as far as this example goes: important announcements come to every customer; updates and
 * promotions until somebody opts out of them; questions and concerns go to one address.
 */
export const policy = definePolicy({
  controller: {
    name: "Axosoft, LLC",
    country: "US",
    contact: "team@axosoft.com",
    zone: "America/Phoenix",
  },
  recipients: {
    app: { role: "own", country: "US" },
    mail: { role: "own", country: "US" },
  },
  purposes: {
    // Nobody is asked before; everybody may opt out.
    promotion: { basis: "legitimate-interest", title: "Updates to our products and promotions" },
    service: { basis: "contract", title: "The service that you use" },
    privacy: { basis: "legal-obligation", title: "Your questions and your rights" },
  },
  topics: {
    "product-updates": { class: "marketing", purpose: "promotion", title: "updates to our products" },
    promotions: { class: "marketing", purpose: "promotion", title: "promotions related to our services" },
    "important-announcements": { class: "service", purpose: "service", title: "important announcements" },
    privacy: { class: "legal", purpose: "privacy", title: "answers to your questions and requests" },
  },
});
