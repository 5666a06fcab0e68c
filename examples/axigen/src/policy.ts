import { definePolicy } from "@heed/core";

/**
 * What Axigen publishes, as far as this example goes: mailings that need consent, each with a link that ends that one
 * list; one e-mail that ends them all; consent withdrawn and rights exercised by e-mail; messages that come when they
 * are necessary.
 */
export const policy = definePolicy({
  controller: {
    name: "Axigen Messaging SRL",
    country: "RO",
    contact: "data-protection@axigen.com",
    zone: "Europe/Bucharest",
  },
  recipients: {
    app: { role: "own", country: "RO" },
    mail: { role: "own", country: "RO" },
  },
  purposes: {
    // Section 3 names legitimate interests beside consent; section 5 promises that nothing comes which nobody asked
    // for. The stricter of the two is the one that can be kept.
    marketing: { basis: "consent", title: "New features, products, services and content" },
    support: { basis: "contract", title: "Customer support and the service" },
    privacy: { basis: "legal-obligation", title: "Your rights" },
  },
  topics: {
    newsletter: { class: "marketing", purpose: "marketing", title: "the Axigen newsletter" },
    "product-updates": { class: "marketing", purpose: "marketing", title: "product updates" },
    offers: { class: "marketing", purpose: "marketing", title: "offers" },
    surveys: { class: "marketing", purpose: "marketing", title: "e-mail surveys" },
    "policy-change": { class: "service", purpose: "support", title: "changes of the privacy policy" },
    support: { class: "service", purpose: "support", title: "customer support" },
    "system-alerts": { class: "service", purpose: "support", title: "system alerts" },
    privacy: { class: "legal", purpose: "privacy", title: "answers to your requests" },
  },
});
