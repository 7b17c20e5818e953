// A field that looks things up while the user types (the ARIA pattern "combobox with a list").

import { html, useEffect, useId, useRef, useState } from "./html.js";

const PAUSE_MS = 250;

/**
 * @typedef {{ id: string, name: string, about: string }} Option
 * @param {{
 *   id: string, value: string, text: string, isInvalid: boolean, describedBy: string,
 *   search: (text: string, signal: AbortSignal) => Promise<Option[]>,
 *   onChoose: (option: Option) => void, onType: (text: string) => void, nothing: string,
 * }} props
 */
export function Combobox({ id, value, text, isInvalid, describedBy, search, onChoose, onType, nothing }) {
  const [isOpen, setOpen] = useState(false);
  const [options, setOptions] = useState(/** @type {Option[] | null} */ (null));
  const [complaint, setComplaint] = useState("");
  const [active, setActive] = useState(-1);
  const list = useId();
  const latest = useRef(search);
  latest.current = search;
  // What was chosen is no text to search for: then everything is listed.
  const asked = value ? "" : text;
  useEffect(() => {
    if (!isOpen) return;
    const abort = new AbortController();
    const timer = setTimeout(
      async () => {
        try {
          setOptions(await latest.current(asked, abort.signal));
          setComplaint("");
        } catch (error) {
          if (abort.signal.aborted) return;
          setOptions([]);
          setComplaint(/** @type {Error} */ (error).message);
        }
      },
      options === null ? 0 : PAUSE_MS,
    );
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [isOpen, asked]);
  const choose = (/** @type {Option} */ option) => {
    onChoose(option);
    setOpen(false);
    setActive(-1);
  };
  const press = (/** @type {KeyboardEvent} */ event) => {
    const count = options?.length ?? 0;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen) setOpen(true);
      else if (count > 0) setActive((active + (event.key === "ArrowDown" ? 1 : count - (active < 0 ? 0 : 1))) % count);
    } else if (event.key === "Enter" && isOpen && options?.[active]) {
      event.preventDefault();
      choose(options[active]);
    } else if (event.key === "Escape" && isOpen) {
      event.preventDefault();
      setOpen(false);
    }
  };
  return html`<div class="combobox" onFocusOut=${(/** @type {any} */ event) => event.currentTarget.contains(event.relatedTarget) || setOpen(false)}>
    <input id=${id} role="combobox" autocomplete="off" spellcheck="false" aria-expanded=${isOpen} aria-controls=${list} aria-autocomplete="list"
      aria-activedescendant=${isOpen && active >= 0 ? `${list}-${active}` : null} aria-invalid=${isInvalid ? "true" : null} aria-describedby=${describedBy}
      value=${text} dir="auto" placeholder="search by name, or paste an id" onKeyDown=${press} onClick=${() => setOpen(true)}
      onInput=${(/** @type {any} */ event) => (onType(event.currentTarget.value), setOpen(true), setActive(-1))} />
    <ul id=${list} role="listbox" aria-label="What can be bound" hidden=${!isOpen || !options?.length}>
      ${(options ?? []).map(
        (
          option,
          index,
        ) => html`<li key=${option.id} id=${`${list}-${index}`} role="option" aria-selected=${index === active}
          onMouseDown=${(/** @type {Event} */ event) => event.preventDefault()} onClick=${() => choose(option)}><bdi>${option.name}</bdi> <span class="aside"><bdi>${option.about}</bdi></span></li>`,
      )}
    </ul>
    ${isOpen && options?.length === 0 && html`<p class="aside nothing" role="status">${complaint || nothing}</p>`}
  </div>`;
}
