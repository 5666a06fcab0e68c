/** What a topic is at HubSpot. */
export interface HubspotTopic {
  /** The id of the subscription type: digits. */
  readonly subscriptionId: string;
  /** The id of the brand (business unit) that it belongs to. Default `"0"`, the account's own brand. */
  readonly brandId?: string;
}

/** What each topic is at HubSpot. */
export type Topics = Readonly<Record<string, HubspotTopic>>;
