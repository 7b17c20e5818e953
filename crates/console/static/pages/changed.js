// What a form does when somebody else changes, meanwhile, what it is about.

import { html, useEffect, useState } from "../html.js";

/**
 * The revision that a form was begun with. Pages read what they show again by themselves: a form that took its revision
 * from there would write over what somebody else changed, and nobody would have seen it.
 * @param {{ revision: number }} stored as it was read last
 * @param {() => void} reload
 */
export function useSeen(stored, reload) {
  const [seen, setSeen] = useState(/** @type {number | null} */ (stored.revision));
  useEffect(() => {
    if (seen === null) setSeen(stored.revision);
  }, [stored]);
  const next = () => {
    setSeen(null);
    reload();
  };
  return {
    /** None while the next one is read. */
    revision: seen,
    isOld: seen !== null && stored.revision !== seen,
    begin: () => setSeen(stored.revision),
    /** Takes what is read next for what the form is about. */
    next,
    /** Goes on with what there is now. */
    goOn: () => (seen !== null && stored.revision !== seen ? setSeen(stored.revision) : next()),
  };
}

/** What was chosen stays; only what it is about, is read again. @param {{ what: string, goOn: () => void }} props */
export function Changed({ what, goOn }) {
  return html`<div class="note warn" role="alert">
    Somebody changed this ${what} meanwhile. What you chose is kept.
    <button type="button" onClick=${goOn}>Go on with the ${what} as it is now</button>
  </div>`;
}
