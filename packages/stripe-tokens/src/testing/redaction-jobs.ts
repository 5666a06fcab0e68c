import type { RedactionJobObject, StripeState, ValidationError } from "./stripe-objects.ts";
import type { SetSwitches } from "./switches.ts";

const ninetyDaysSeconds = 90 * 86_400;
const openIntents = new Set(["requires_payment_method", "requires_confirmation", "requires_action"]);

/** Statuses in which a job does not change any more. */
export const endedJobs: ReadonlySet<string> = new Set(["succeeded", "canceled"]);

/** Jobs that Stripe works on go on by themselves, each state after its time. */
export function moveJobs(state: StripeState, { redactionMs }: SetSwitches, now: number): void {
  for (const job of state.redactionJobs.values()) {
    while (job.movesAt !== null && job.movesAt <= now) {
      const next = job.movesAt + Math.ceil(redactionMs / 1000);
      if (job.status === "created") {
        job.status = "validating";
        job.movesAt = next;
        continue;
      }
      job.movesAt = null;
      if (job.status === "validating") {
        job.validation_errors = validationErrors(job, state, now);
        job.status = job.validation_errors.length > 0 ? "failed" : "ready";
      } else if (job.status === "redacting") {
        redact(job, state);
        job.status = "succeeded";
      }
    }
  }
}

/** The ids that a job names, whatever they are of. */
function objectsIn(job: RedactionJobObject): readonly string[] {
  return Object.values(job.objects).flat();
}

function validationErrors(job: RedactionJobObject, state: StripeState, now: number): ValidationError[] {
  const named = new Set(objectsIn(job));
  const customers = new Set(job.objects["customers"]);
  const errors: ValidationError[] = [];
  const tell = (code: string, id: string, object_type: string) => {
    errors.push({
      id: `prjve_${job.id}_${errors.length}`,
      object: "privacy.redaction_job_validation_error",
      code,
      erroring_object: { id, object_type },
      message: `${object_type} ${id} cannot be redacted.`,
    });
  };
  for (const other of state.redactionJobs.values()) {
    if (other.id === job.id || endedJobs.has(other.status) || other.status === "failed") continue;
    const shared = objectsIn(other).find((id) => named.has(id));
    if (shared !== undefined) tell("locked_by_other_job", shared, "object");
  }
  const isReached = (row: { readonly id: string; readonly customer: string | null }) =>
    named.has(row.id) || customers.has(row.customer ?? "");
  for (const charge of state.charges.values()) {
    const isOf = isReached(charge) || named.has(charge.payment_intent ?? "");
    if (isOf && charge.created + ninetyDaysSeconds > now) tell("invalid_state", charge.id, "charge");
  }
  for (const method of state.paymentMethods.values()) {
    if (customers.has(method.customer ?? "")) tell("invalid_state", method.id, "payment_method");
  }
  for (const intent of [...state.paymentIntents.values(), ...state.setupIntents.values()]) {
    if (isReached(intent) && openIntents.has(intent.status)) tell("invalid_state", intent.id, intent.object);
  }
  for (const invoice of state.invoices.values()) {
    if (isReached(invoice) && invoice.status === "open") tell("invalid_state", invoice.id, "invoice");
  }
  return errors;
}

const gone = "[redacted]";

/** Overwrites everything personal that the job reaches. */
function redact(job: RedactionJobObject, state: StripeState): void {
  const named = new Set(objectsIn(job));
  const customers = new Set(job.objects["customers"]);
  const isReached = (row: { readonly id: string; readonly customer: string | null }) =>
    named.has(row.id) || customers.has(row.customer ?? "");
  for (const id of customers) {
    const customer = state.customers.get(id);
    if (customer && !customer.deleted) Object.assign(customer, { email: gone, name: gone, phone: gone });
  }
  for (const method of state.paymentMethods.values()) {
    if (isReached(method) || customers.has(state.formerOwners.get(method.id) ?? "")) {
      method.billing_details = { name: gone, email: gone };
    }
  }
  for (const charge of state.charges.values()) {
    if (!isReached(charge) && !named.has(charge.payment_intent ?? "")) continue;
    charge.billing_details = { name: gone, email: gone };
    charge.receipt_email = null;
  }
  for (const intent of state.paymentIntents.values()) if (isReached(intent)) intent.receipt_email = null;
  for (const invoice of state.invoices.values()) {
    if (isReached(invoice)) Object.assign(invoice, { customer_email: gone, customer_name: gone });
  }
  for (const session of state.checkoutSessions.values()) {
    if (!isReached(session) && !named.has(session.payment_intent ?? "")) continue;
    session.customer_email = null;
    session.customer_details = { name: gone, email: gone };
  }
}
