// The address: what stands behind the #, which is sent to no server and so is in no log.
//
//   #/jobs/0198…/runs?health=overdue,failing

import { signal } from "./html.js";

/** @typedef {{ path: string[], query: Record<string, string> }} Route */

export const route = signal(read());

/** From now on `route` is what the address says. */
export function followAddress() {
  const look = () => (route.value = read());
  addEventListener("hashchange", look);
  look();
}

/** @returns {Route} */
function read() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  return {
    path: path.split("/").filter(Boolean).map(decode),
    query: Object.fromEntries(new URLSearchParams(query)),
  };
}

/** What stands for a text in an address; a text that is no address stays as it is. @param {string} text */
export function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * @param {string[]} path
 * @param {Record<string, string | null | undefined>} [query]
 */
export function to(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const text = new URLSearchParams(/** @type {[string, string][]} */ (given)).toString().replace(/%2C/g, ",");
  return `#/${path.map(encodeURIComponent).join("/")}${text && "?" + text}`;
}

/**
 * Shows the same page with this query, without a step back for each letter or click.
 * @param {Record<string, string | null | undefined>} changes
 */
export function narrow(changes) {
  const { path, query } = route.value;
  history.replaceState(null, "", to(path, { ...query, ...changes }));
  route.value = read();
}

/** @param {string[]} path @param {Record<string, string>} [query] */
export function go(path, query) {
  location.hash = to(path, query);
}
