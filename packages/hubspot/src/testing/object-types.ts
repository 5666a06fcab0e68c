/** The types that the portal has beside contacts: the property that holds the text, and what they need. */
export const objectTypes: Readonly<
  Record<string, { readonly text: string; readonly read: string; readonly write: string }>
> = {
  notes: typeOf("hs_note_body"),
  calls: typeOf("hs_call_body"),
  emails: typeOf("hs_email_text"),
  tasks: typeOf("hs_task_body"),
  meetings: typeOf("hs_meeting_body"),
  communications: typeOf("hs_communication_body"),
  postal_mail: typeOf("hs_postal_mail_body"),
  tickets: typeOf("content", "tickets", "tickets"),
  deals: typeOf("dealname", "crm.objects.deals.read", "crm.objects.deals.write"),
  companies: typeOf("name", "crm.objects.companies.read", "crm.objects.companies.write"),
};

function typeOf(text: string, read = "crm.objects.contacts.read", write = "crm.objects.contacts.write") {
  return { text, read, write };
}

/** What the objects of a type have. */
export function engagementProperties(type: string): readonly string[] {
  const known = objectTypes[type];
  return known === undefined ? [] : [known.text, "hs_createdate", "hs_object_id"];
}
