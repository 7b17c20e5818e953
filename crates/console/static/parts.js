// What pages are made of.

import { html, signal, useEffect, useRef, useState } from "./html.js";
import { to } from "./route.js";
import { ago, local } from "./time.js";
import { STATUSES, meaning, shortId, spoken } from "./words.js";

/** How often a page looks at its clock. */
const TICK_MS = 10_000;

/** Shapes, so that no status is told by colour alone. @type {Record<string, string>} */
const SHAPES = {
  overdue: "M5.2 1h5.6L15 5.2v5.6L10.8 15H5.2L1 10.8V5.2zM8 4.2v4.6M8 11v.6",
  failing: "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1zM5.5 5.5l5 5M10.5 5.5l-5 5",
  late: "M8 1.5L15 14H1zM8 6v4M8 11.8v.4",
  new: "M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13z",
  on_time: "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1zM4.8 8.2l2.3 2.3 4.2-4.6",
  paused: "M2 2h12v12H2zM6.3 5v6M9.7 5v6",
  unmonitored: "M2 2h12v12H2zM5 8h6",
};

/** @param {{ status: string }} props */
export function StatusMark({ status }) {
  const shape = SHAPES[status] ?? SHAPES.unmonitored;
  const [outline, ...strokes] = shape.split(/(?<=z)/);
  return html`<svg class="mark" viewBox="0 0 16 16" aria-hidden="true">
    <path class="outline" d=${outline} />
    <path class="stroke" d=${strokes.join("")} />
  </svg>`;
}

/** @param {{ status: string }} props */
export function Status({ status }) {
  return html`<span class=${`status ${status}`} title=${meaning(status)}
    ><${StatusMark} status=${status} />${spoken(status)}</span
  >`;
}

/** The heads of the columns of `CountCells`. */
export const CountHeads = () =>
  STATUSES.map((status) => html`<th scope="col" class="number" title=${meaning(status)}>${spoken(status)}</th>`);

/**
 * How many jobs are of each health, in a row of a table; and which, if there is a list of them.
 * @param {{ counts?: Record<string, number>, where?: Record<string, string> }} props
 */
export const CountCells = ({ counts, where }) =>
  STATUSES.map((status) => {
    const count = counts?.[status] ?? 0;
    const shown = count.toLocaleString("en");
    return html`<td class=${count ? `number count-of ${status}` : "number nothing"} data-label=${spoken(status)}>
      ${count === 0 ? html`<span class="none">–</span>` : where ? html`<a href=${to([], { ...where, health: status })}>${shown}</a>` : shown}
    </td>`;
  });

/** A name that a user typed: isolated, so that letters of another direction do not turn their surroundings. */
export function Name({ children }) {
  return html`<bdi class="name">${children}</bdi>`;
}

/** @param {{ at: string | null | undefined, now: number }} props */
export function Time({ at, now }) {
  if (!at) return html`<span class="none">never</span>`;
  // What has just happened is not in the future, because the page looks at its clock every ten seconds only.
  const then = Math.max(now, Math.min(Date.parse(at), now + TICK_MS));
  return html`<time datetime=${at} title=${`${local(at)}\n${at}`}>${ago(at, then)}</time>`;
}

/** @param {{ id: string, children?: any }} props */
export function JobLink({ id, children }) {
  return html`<a href=${to(["jobs", id])}><${Name}>${children ?? shortId(id)}<//></a>`;
}

/**
 * What went wrong, with the problem's own words and its id, for the operator.
 * @param {{ failure: any, retry?: () => void }} props
 */
export function FailureNote({ failure, retry }) {
  if (!failure) return null;
  const { problem = {}, status, retryAfter } = failure;
  return html`<div class="note bad" role="alert">
    <strong>${problem.title ?? "The console made a mistake"}</strong>${" "}
    <span>${problem.detail ?? String(failure.message ?? failure)}</span>
    ${
      problem.errors?.length > 0 &&
      html`<ul>
        ${problem.errors.map((/** @type {any} */ entry) => html`<li>${entry.pointer && html`<code>${entry.pointer}</code>${" "}`}${entry.message}${entry.hint && ` ${entry.hint}`}</li>`)}
      </ul>`
    }
    ${problem.required_scope && html`<p>Sign in with a token that has the scope <code>${problem.required_scope}</code>.</p>`}
    ${retryAfter && html`<p>It may work in ${retryAfter} s.</p>`}
    <p class="aside">
      ${status > 0 && html`${status} ${problem.code ?? ""} `}${problem.request_id && html`request <code>${problem.request_id}</code>`}
    </p>
    ${retry && html`<button onClick=${retry}>Try again</button>`}
  </div>`;
}

/** Said once, and kept until the next one: what became of an action. */
export const notice = signal(
  /** @type {{ kind: string, text: any, undo?: () => void, isForNextPage?: boolean } | null} */ (null),
);

export function Notices() {
  const said = notice.value;
  return html`<div class="notices" role="status" aria-live="polite">
    ${
      said &&
      html`<div class=${`note ${said.kind}`}>
        <span>${said.text}</span>
        ${said.undo && html`<button onClick=${said.undo}>Undo</button>`}
        <button class="quiet" aria-label="Close this message" onClick=${() => (notice.value = null)}>×</button>
      </div>`
    }
  </div>`;
}

/** @param {{ text: string, children?: any }} props */
export function Copy({ text, children }) {
  const [isDone, setDone] = useState(false);
  const field = useRef(/** @type {HTMLElement | null} */ (null));
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setDone(true);
    } catch {
      // Not every page may write it: the text can be marked by hand.
      if (field.current) getSelection()?.selectAllChildren(field.current);
    }
  };

  return html`<figure class="copy">
    <figcaption>
      <span>${children}</span
      ><button onClick=${copy} aria-label=${`Copy: ${children}`}>${isDone ? "Copied" : "Copy"}</button>
    </figcaption>
    <pre ref=${field} tabindex="0">${text}</pre>
  </figure>`;
}

/** What is being read, or could not be. @param {{ loaded: import("./load.js").Loaded<any> }} props */
export function Pending({ loaded }) {
  return html`<${FailureNote} failure=${loaded.failure} retry=${loaded.reload} />
    ${loaded.isLoading && html`<${Loading} />`}`;
}

/** @param {{ children?: any }} props */
export function Empty({ children }) {
  return html`<div class="empty">${children}</div>`;
}

/**
 * Says that a list was not read to its end.
 * @param {{ loaded: import("./load.js").Loaded<any>, kind: string }} props
 */
export function Rest({ loaded, kind }) {
  const { items, next_cursor: cursor } = loaded.data ?? {};
  if (!cursor) return null;
  return html`<p class="aside foot">These are the first ${items.length} ${kind}. <code>prediction get ${kind}</code> lists all.</p>`;
}

export function Loading() {
  return html`<p class="loading" role="status">Reading…</p>`;
}

/** @param {string} title */
export function useTitle(title) {
  useEffect(() => {
    document.title = `${title} · Prediction API`;
  }, [title]);
}

/** The time, anew so often that what is written of it is true. */
export function useNow() {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  return now;
}
