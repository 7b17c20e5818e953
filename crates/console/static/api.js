// Requests to the service. What fails, fails as a `Failure`, which says what to show.

import { refuse, token } from "./session.js";

/**
 * @typedef {import("./schema.js").components["schemas"]} Schemas
 * @typedef {Record<string, string | number | boolean | null | undefined>} Query
 * @typedef {{ query?: Query, body?: unknown, signal?: AbortSignal }} Options
 * @typedef {Schemas["ProblemEntry"]} Entry
 */

/** The longest that a request is waited for: longer than the service takes to give up. */
const DEADLINE_MS = 20_000;

/** A request that came to nothing, and why. */
export class Failure extends Error {
  /**
   * @param {number} status of the answer, 0 if there is none
   * @param {Partial<Schemas["Problem"]>} problem
   * @param {number | null} retryAfter in seconds
   */
  constructor(status, problem, retryAfter = null) {
    super(problem.detail || problem.title);
    this.status = status;
    this.problem = problem;
    this.retryAfter = retryAfter;
  }

  /** @returns {Entry[]} what is wrong with the request, one by one */
  get entries() {
    return this.problem.errors ?? [];
  }
}

/**
 * The answer of the service below /api/v1. If the token is refused, this waits for another one.
 * @template T
 * @param {string} method
 * @param {string} path
 * @param {Options} options
 * @returns {Promise<T>}
 */
export async function call(method, path, { query = {}, body, signal } = {}) {
  for (;;) {
    const sent = token.value;
    const answer = await send(method, path, query, body, sent, signal);
    if (answer.status !== 401) return read(answer);
    await refuse(sent, (await problemOf(answer)).detail ?? "The service wants a token.");
    signal?.throwIfAborted();
  }
}

/** @param {string} path @param {Query} [query] @param {AbortSignal} [signal] @returns {Promise<any>} */
export const get = (path, query, signal) => call("GET", path, { query, signal });
/** @param {string} path @param {unknown} body @param {Query} [query] @returns {Promise<any>} */
export const put = (path, body, query) => call("PUT", path, { body, query });
/**
 * @param {string} path
 * @param {unknown} body
 * @param {Query} [query]
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export const post = (path, body, query, signal) => call("POST", path, { body, query, signal });

/** A list in which few are wanted of many may have short pages: so many are read for one that is shown. */
const MOST_SHORT_PAGES = 60;

/**
 * So many pages of a list, one after the other: the places of later ones depend on those before.
 * @param {string} path
 * @param {Query & { limit: number }} query
 * @param {number} count
 * @param {AbortSignal} signal
 * @returns {Promise<{ items: any[], next_cursor: string | null } & Record<string, any>>} the last page, with what is
 *   on those before
 */
export async function getPages(path, query, count, signal) {
  const items = [];
  /** @type {any} */
  let answer = { next_cursor: null };
  for (let page = 0; page < count * MOST_SHORT_PAGES && items.length < count * query.limit; page += 1) {
    answer = await get(path, { ...query, cursor: answer.next_cursor }, signal);
    items.push(...answer.items);
    if (answer.next_cursor === null) break;
  }
  return { ...answer, items };
}

/** The longest page that the service gives. */
const LONGEST_PAGE = 200;
/** More than these would be no list to choose from. */
const MOST_PAGES = 10;

/**
 * A list to its end, for what is chosen from, or shown as a whole. Only a very long one has a cursor then.
 * @param {string} path
 * @param {Query} query
 * @param {AbortSignal} signal
 */
export const getAll = (path, query, signal) => getPages(path, { ...query, limit: LONGEST_PAGE }, MOST_PAGES, signal);

/**
 * @param {string} path
 * @param {Query} query
 */
export function address(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return `/api/v1${path}${text && "?" + text}`;
}

/**
 * @param {string} method
 * @param {string} path
 * @param {Query} query
 * @param {unknown} body
 * @param {string | null} sent
 * @param {AbortSignal} [signal]
 */
async function send(method, path, query, body, sent, signal) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (sent) headers.Authorization = `Bearer ${sent}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  try {
    return await fetch(address(path, query), {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
      credentials: "omit",
      // The entity tag is asked about, and an answer that did not change is not sent again.
      cache: "no-cache",
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    const detail = deadline.aborted
      ? "The service did not answer in time. What was sent may or may not be done: look before you repeat it."
      : "Is it running, and can this machine reach it? What was sent may or may not be done: look before you repeat it.";
    throw new Failure(0, {
      title: "The service cannot be reached",
      detail: method === "GET" ? detail.split("?")[0] + "?" : detail,
    });
  }
}

/** @param {Response} answer @returns {Promise<any>} */
async function read(answer) {
  if (!answer.ok) {
    const seconds = Number(answer.headers.get("Retry-After"));
    throw new Failure(answer.status, await problemOf(answer), seconds > 0 ? seconds : null);
  }
  return answer.status === 204 ? null : answer.json();
}

/** @param {Response} answer @returns {Promise<Partial<Schemas["Problem"]>>} */
async function problemOf(answer) {
  try {
    return await answer.json();
  } catch {
    // Not the service but something before it, such as a proxy.
    return { title: `The answer was ${answer.status} ${answer.statusText}`, detail: "It does not say why." };
  }
}
