import { definePolicy } from "@heed/core";

/**
 * What AseptSoft publishes, as far as this example goes: the six things that it uses an e-mail address for, each with
 * the class that decides what may silence it, and one address for questions, complaints and requests.
 */
export const policy = definePolicy({
  controller: {
    name: "AseptConn AG",
    country: "CH",
    // The published text leaves the address out.
    contact: "privacy@aseptsoft.example",
    zone: "Europe/Zurich",
  },
  recipients: {
    app: { role: "own", country: "CH" },
    mail: { role: "own", country: "CH" },
  },
  purposes: {
    news: { basis: "soft-opt-in", title: "New versions of AseptSoft Pro" },
    advertising: { basis: "consent", title: "New products and services" },
    pro: { basis: "contract", title: "AseptSoft Pro" },
    account: { basis: "contract", title: "Your account" },
    law: { basis: "legal-obligation", title: "Legal requests and your rights" },
  },
  topics: {
    // To announce a version is to advertise it, to whoever pays already as well: the stricter class.
    "new-versions": { class: "marketing", purpose: "news", title: "new versions of Pro AseptSoft" },
    advertising: { class: "marketing", purpose: "advertising", title: "new products and services" },
    // Subscribed with the plan, until the day to which it is paid.
    "pro-alerts": {
      class: "service",
      purpose: "pro",
      subscribersOnly: true,
      title: "alerts about Pro services",
    },
    security: { class: "transactional", purpose: "account", title: "password resets and security" },
    "account-notice": {
      class: "service",
      purpose: "account",
      title: "special circumstances of your account",
    },
    "legal-notice": { class: "legal", purpose: "law", title: "legal requests and your rights" },
  },
});
