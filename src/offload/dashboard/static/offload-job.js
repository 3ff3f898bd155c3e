/**
 * <offload-job src="/v1/jobs/7" cancel pause>: one job on anybody's page, as it is now.
 *
 * One file without anything beside it, as a script or as a module. What it shows is text, never
 * HTML; its styles are made in code, so no content security policy has to allow inline ones.
 *
 * Attributes:
 *   src      where the job is: /v1/jobs/7 of a server, or /offload/status?id=7 of a Flask app
 *   cancel   with a button that cancels it
 *   pause    with a button that pauses it, or lets it go on
 *   log      with the last lines that it has written; log="20" for so many
 *   label    what it is called, instead of its task and number
 *   token    what the server wants to see; for a page of an allowed origin a token for this job
 *
 * Events, all of which bubble:
 *   offload-change   it has changed; `event.detail` is the job as the API shows it
 *   offload-end      it has ended; the same
 *   offload-act      a button was pressed; `event.detail` is {verb, job}; preventDefault() keeps it
 *                    from being done
 *   offload-refused  it cannot be shown any more; `event.detail` is {status, detail}. A token that
 *                    has expired is one cause: set a new one, and it goes on
 */
(() => {
  "use strict";

  const LINES = 8;
  const MOST_LINES = 500;
  const AT_ONCE_MILLISECONDS = 250;
  const LOG_MILLISECONDS = 1500;
  const POLL_MILLISECONDS = 1000;
  const SILENCE_MILLISECONDS = 40_000;
  const FIRST_DELAY = 500;
  const LONGEST_DELAY = 5_000;
  const NOT_AGAIN = new Set([400, 401, 403, 404, 405, 410, 421, 422]);

  /** A browser opens six connections to a server: the other elements of a page ask now and then. */
  const MOST_STREAMS = 3;
  let streams = 0;

  const STYLE = `
    :host { display: block; color-scheme: inherit; container-type: inline-size;
      font: var(--offload-font, 0.875rem/1.5 system-ui, sans-serif);
      color: var(--offload-ink, light-dark(#1d1c1a, #ecebe7));
      --now: var(--offload-soft, light-dark(#63615b, #a5a29a)); }
    :host([hidden]) { display: none; }
    .job { border: 1px solid var(--offload-line, light-dark(#e4e3df, #31302e));
      border-radius: var(--offload-round, 8px); padding: var(--offload-space, 0.75rem);
      background: var(--offload-ground, light-dark(#ffffff, #1b1b1a));
      display: grid; gap: 0.5rem; overflow-wrap: anywhere; }
    .job:focus { outline: none; }
    .is-running, .is-resuming, .is-waiting { --now: var(--offload-running, light-dark(#1b5cb0, #8cb9f2)); }
    .is-paused, .is-pausing, .is-cancelling { --now: var(--offload-paused, light-dark(#825300, #e6b85c)); }
    .is-succeeded { --now: var(--offload-succeeded, light-dark(#1c7040, #78c99a)); }
    .is-failed, .is-refused { --now: var(--offload-failed, light-dark(#b0241c, #f39087)); }
    .top, .far, .buttons { display: flex; flex-wrap: wrap; gap: 0.25rem 0.75rem; align-items: center; }
    .name { font-weight: 600; }
    .state { color: var(--now); font-weight: 550; }
    .state::before { content: ""; display: inline-block; width: 0.5em; height: 0.5em;
      border-radius: 50%; background: currentColor; margin-right: 0.4em; vertical-align: 0.08em; }
    .buttons { margin-left: auto; }
    .bar { height: var(--offload-bar, 0.5rem); border-radius: 99px; overflow: hidden;
      background: color-mix(in srgb, var(--now) 20%, transparent); }
    .fill { height: 100%; width: calc(100% * var(--share, 0)); background: var(--now);
      border-radius: inherit; transition: width 0.25s linear; }
    .far { color: var(--offload-soft, light-dark(#63615b, #a5a29a)); font-size: 0.93em;
      font-variant-numeric: tabular-nums; }
    .why { color: var(--now); }
    button { font: inherit; color: inherit; cursor: pointer; min-height: 1.75rem;
      padding: 0 0.75rem; border-radius: calc(var(--offload-round, 8px) * 0.75);
      border: 1px solid var(--offload-strong-line, light-dark(#8b8982, #75726b));
      background: var(--offload-button, transparent); }
    button:hover { background: var(--offload-hover, light-dark(#f1f0ed, #252523)); }
    button:disabled { cursor: default; opacity: 0.6; }
    :focus-visible { outline: 2px solid var(--offload-focus, light-dark(#1b64c8, #8cb9f2)); outline-offset: 2px; }
    pre { margin: 0; padding: 0.5rem; max-height: 12rem; overflow: auto; white-space: pre-wrap;
      border-radius: calc(var(--offload-round, 8px) * 0.75); font: 0.86em/1.5 var(--offload-mono, ui-monospace, monospace);
      background: var(--offload-log, light-dark(#f1f0ed, #252523)); }
    [hidden] { display: none !important; }
    @media (prefers-reduced-motion: reduce) { .fill { transition: none; } }
    @media (forced-colors: active) { .bar { border: 1px solid; } .fill { background: Highlight; } }
  `;

  /** @type {CSSStyleSheet | undefined} */
  let sheet;

  function styles() {
    if (!sheet) {
      sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
    }
    return sheet;
  }

  /** What the server refused. */
  class Refusal extends Error {
    /** @param {number} status @param {string} detail */
    constructor(status, detail) {
      super(detail);
      this.status = status;
    }
  }

  class OffloadJob extends HTMLElement {
    static observedAttributes = ["src", "token", "cancel", "pause", "log", "label"];

    constructor() {
      super();
      /** @type {any} the job as the server told it last */
      this.job = null;
      this._problem = "";
      this._isRefused = false;
      /** @type {any[]} */
      this._lines = [];
      this._seen = "";
      /** @type {AbortController | null} */
      this._life = null;
      this._isAsking = false;
      this._looksAgain = () => this._begin();
      this._draw();
    }

    connectedCallback() {
      document.addEventListener("visibilitychange", this._looksAgain);
      this._begin();
    }

    disconnectedCallback() {
      document.removeEventListener("visibilitychange", this._looksAgain);
      this._end();
    }

    /** @param {string} name @param {string | null} before @param {string | null} now */
    attributeChangedCallback(name, before, now) {
      if (before === now || !this.isConnected) return;
      if (name === "src") {
        this.job = null;
        this._lines = [];
      }
      if (name === "src" || name === "token" || name === "log") this._begin();
      this._update();
    }

    // --- following

    /** Follow it from now on; not while nobody looks. */
    _begin() {
      this._end();
      this._problem = "";
      this._isRefused = false;
      this._update();
      if (document.hidden || !this.getAttribute("src")) return;
      this._life = new AbortController();
      this._live(this._life.signal);
    }

    _end() {
      this._life?.abort();
      this._life = null;
    }

    /** @param {AbortSignal} signal */
    async _live(signal) {
      let delay = FIRST_DELAY;
      while (!signal.aborted) {
        try {
          await this._look(signal);
          delay = FIRST_DELAY;
          if (this.job.done) return;
          if (this.job.links.events && streams < MOST_STREAMS) await this._follow(signal);
          else await sleep(POLL_MILLISECONDS, signal);
        } catch (error) {
          if (signal.aborted) return;
          if (this._isFinal(error)) return;
          await sleep(delay * (0.7 + 0.6 * Math.random()), signal);
          delay = Math.min(LONGEST_DELAY, delay * 2);
        }
      }
    }

    /**
     * Show what went wrong; returns whether to ask again would be of no use.
     *
     * @param {any} error
     */
    _isFinal(error) {
      this._isRefused = error instanceof Refusal && NOT_AGAIN.has(error.status);
      this._problem = this._isRefused ? error.message : "No connection to the server. Trying again.";
      this._update();
      if (this._isRefused) this._tell("refused", { status: error.status, detail: error.message });
      return this._isRefused;
    }

    /** Ask how the job is, and what it has written. @param {AbortSignal} signal */
    async _look(signal) {
      this._take(await (await this._ask(this._source(), { signal })).json());
      await this._readLog(signal);
    }

    /** @param {any} job */
    _take(job) {
      this.job = job;
      this._problem = "";
      this._update();
      const seen = `${job.version} ${job.state}`;
      if (seen === this._seen) return;
      this._seen = seen;
      this._tell("change", job);
      if (job.done) this._tell("end", job);
    }

    /** Look again whenever the server says that something has happened. @param {AbortSignal} signal */
    async _follow(signal) {
      streams += 1;
      const inner = new AbortController();
      const abort = () => inner.abort();
      signal.addEventListener("abort", abort);
      const pace = setInterval(() => this._readLog(inner.signal).catch(() => {}), LOG_MILLISECONDS);
      try {
        const headers = { accept: "text/event-stream" };
        const response = await this._ask(this._linked("events"), { signal: inner.signal, headers });
        if (response.body) await this._hear(response.body.getReader(), inner);
      } finally {
        clearInterval(pace);
        signal.removeEventListener("abort", abort);
        inner.abort();
        streams -= 1;
      }
    }

    /** @param {ReadableStreamDefaultReader<Uint8Array>} reader @param {AbortController} stream */
    async _hear(reader, stream) {
      const decoder = new TextDecoder();
      let rest = "";
      let timer = 0;
      const lookSoon = () => {
        timer ||= setTimeout(() => {
          timer = 0;
          this._look(stream.signal).then(() => this.job.done && stream.abort(), () => {});
        }, AT_ONCE_MILLISECONDS);
      };
      try {
        for (;;) {
          const silence = setTimeout(() => stream.abort(), SILENCE_MILLISECONDS);
          const { value, done } = await reader.read().finally(() => clearTimeout(silence));
          if (done) return;
          const blocks = (rest + decoder.decode(value, { stream: true })).split("\n\n");
          rest = blocks.pop() ?? "";
          for (const block of blocks) this._hearBlock(block, lookSoon);
        }
      } catch (error) {
        if (!this.job?.done) throw error;
      } finally {
        clearTimeout(timer);
      }
    }

    /** @param {string} block @param {() => void} lookSoon */
    _hearBlock(block, lookSoon) {
      const data = /^data: ?(.*)$/m.exec(block)?.[1];
      if (!data) return;
      if (!/^event: ?progress$/m.test(block)) return lookSoon();
      this.job = { ...this.job, progress: JSON.parse(data).progress };
      this._update();
    }

    /** @param {AbortSignal} signal */
    async _readLog(signal) {
      const link = this.job?.links.logs;
      const most = this._mostLines();
      if (!link || !most) return;
      const address = this._linked("logs");
      address.search = `?tail=true&limit=${most}`;
      const page = await (await this._ask(address, { signal })).json();
      this._lines = page.items ?? [];
      this._update();
    }

    _mostLines() {
      if (!this.hasAttribute("log")) return 0;
      return Math.min(MOST_LINES, Math.max(0, Math.trunc(Number(this.getAttribute("log") || LINES)) || 0));
    }

    // --- asking

    _source() {
      return new URL(this.getAttribute("src") ?? "", document.baseURI);
    }

    /**
     * Return where a link of the job leads, seen from here: a proxy may have put a path before it.
     *
     * @param {string} name
     */
    _linked(name) {
      const source = this._source();
      const own = String(this.job.links.self ?? "");
      const prefix = own && source.pathname.endsWith(own) ? source.pathname.slice(0, -own.length) : "";
      const found = new URL(prefix + this.job.links[name], source);
      if (found.origin !== source.origin) throw new Refusal(400, "The job's links lead to another server.");
      return found;
    }

    /** @param {URL} address @param {RequestInit} options */
    async _ask(address, options) {
      const token = this.getAttribute("token");
      const headers = { accept: "application/json", ...options.headers };
      const response = await fetch(address, {
        cache: "no-store",
        ...options,
        headers: token ? { ...headers, authorization: `Bearer ${token}` } : headers,
      });
      if (response.ok) return response;
      const said = await response.json().catch(() => null);
      throw new Refusal(response.status, said?.detail || `The server answered ${response.status}.`);
    }

    /** @param {string} verb */
    async _act(verb) {
      if (this._isAsking || !this._tell("act", { verb, job: this.job })) return;
      this._isAsking = true;
      this._update();
      try {
        await this._ask(this._linked(verb), { method: "POST" });
        this._problem = "";
      } catch (error) {
        this._problem = error instanceof Refusal ? error.message : "No connection to the server.";
      }
      this._isAsking = false;
      const problem = this._problem;
      try {
        if (this._life) await this._look(this._life.signal);
      } catch {
        // Whoever follows the job says so.
      }
      this._problem ||= problem;
      this._update();
    }

    /** @param {string} what @param {any} detail */
    _tell(what, detail) {
      return this.dispatchEvent(new CustomEvent(`offload-${what}`, { detail, bubbles: true, composed: true, cancelable: true }));
    }

    // --- what is seen

    _draw() {
      const root = this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [styles()];
      this._box = part("div", "job", { role: "group", tabindex: "-1" });
      this._name = part("span", "name");
      this._state = part("span", "state", { role: "status" });
      this._pause = this._button("pause");
      this._cancel = this._button("cancel");
      this._bar = part("div", "bar", { role: "progressbar", "aria-valuemin": "0" });
      this._fill = part("div", "fill");
      this._far = part("div", "far");
      this._why = part("div", "why", { role: "status" });
      this._log = part("pre", "log", { role: "log", tabindex: "0", "aria-label": "last lines", "aria-live": "off" });
      const top = part("div", "top");
      const buttons = part("div", "buttons");
      buttons.append(this._pause, this._cancel);
      top.append(this._name, this._state, buttons);
      this._bar.append(this._fill);
      this._box.append(top, this._bar, this._far, this._why, this._log);
      root.append(this._box);
    }

    /** @param {string} kind */
    _button(kind) {
      const button = part("button", kind, { type: "button" });
      button.addEventListener("click", () => this._act(button.dataset.verb ?? kind));
      button.hidden = true;
      return button;
    }

    _update() {
      const job = this.job;
      const state = this._isRefused && !job ? "refused" : (job?.state ?? "");
      const name = this.getAttribute("label") || (job ? `${job.task} #${job.id}` : "Job");
      this._box.className = `job is-${state}`;
      this._box.setAttribute("aria-label", name);
      write(this._name, name);
      write(this._state, state === "refused" ? "not shown" : state || "…");
      this._updateProgress();
      write(this._why, this._problem || reason(job));
      this._why.hidden = !this._why.textContent;
      this._updateLog();
      this._updateButtons();
    }

    _updateProgress() {
      const said = this.job?.progress;
      const share = said?.total ? Math.min(1, Math.max(0, said.done / said.total)) : null;
      this._bar.hidden = share === null;
      this._far.hidden = !said;
      if (!said) return;
      this._bar.setAttribute("aria-label", `progress of ${this._name.textContent}`);
      this._bar.setAttribute("aria-valuemax", String(said.total ?? 0));
      this._bar.setAttribute("aria-valuenow", String(said.done));
      this._fill.style.setProperty("--share", String(share ?? 0));
      write(this._far, far(this.job, share));
    }

    _updateLog() {
      const text = this._mostLines() ? this._lines.map((line) => line.text).join("\n") : "";
      this._log.hidden = !text;
      if (this._log.textContent === text) return;
      const isAtEnd = this._log.scrollTop + this._log.clientHeight >= this._log.scrollHeight - 4;
      write(this._log, text);
      if (isAtEnd) this._log.scrollTop = this._log.scrollHeight;
    }

    _updateButtons() {
      const links = this.job?.links ?? {};
      const looksOnly = (this.getAttribute("token") ?? "").startsWith("ofj_") || this._isRefused;
      const held = this.shadowRoot?.activeElement;
      const verb = links.resume ? "resume" : "pause";
      this._offer(this._pause, verb, this.hasAttribute("pause") && !looksOnly && Boolean(links[verb]));
      this._offer(this._cancel, "cancel", this.hasAttribute("cancel") && !looksOnly && Boolean(links.cancel));
      if (held instanceof HTMLElement && held.hidden) this._box.focus();
    }

    /** @param {HTMLButtonElement} button @param {string} verb @param {boolean} isOffered */
    _offer(button, verb, isOffered) {
      button.hidden = !isOffered;
      button.dataset.verb = verb;
      button.setAttribute("aria-disabled", String(this._isAsking));
      write(button, { pause: "Pause", resume: "Resume", cancel: "Cancel" }[verb] ?? verb);
    }
  }

  // --- pieces

  /**
   * @param {string} tag
   * @param {string} name
   * @param {Record<string, string>} [attributes]
   * @returns {any}
   */
  function part(tag, name, attributes = {}) {
    const made = document.createElement(tag);
    made.className = name;
    made.setAttribute("part", name);
    for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
    return made;
  }

  /** Set a text only where it is another: what is read aloud is read once. @param {Element} at @param {string} text */
  function write(at, text) {
    if (at.textContent !== text) at.textContent = text;
  }

  /** Say why it stands as it does. @param {any} job */
  function reason(job) {
    if (!job) return "";
    if (job.error && job.state === "failed") return job.error.message || job.error.code || "";
    if (job.state === "paused") return job.pause?.reason ?? "";
    return job.done || job.state === "running" ? "" : (job.reason ?? "");
  }

  /** Say how far it is: 40 %, 2 / 5 steps, 3 min left. @param {any} job @param {number | null} share */
  function far(job, share) {
    const { done, total, unit, message } = job.progress;
    const left = remaining(job);
    const counted = total ? `${figure(done)} / ${figure(total)}` : figure(done);
    return [
      share === null ? "" : `${Math.floor(share * 100)} %`,
      unit ? `${counted} ${several(unit, total ?? done)}` : counted,
      left === null ? "" : `${duration(left)} left`,
      message ?? "",
    ]
      .filter(Boolean)
      .join(" · ");
  }

  /** Say step or steps; "s", "MB" and "%" stay. @param {string} unit @param {number} amount */
  function several(unit, amount) {
    return amount === 1 || unit.length < 3 || unit.endsWith("s") ? unit : `${unit}s`;
  }

  /**
   * Return the seconds that it still needs at its rate, where the server expects an end: when that is
   * by the clock of this machine is not known, which may be wrong.
   *
   * @param {any} job
   * @returns {number | null}
   */
  function remaining(job) {
    const { done, total, rate, eta } = job.progress;
    return job.state === "running" && eta && rate > 0 ? Math.max(0, total - done) / rate : null;
  }

  /** @param {number} value */
  function figure(value) {
    return new Intl.NumberFormat("en", { maximumSignificantDigits: Number.isInteger(value) ? 21 : 3 }).format(value);
  }

  /** @param {number} seconds */
  function duration(seconds) {
    if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
    const minutes = Math.round(seconds / 60);
    if (minutes < 60) return `${minutes} min`;
    if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
    return `${Math.round(minutes / 1440)} d`;
  }

  /** @param {number} milliseconds @param {AbortSignal} signal */
  function sleep(milliseconds, signal) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      signal.addEventListener("abort", () => (clearTimeout(timer), resolve(undefined)), { once: true });
    });
  }

  if (!customElements.get("offload-job")) customElements.define("offload-job", OffloadJob);
})();
