import { definePolicy } from "@heed/core";

/**
 * What AxCrypt publishes, as far as this example goes: newsletters, offers and product news by consent
 * (GDPR Art. 6(1)(a)), ended by the link in each of them; HubSpot as processor for the newsletters, and as the CRM, which
 * nobody has to be in; cards at a payment processor; the kinds of automatic mails in a log; erasure on request, also by
 * mail.
 */
export const policy = definePolicy({
  controller: {
    name: "AxCrypt AB",
    country: "SE",
    contact: "support@axcrypt.net",
    zone: "Europe/Stockholm",
    // Public holidays of Sweden that fall on a weekday; the next twelve months.
    holidays: [
      "2026-12-24",
      "2026-12-25",
      "2026-12-31",
      "2027-01-01",
      "2027-01-06",
      "2027-03-26",
      "2027-03-29",
      "2027-05-06",
      "2027-06-25",
    ],
  },
  recipients: {
    app: { role: "own", country: "SE" },
    mail: { role: "own", country: "SE" },
    crm: { role: "processor", country: "US", transferTool: "scc" },
    billing: {
      role: "processor",
      country: "IE",
      // Invoices are kept seven years after the end of the year (bookkeeping law), with the customer they name.
      keeps: [
        { category: "invoices", reason: "legal-obligation", law: "SFS 1999:1078 7:2", years: 7 },
        { category: "charges", reason: "legal-obligation", law: "SFS 1999:1078 7:2", years: 7 },
        { category: "billing-profile", reason: "legal-obligation", law: "SFS 1999:1078 7:2", years: 7 },
      ],
    },
  },
  purposes: {
    "direct-marketing": { basis: "consent", title: "Newsletters, offers and product news" },
    account: { basis: "contract", title: "Your account" },
    privacy: { basis: "legal-obligation", title: "Your rights" },
  },
  topics: {
    newsletter: {
      class: "marketing",
      purpose: "direct-marketing",
      via: ["crm"],
      title: "the AxCrypt newsletter",
    },
    offers: { class: "marketing", purpose: "direct-marketing", via: ["crm"], title: "offers" },
    "product-info": {
      class: "marketing",
      purpose: "direct-marketing",
      via: ["crm"],
      title: "news of our products",
    },
    "account-notice": { class: "service", purpose: "account", title: "notices about your account" },
    activation: { class: "transactional", purpose: "account", title: "the activation of your account" },
    welcome: { class: "transactional", purpose: "account", title: "a welcome" },
    privacy: { class: "legal", purpose: "privacy", title: "answers to your requests" },
  },
});

/** The subscription types that a marketer set up at HubSpot. */
export const subscriptionTypes = {
  newsletter: { subscriptionId: "4711" },
  offers: { subscriptionId: "4712" },
  "product-info": { subscriptionId: "4713" },
} as const;
