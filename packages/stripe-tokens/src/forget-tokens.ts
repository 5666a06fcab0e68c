import type { Target } from "@heed/core/contract";
import { type Owner, methodsIn } from "./owner.ts";
import { subscriptionsOf } from "./paid-service.ts";
import { stopSaving } from "./stop-saving.ts";
import type { Invoice, Subscription } from "./stripe-answers.ts";
import type { StripeCalls } from "./stripe-calls.ts";
import { wasRefused } from "./stripe-error.ts";
import { hasDefaults, hasEnded, savesCards } from "./subscription.ts";

/** What was let go of. */
export interface Forgotten {
  /** The ids of the objects that changed. */
  readonly changed: readonly string[];
  /** Whether the customer is gone already. */
  readonly isDeleted: boolean;
}

/**
 * Lets go of every credential of one customer or account, one after another, since Stripe locks the customer:
 * ends what could save one again, deletes the legacy sources, detaches every payment method that the customer
 * lists, and clears the defaults that point to them.
 *
 * What is attached meanwhile is for the read-back to find: the engine then asks for another run.
 *
 * @param drafts whether draft invoices lose their defaults only, or go with the customer
 */
export async function forgetOwner(
  calls: StripeCalls,
  owner: Owner,
  targets: readonly Target[],
  drafts: "clear" | "delete",
): Promise<Forgotten> {
  if (owner.kind === "customer-account") {
    const invoices = await calls.invoices(owner);
    const stopped = await stopSaving(calls, owner);
    const methods = await calls.methodsFiledUnder(owner);
    const detached = await detachAll(calls, methods);
    const cleared = await clearSubscriptions(calls, await calls.subscriptions(owner));
    const changed = [...stopped, ...detached, ...cleared, ...(await endDrafts(calls, invoices, drafts))];
    return { changed, isDeleted: false };
  }
  const customer = await calls.customer(owner.id);
  if (customer === undefined || "deleted" in customer) {
    return { changed: await forgetDeleted(calls, owner, targets), isDeleted: true };
  }
  const invoices = await calls.invoices(owner);
  const stopped = await stopSaving(calls, owner);

  const sources = customer.sources.has_more ? await calls.sources(owner.id) : customer.sources.data;
  const deleted: string[] = [];
  // Sources first: Stripe may show them among the payment methods too.
  for (const { id } of sources) if (await deleteSource(calls, owner.id, id)) deleted.push(id);
  // Listed now: since they were found, the guard may have held this back for months, or a run have detached some.
  const detached = await detachAll(calls, await calls.methodsOfCustomer(owner.id));

  const cleared: string[] = [];
  // Stripe may leave a default that points to a detached method.
  if (customer.invoice_settings.default_payment_method !== null) {
    await calls.clearCustomerDefault(owner.id);
    cleared.push(owner.id);
  }
  cleared.push(...(await clearSubscriptions(calls, await subscriptionsOf(calls, customer))));
  cleared.push(...(await endDrafts(calls, invoices, drafts)));
  return { changed: [...stopped, ...deleted, ...detached, ...cleared], isDeleted: false };
}

/** What may still hang at a customer that is gone. Its lists may be gone too, so the ids found earlier count. */
async function forgetDeleted(
  calls: StripeCalls,
  owner: Owner,
  targets: readonly Target[],
): Promise<readonly string[]> {
  const listed = await calls.methodsFiledUnder(owner);
  const left: { readonly id: string }[] = [...listed];
  for (const { id } of methodsIn(targets, owner)) {
    if (listed.some((method) => method.id === id)) continue;
    if (await isAttached(calls, id)) left.push({ id });
  }
  return detachAll(calls, left);
}

async function detachAll(
  calls: StripeCalls,
  methods: readonly { readonly id: string }[],
): Promise<readonly string[]> {
  const detached: string[] = [];
  for (const { id } of methods) if (await detach(calls, id)) detached.push(id);
  return detached;
}

/**
 * A method that somebody else detached in the meantime is refused with a 400 or a 404 of uncertain wording,
 * so Stripe is asked where it is now.
 */
async function detach(calls: StripeCalls, id: string): Promise<boolean> {
  try {
    const { customer, customer_account } = await calls.detach(id);
    return customer === null && customer_account === null;
  } catch (error) {
    if (!wasRefused(error) || (await isAttached(calls, id))) throw error;
    return false;
  }
}

/** Whether a payment method still hangs at anybody. */
export async function isAttached(calls: StripeCalls, id: string): Promise<boolean> {
  const method = await calls.method(id);
  return method !== undefined && (method.customer !== null || method.customer_account !== null);
}

async function deleteSource(calls: StripeCalls, customer: string, id: string): Promise<boolean> {
  try {
    await calls.deleteSource(customer, id);
    return true;
  } catch (error) {
    if (!wasRefused(error)) throw error;
    const left = await calls.sources(customer);
    if (left.some((source) => source.id === id)) throw error;
    return false;
  }
}

/** Also keeps each from saving the next card that pays. */
async function clearSubscriptions(
  calls: StripeCalls,
  subscriptions: readonly Subscription[],
): Promise<readonly string[]> {
  const cleared: string[] = [];
  for (const each of subscriptions) {
    if (hasEnded(each) || !hasDefaults(each)) continue;
    await calls.updateSubscription(each.id, {
      ...(each.default_payment_method === null ? {} : { default_payment_method: "" }),
      ...(each.default_source === null ? {} : { default_source: "" }),
      ...(savesCards(each) ? { payment_settings: { save_default_payment_method: "off" } } : {}),
    });
    cleared.push(each.id);
  }
  return cleared;
}

/** Drafts are charged later, by their own default. */
async function endDrafts(
  calls: StripeCalls,
  invoices: readonly Invoice[],
  drafts: "clear" | "delete",
): Promise<readonly string[]> {
  const changed: string[] = [];
  for (const { id, status, default_payment_method, default_source } of invoices) {
    if (status !== "draft") continue;
    const which = { method: default_payment_method !== null, source: default_source !== null };
    if (drafts === "delete") await calls.deleteDraft(id);
    else if (which.method || which.source) await calls.clearInvoiceDefaults(id, which);
    else continue;
    changed.push(id);
  }
  return changed;
}
