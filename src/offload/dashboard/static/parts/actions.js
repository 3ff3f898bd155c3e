/** What can be done with jobs: the verbs, who offers them, and asking first where it matters. */

import { post } from "../core/api.js";
import { plural } from "../core/format.js";
import { may } from "../core/rights.js";
import { h } from "../core/view.js";
import { confirm } from "./dialog.js";
import { icon } from "./icons.js";
import { complain, toast } from "./toasts.js";

/** @typedef {"pause" | "resume" | "cancel" | "retry"} Verb */

export const VERBS = /** @type {const} */ (["pause", "resume", "retry", "cancel"]);

/** @type {Record<Verb, {sign: string, done: string, label: string}>} */
const WORDS = {
  pause: { sign: "paused", done: "paused", label: "Pause" },
  resume: { sign: "running", done: "resumed", label: "Resume" },
  retry: { sign: "retry", done: "tried again", label: "Retry" },
  cancel: { sign: "close", done: "cancelled", label: "Cancel" },
};

/**
 * Return why a verb would not work now; empty where it would.
 *
 * @param {JobShape} job
 * @param {Verb} verb
 */
export function whyNot(job, verb) {
  if (job.links?.[verb]) return "";
  if (verb === "pause") {
    if (job.done) return `it has ${job.state}`;
    return "its code has no place where it could stand still; let it call checkpoint()";
  }
  if (verb === "resume")
    return job.state === "resuming" ? "it goes on as soon as a place is free" : "it is not paused";
  if (verb === "retry") return job.done ? "it has succeeded" : "it has not ended";
  return job.done ? `it has ended: ${job.state}` : "it is being cancelled already";
}

/**
 * Return the verbs that make sense for a job as it is, working or not.
 *
 * @param {JobShape} job
 * @returns {Verb[]}
 */
export function verbsFor(job) {
  if (!may("control")) return [];
  if (job.done) return job.state === "succeeded" ? [] : ["retry"];
  if (job.state === "cancelling") return ["cancel"];
  return job.links?.resume || job.state === "resuming" ? ["resume", "cancel"] : ["pause", "cancel"];
}

/** What somebody most likely came for stands out, what ends something is red. */
const LOOK = /** @type {Partial<Record<Verb, string>>} */ ({
  resume: "primary",
  retry: "primary",
  cancel: "danger-soft",
});

/** What is not said by its name. */
const HELP = /** @type {Partial<Record<Verb, string>>} */ ({
  retry: "Run this job once more, as another attempt: its id and its parameters stay",
});

/**
 * The buttons of one job.
 *
 * @param {JobShape} job
 * @param {() => void} changed
 * @param {{isSmall?: boolean}} [options]
 */
export function buttons(job, changed, { isSmall = false } = {}) {
  return verbsFor(job).map((verb) => {
    const reason = whyNot(job, verb);
    const { sign, label } = WORDS[verb];
    if (isSmall && reason) return null;
    return h(
      "button",
      {
        key: verb,
        type: "button",
        class: `button ${isSmall ? `small quiet of-${verb}` : (LOOK[verb] ?? "")}`,
        "aria-disabled": reason ? "true" : null,
        "aria-label": isSmall ? `${label} job ${job.id}` : null,
        title: reason ? `Cannot ${verb} this job: ${reason}.` : isSmall ? label : (HELP[verb] ?? null),
        on: {
          click: (event) => {
            event.stopPropagation();
            if (reason) toast(`Cannot ${verb} job ${job.id}: ${reason}.`);
            else act(job, verb).then(changed);
          },
        },
      },
      icon(sign),
      isSmall ? null : label,
    );
  });
}

/**
 * Do it, and tell what came of it.
 *
 * @param {JobShape} job
 * @param {Verb} verb
 */
export async function act(job, verb) {
  try {
    const answer = await post(`v1/jobs/${job.id}/${verb}`);
    toast(`Job ${job.id}: ${answer?.state ?? WORDS[verb].done}`, "good");
  } catch (error) {
    complain(error);
  }
}

/**
 * Do it to several jobs, asking first; `told` hears how far it has come.
 *
 * @param {JobShape[]} jobs
 * @param {Verb} verb
 * @param {(done: number, of: number) => void} told
 */
export async function actOnAll(jobs, verb, told) {
  const able = jobs.filter((job) => job.links?.[verb]);
  if (!able.length)
    return toast(
      `None of them can ${verb === "retry" ? "be tried again" : `be ${WORDS[verb].done}`} as it is now.`,
    );
  const spared = jobs.length - able.length;
  const sure = await confirm({
    title: `${WORDS[verb].label} ${plural(able.length, "job")}?`,
    text: spared
      ? `${plural(spared, "other job")} of the selection cannot be ${WORDS[verb].done} now and will be left alone.`
      : consequence(verb),
    act: `${WORDS[verb].label} ${able.length}`,
    isDangerous: verb === "cancel",
  });
  if (!sure) return;
  try {
    await carryOut({ ids: able.map((job) => job.id) }, verb, able.length, told);
  } catch (error) {
    complain(error);
  }
}

/**
 * Let the server go through all jobs of a filter, a part at a time, and tell what came of it.
 *
 * @param {Record<string, any>} filter
 * @param {Verb} verb
 * @param {number} of how many they are, as far as is known
 * @param {(done: number, of: number) => void} told
 */
async function carryOut(filter, verb, of, told) {
  let done = 0;
  /** @type {Map<string, number>} */
  const refused = new Map();
  /** @type {string | null} */
  let cursor = "";
  do {
    const answer = await post(`v1/jobs/${verb}`, { filter, ...(cursor ? { cursor } : {}) });
    done += answer.changed;
    for (const [kind, amount] of Object.entries(answer.refused))
      refused.set(kind, (refused.get(kind) ?? 0) + Number(amount));
    cursor = answer.next_cursor;
    told(done, Math.max(done, of));
  } while (cursor !== null);
  const said = `${plural(done, "job")} ${WORDS[verb].done}`;
  const others = [...refused].map(([kind, amount]) => `${amount} refused: ${kind}`).join(", ");
  if (others) complain(`${said}; ${others}`);
  else toast(said, "good");
}

/**
 * Do it to all jobs of a filter, on the server: count first, ask, then go through them.
 *
 * @param {Record<string, string>} filter
 * @param {Verb} verb
 * @param {(done: number, of: number) => void} told
 */
export async function actOnFilter(filter, verb, told) {
  try {
    const seen = await post(`v1/jobs/${verb}`, { filter, preview: true });
    if (!seen.changed)
      return toast(
        `None of them can ${verb === "retry" ? "be tried again" : `be ${WORDS[verb].done}`} as it is now.`,
      );
    const amount = `${plural(seen.changed, "job")}${seen.next_cursor === null ? "" : ", or more"}`;
    const sure = await confirm({
      title: `${WORDS[verb].label} ${amount}?`,
      text: consequence(verb),
      act: WORDS[verb].label,
      isDangerous: verb === "cancel",
    });
    if (!sure) return;
    await carryOut(filter, verb, seen.changed, told);
  } catch (error) {
    complain(error);
  }
}

/** @param {Verb} verb */
export function consequence(verb) {
  return {
    pause: "They give their places to others and stay until they are resumed.",
    resume: "They go on ahead of the queue, as places become free.",
    retry: "They go back to the queue under their own ids.",
    cancel: "What runs is stopped. This cannot be undone, but a cancelled job can be tried again.",
  }[verb];
}
