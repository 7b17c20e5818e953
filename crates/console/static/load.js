// What is read from the service for a page.

import { useCallback, useEffect, useRef, useState } from "./html.js";
import { token } from "./session.js";

/**
 * @template T
 * @typedef {{ data: T | null, failure: any, isLoading: boolean, reload: () => void }} Loaded
 */

/**
 * Reads when the key changes, and when asked to. What was read stays while it is read again, and after a failure.
 * @template T
 * @param {string | null} key what is read; nothing for null
 * @param {(signal: AbortSignal) => Promise<T>} read
 * @returns {Loaded<T>}
 */
export function useLoad(key, read) {
  const [state, setState] = useState({
    key,
    data: /** @type {T | null} */ (null),
    failure: null,
    isLoading: key !== null,
  });
  const [round, setRound] = useState(0);
  const latest = useRef(read);
  latest.current = read;
  // A user who signs out and in again may see other things.
  const bearer = token.value;
  useEffect(() => {
    if (key === null) {
      setState({ key, data: null, failure: null, isLoading: false });
      return;
    }
    const abort = new AbortController();
    setState((before) => ({ ...before, key, data: before.key === key ? before.data : null, isLoading: true }));
    latest.current(abort.signal).then(
      (data) => abort.signal.aborted || setState({ key, data, failure: null, isLoading: false }),
      (failure) => abort.signal.aborted || setState((before) => ({ ...before, failure, isLoading: false })),
    );
    return () => abort.abort();
  }, [key, round, bearer === null]);
  const reload = useCallback(() => setRound((count) => count + 1), []);
  const isOther = state.key !== key;
  return {
    data: isOther ? null : state.data,
    failure: isOther ? null : state.failure,
    isLoading: isOther ? key !== null : state.isLoading,
    reload,
  };
}

/**
 * Calls back again and again while the page is looked at, and at once when it is looked at again.
 * @param {() => void} callback
 * @param {number} ms
 */
export function useEvery(callback, ms) {
  const latest = useRef(callback);
  latest.current = callback;
  useEffect(() => {
    const look = () => document.visibilityState === "visible" && latest.current();
    const timer = setInterval(look, ms);
    document.addEventListener("visibilitychange", look);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [ms]);
}
