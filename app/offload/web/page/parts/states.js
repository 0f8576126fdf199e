/**
 * The states of a job, in the order of its life; the last three are final.
 */

export const ENDS = ["succeeded", "failed", "cancelled"];

export const STATES = ["queued", "running", ...ENDS];

/** True where a job has its final state. @param {{state: string}} job */
export const isOver = ({ state }) => ENDS.includes(state);
