/**
 * The states of a job, in the order of its life.
 */

export const FINAL_STATES = ["succeeded", "failed", "cancelled"];

export const STATES = ["queued", "running", ...FINAL_STATES];

/** True if the job's state will not change again. @param {{state: string}} job */
export const isFinal = ({ state }) => FINAL_STATES.includes(state);
