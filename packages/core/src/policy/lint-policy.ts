import { z } from "zod";
import { lawSchema, nameSchema, slugSchema } from "../contract/slug.ts";
import type { InputIssue } from "../errors/invalid-input-error.ts";
import { basesOf, type Policy } from "./policy.ts";
import { scopeCode } from "./scope-code.ts";

const country = z.string().regex(/^[A-Z]{2}$/, "use the two capital letters of ISO 3166-1, for example SE");
const civilDate = z.iso.date("use YYYY-MM-DD, a day that exists");
const bases = [
  "consent",
  "contract",
  "legal-obligation",
  "vital-interest",
  "public-task",
  "legitimate-interest",
  "soft-opt-in",
] as const;
const nameBasis = `name at least one legal basis, of these: ${bases.join(", ")}`;
const basis = z.enum(bases);

/** What to say where a section is missing, or is something else. */
const pass = (what: string) => ({
  error: ({ code }: { readonly code: string }) => (code === "invalid_type" ? `pass ${what}` : undefined),
});

const policySchema = z.strictObject({
  controller: z.strictObject(
    {
      name: z.string().min(1, "name the company that is responsible"),
      country,
      contact: z.string().min(1, "say where a person can write to"),
      zone: z
        .string()
        .refine((zone) => isTimeZone(zone), "use an IANA time zone, for example Europe/Stockholm")
        .optional(),
      holidays: z.array(civilDate).optional(),
    },
    pass("the company that is responsible, for example { name, country, contact }"),
  ),
  recipients: z.record(
    nameSchema,
    z.strictObject({
      role: z.enum(["own", "processor", "controller"]),
      country,
      transferTool: z.enum(["adequacy", "scc", "bcr", "derogation"]).optional(),
      trusts: z.array(nameSchema).optional(),
      keeps: z
        .array(
          z.strictObject({
            category: slugSchema,
            reason: slugSchema,
            law: lawSchema.optional(),
            years: z.number().int().min(0).max(100),
          }),
        )
        .optional(),
    }),
    pass("who gets the data, by name, for example { crm: { role, country } }, or leave it out"),
  ),
  purposes: z.record(
    nameSchema,
    z.strictObject({
      basis: z.union([basis, z.array(basis).min(1, nameBasis)], nameBasis),
      title: z.string().optional(),
    }),
    pass('why data is used, by name, for example { news: { basis: "consent" } }'),
  ),
  topics: z.record(
    nameSchema,
    z.strictObject({
      class: z.enum(["marketing", "service", "transactional", "legal"]),
      purpose: nameSchema,
      via: z.array(nameSchema).optional(),
      title: z.string().optional(),
      subscribersOnly: z.boolean().optional(),
    }),
    pass("what people subscribe to, by name, for example { newsletter: { class, purpose } }"),
  ),
});

/** EEA member states; a recipient elsewhere needs a transfer tool (GDPR Art. 44). */
const eea = new Set(
  "AT BE BG HR CY CZ DE DK EE ES FI FR GR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK".split(" "),
);
/** Controllers of these countries are bound by transfer rules of that kind as well. */
const boundByTransferRules = new Set([...eea, "GB", "CH"]);

/** Names that heed itself uses beside the policy's. */
const reserved = new Set(["heed", "all"]);

/** Everything that is wrong with a policy, with its place. Empty when it can be kept. */
export function lintPolicy(policy: Policy): readonly InputIssue[] {
  const parsed = policySchema.safeParse(policy);
  if (!parsed.success) {
    return parsed.error.issues.flatMap((issue) => {
      if (issue.code === "unrecognized_keys" && issue.path.length === 0) return issue.keys.map(noSection);
      const [why = issue] = issue.code === "invalid_key" ? issue.issues : [];
      return { path: issue.path.join("."), message: why.message };
    });
  }
  return [...lintNames(policy), ...lintTransfers(policy), ...lintTopics(policy)];
}

function noSection(path: string): InputIssue {
  const sections = Object.keys(policySchema.shape).join(", ");
  return { path, message: `a policy has no such section; it has: ${sections}` };
}

function* lintNames(policy: Policy): Generator<InputIssue> {
  for (const section of ["recipients", "purposes", "topics"] as const) {
    for (const given of Object.keys(policy[section])) {
      if (reserved.has(given))
        yield { path: `${section}.${given}`, message: `"${given}" is reserved: choose another name` };
    }
  }
  const codes = new Map<string, string>();
  for (const topic of Object.keys(policy.topics)) {
    const code = scopeCode(topic).toString("hex");
    const other = codes.get(code);
    if (other !== undefined)
      yield { path: `topics.${topic}`, message: `has the same short code as "${other}": rename one of them` };
    codes.set(code, topic);
  }
}

function* lintTransfers({ controller, recipients }: Policy): Generator<InputIssue> {
  if (!boundByTransferRules.has(controller.country)) return;
  for (const [id, recipient] of Object.entries(recipients)) {
    if (
      eea.has(recipient.country) ||
      recipient.country === controller.country ||
      recipient.transferTool !== undefined
    )
      continue;
    yield {
      path: `recipients.${id}.transferTool`,
      message: `${recipient.country} is outside the EEA: say what allows the transfer (GDPR Art. 44 to 49)`,
    };
  }
}

function* lintTopics({ purposes, recipients, topics }: Policy): Generator<InputIssue> {
  for (const [id, topic] of Object.entries(topics)) {
    const purpose = Object.hasOwn(purposes, topic.purpose) ? purposes[topic.purpose] : undefined;
    if (purpose === undefined) {
      yield { path: `topics.${id}.purpose`, message: `there is no purpose "${topic.purpose}"` };
      continue;
    }
    const declared = basesOf(purpose);
    const allowsMarketing = declared.some(
      (each) => each === "consent" || each === "legitimate-interest" || each === "soft-opt-in",
    );
    if (topic.class === "marketing" && !allowsMarketing) {
      yield {
        path: `topics.${id}.class`,
        message: `marketing cannot rest on ${declared.join(", ")}: declare consent, legitimate-interest or soft-opt-in for "${topic.purpose}"`,
      };
    }
    if (topic.class === "legal" && declared.every((each) => each === "consent")) {
      yield {
        path: `topics.${id}.class`,
        message: `a legal notice must reach people who gave no consent: declare another basis for "${topic.purpose}"`,
      };
    }
    for (const recipient of topic.via ?? []) {
      if (!Object.hasOwn(recipients, recipient))
        yield { path: `topics.${id}.via`, message: `there is no recipient "${recipient}"` };
    }
  }
}

function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions();
    return true;
  } catch {
    return false;
  }
}
