import { type Question, askStripe } from "./ask-stripe.ts";
import { billingCalls } from "./billing-calls.ts";
import { credentialCalls } from "./credential-calls.ts";
import { customerCalls } from "./customer-calls.ts";
import { exportCalls } from "./export-calls.ts";
import { paymentCalls } from "./payment-calls.ts";
import { redactionCalls } from "./redaction-calls.ts";

/** Every call that the adapter makes to Stripe, for one question of the engine. */
export type StripeCalls = Pick<Question, "operation"> & {
  /** Forgets what an earlier question was told. */
  readonly lookAnew: () => void;
} & ReturnType<typeof customerCalls> &
  ReturnType<typeof credentialCalls> &
  ReturnType<typeof paymentCalls> &
  ReturnType<typeof billingCalls> &
  ReturnType<typeof redactionCalls> &
  ReturnType<typeof exportCalls>;

/** Lends the calls to one question of the engine. */
export function stripeCalls(question: Question): StripeCalls {
  const asker = askStripe(question);
  return {
    operation: question.operation,
    lookAnew: () => asker.moment.end(),
    ...customerCalls(asker),
    ...credentialCalls(asker),
    ...paymentCalls(asker),
    ...billingCalls(asker),
    ...redactionCalls(asker),
    ...exportCalls(asker),
  };
}
