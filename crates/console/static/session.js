// Whose token the console sends. It is kept for this tab only, and never in the address.

import { computed, signal } from "./html.js";
import { decode } from "./route.js";

const KEY = "prediction-api.token";

/** What has to come before the next request: nothing, a token, or another one because the last was refused. */
export const token = signal(/** @type {string | null} */ (null));
/** Why the service refused the token, if it did. */
export const refusal = signal(/** @type {string | null} */ (null));

/** @type {(() => void)[]} */
let waiting = [];

/** Takes the token out of the address, where the greeting of the service puts it; else the tab may still have one. */
export function begin() {
  takeFromAddress();
  if (token.value === null) token.value = sessionStorage.getItem(KEY);
  addEventListener("hashchange", takeFromAddress);
}

function takeFromAddress() {
  const match = /^#token=([^&]+)(?:&to=(.*))?$/.exec(location.hash);
  if (!match) return;
  // Before anything else, so that the token is in no history that is looked at later.
  history.replaceState(null, "", location.pathname + (match[2] ? "#" + match[2] : ""));
  signIn(decode(match[1]));
}

/** @param {string} text what was pasted: the token, or the line of a shell that has it */
export function signIn(text) {
  const pasted = text
    .trim()
    .replace(/^(export\s+)?TOKEN=/, "")
    .replace(/^Bearer\s+/i, "")
    .replace(/^['"]|['"]$/g, "");
  token.value = pasted;
  refusal.value = null;
  sessionStorage.setItem(KEY, pasted);
  const go = waiting;
  waiting = [];
  for (const proceed of go) proceed();
}

export function signOut() {
  sessionStorage.removeItem(KEY);
  token.value = null;
  refusal.value = null;
}

/**
 * The service refused this token. The caller waits for another one, and then goes on: nothing that was typed is lost.
 * @param {string | null} refused
 * @param {string} why
 * @returns {Promise<void>}
 */
export function refuse(refused, why) {
  // Meanwhile another request may have had the user sign in again.
  if (token.value !== refused) return Promise.resolve();
  refusal.value = why;
  return new Promise((proceed) => waiting.push(proceed));
}

/** What the token says of itself. It is not verified here: the service does that with each request. */
export const claims = computed(() => {
  try {
    const part = (token.value ?? "").split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
    const bytes = Uint8Array.from(atob(part), (letter) => letter.charCodeAt(0));
    return /** @type {Record<string, unknown>} */ (JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return {};
  }
});

/**
 * Why the token does not allow something, as far as it tells; null if it may. The service has the last word.
 * @param {string} scope
 */
export function hindrance(scope) {
  const { scope: scopes, scp, roles, permissions } = claims.value;
  // An issuer may say it in another claim: then only the service knows.
  if (typeof scopes !== "string" || [scp, roles, permissions].some((claim) => claim !== undefined)) return null;
  // And it may write something before the name, such as predictions/jobs:read.
  if (scopes.split(" ").some((given) => given.endsWith(scope))) return null;
  return `Your token lacks the scope ${scope}.`;
}

/** The one organisation of the token, if it has just one. */
export const onlyOrganisation = computed(() => {
  const { organisations } = claims.value;
  return Array.isArray(organisations) && organisations.length === 1 ? String(organisations[0]) : null;
});
