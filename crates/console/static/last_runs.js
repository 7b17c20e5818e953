// Jobs with what their last runs said, for users who may read that.

import { hindrance } from "./session.js";

/**
 * Without the runs if the token does not allow them: the token may not tell, and the service has the last word.
 * @template T
 * @param {string} expand what is shown beside jobs anyway
 * @param {(expand: string) => Promise<T>} read
 * @returns {Promise<T>}
 */
export async function withLastRuns(expand, read) {
  if (hindrance("predictions:read") !== null) return read(expand);
  try {
    return await read(`${expand},last_run`);
  } catch (failure) {
    if (/** @type {any} */ (failure).problem?.required_scope !== "predictions:read") throw failure;
    return read(expand);
  }
}

/** Of a traceback, the last line says what happened. @param {string} message */
export const lastLine = (message) => message.trim().split("\n").at(-1) ?? "";
