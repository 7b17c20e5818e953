// The template tag, and what components use of the libraries: the only file that names them.
//
// Values in templates become text nodes and properties, never markup. Nothing in the console sets innerHTML.

import htm from "./lib/htm.js";
import { h, render } from "./lib/preact.js";

export { render };
export { useCallback, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "./lib/hooks.js";
export { computed, signal } from "./lib/signals.js";

export const html = htm.bind(h);
