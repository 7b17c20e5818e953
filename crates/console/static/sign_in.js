// Signing in: a panel over the page. What is under it stays as it is.

import { html, useEffect, useRef, useState } from "./html.js";
import { isBlocked, problem, progress, provider, readProvider, signInElsewhere, signInHere } from "./issuer.js";
import { refusal, signIn, token } from "./session.js";

export function SignIn() {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const isNeeded = (token.value === null || refusal.value !== null) && progress.value !== "here";
  const isKnown = provider.value !== undefined;
  useEffect(() => {
    if (!isNeeded) dialog.current?.close();
    else if (isKnown) dialog.current?.showModal();
    else readProvider();
  }, [isNeeded, isKnown]);
  return html`<dialog
    ref=${dialog}
    class="sign-in"
    aria-labelledby="sign-in"
    onCancel=${(/** @type {Event} */ event) => event.preventDefault()}
  >
    <h2 id="sign-in">${refusal.value ? "Sign in again" : "Sign in"}</h2>
    ${refusal.value && html`<p>What you were doing is still there, and goes on afterwards.</p>`}
    ${isKnown && (provider.value ? html`<${AtIssuer} name=${hostOf(provider.value.issuer)} />` : html`<${ByToken} />`)}
  </dialog>`;
}

/** @param {{ name: string }} properties */
function AtIssuer({ name }) {
  // A page that is open would lose what was typed.
  const keeps = token.value !== null;
  const why = problem.value ?? refusal.value;
  return html`<p>You sign in at <b><bdi>${name}</bdi></b>${keeps ? ", in a window of its own." : ", and come back here."}</p>
    <p class="aside" role="alert">${why}</p>
    ${
      isBlocked.value &&
      html`<p role="alert">
      The browser did not open the window. Allow this page to open one, or
      <button class="quiet" onClick=${signInHere}>sign in in this window</button>, which loses what you typed.
    </p>`
    }
    ${progress.value === "in a window" && html`<p role="status">Go on in the window that was opened.</p>`}
    <button class="main" autofocus onClick=${keeps ? signInElsewhere : signInHere}>
      ${problem.value || progress.value === "in a window" ? "Try again" : "Sign in"}
    </button>
    <details>
      <summary>Paste a token instead</summary>
      <${ByToken} isSecond />
    </details>`;
}

/** @param {{ isSecond?: boolean }} properties whether there is another way that comes first */
function ByToken({ isSecond = false }) {
  const [text, setText] = useState("");
  const [complaint, setComplaint] = useState("");
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (text.trim() === "") {
      setComplaint("Paste a token first.");
      return;
    }
    setText("");
    setComplaint("");
    signIn(text);
  };
  const why = complaint || (isSecond ? null : refusal.value);
  return html`<form onSubmit=${submit}>
    ${
      !isSecond &&
      html`<p>The service prints a link that signs you in when it starts at a terminal. Elsewhere, this makes a token:</p>
        <pre>prediction-api token --all-organisations</pre>`
    }
    <label for="token">Token</label>
    <textarea
      id="token"
      rows="4"
      autofocus=${!isSecond}
      autocomplete="off"
      spellcheck="false"
      aria-describedby="token-note"
      aria-invalid=${why ? "true" : "false"}
      value=${text}
      onInput=${(/** @type {any} */ event) => setText(event.currentTarget.value)}
    ></textarea>
    <p id="token-note" class="aside" role="alert">${why}</p>
    <button class=${isSecond ? null : "main"}>${isSecond ? "Use this token" : "Sign in"}</button>
    <p class="aside">The token stays in this tab and is sent to this service only.</p>
  </form>`;
}

/** @param {string} issuer */
function hostOf(issuer) {
  return URL.canParse(issuer) ? new URL(issuer).host : issuer;
}

/** What a window shows that was opened for another tab to sign in; it closes itself if the browser lets it. */
export function HandedOver() {
  return html`<main>
    <h1>${progress.value === "handed over" ? "You can close this window" : "Signing in…"}</h1>
    ${progress.value === "handed over" && html`<p>Go on in the one that opened it.</p>`}
  </main>`;
}
