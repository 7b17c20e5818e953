// Signing in: a panel over the page. What is under it stays as it is.

import { html, useEffect, useRef, useState } from "./html.js";
import { refusal, signIn, token } from "./session.js";

export function SignIn() {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const [text, setText] = useState("");
  const [complaint, setComplaint] = useState("");
  const isNeeded = token.value === null || refusal.value !== null;
  useEffect(() => {
    if (isNeeded) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isNeeded]);
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
  const why = complaint || refusal.value;
  return html`<dialog
    ref=${dialog}
    class="sign-in"
    aria-labelledby="sign-in"
    onCancel=${(/** @type {Event} */ event) => event.preventDefault()}
  >
    <form onSubmit=${submit}>
      <h2 id="sign-in">${refusal.value ? "Sign in again" : "Sign in"}</h2>
      ${refusal.value && html`<p>What you were doing is still there, and goes on afterwards.</p>`}
      <p>The service prints a link that signs you in when it starts at a terminal. Elsewhere, this makes a token:</p>
      <pre>prediction-api token --all-organisations</pre>
      <label for="token">Token</label>
      <textarea
        id="token"
        rows="4"
        autofocus
        autocomplete="off"
        spellcheck="false"
        aria-describedby="token-note"
        aria-invalid=${why ? "true" : "false"}
        value=${text}
        onInput=${(/** @type {any} */ event) => setText(event.currentTarget.value)}
      ></textarea>
      <p id="token-note" class="aside" role="alert">${why}</p>
      <button class="main">Sign in</button>
      <p class="aside">The token stays in this tab and is sent to this service only.</p>
    </form>
  </dialog>`;
}
