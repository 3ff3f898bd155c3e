// What the API answers with, as far as the dashboard reads it: the shapes of Python, by their names.
// Only the check of types reads this file; tests/dashboard/test_shapes.py compares it with them.

interface JobShape {
  id: number;
  task: string;
  kind: string;
  queue: string;
  state: string;
  done: boolean;
  version: number;
  params: { [name: string]: any };
  secret?: string[];
  result?: any;
  error?: ErrorShape | null;
  progress: ProgressShape | null;
  checkpoint: { at: string } | null;
  pause: PauseShape | null;
  reason: string | null;
  attempt: number;
  retries: number;
  crashes: number;
  interrupts: number;
  group: number | null;
  owner: string | null;
  priority: number;
  tags: string[];
  key: string | null;
  created_at: string;
  run_at: string | null;
  next_check_at: string | null;
  deadline_at: string | null;
  started_at: string | null;
  finished_at: string | null;
  kept_until: string | null;
  active_seconds: number | null;
  paused_seconds: number;
  worker: number | null;
  usage: UsageShape | null;
  links: Links;
}

interface Links {
  self: string;
  [name: string]: string | undefined;
}

interface ErrorShape {
  code: string;
  type: string | null;
  message: string;
  traceback: string | null;
  retryable: boolean;
  exit_code: number | null;
  signal: string | null;
  peak_memory: number | null;
}

interface BarShape {
  name: string;
  done: number;
  total: number | null;
  unit: string | null;
  message: string | null;
}

interface ProgressShape {
  done: number;
  total: number | null;
  message: string | null;
  unit: string | null;
  rate: number | null;
  eta: string | null;
  bars: BarShape[];
}

interface PauseShape {
  mode: string | null;
  since: string | null;
  reason: string | null;
  asked_at: string;
  by: string;
  door: string;
  keeps: string | null;
  frees: string | null;
}

interface UsageShape {
  pid: number | null;
  peak_memory: number | null;
  cpu_seconds: number | null;
  exit_code: number | null;
  signal: string | null;
}

interface EventShape {
  id: number;
  version: number;
  kind: string;
  state: string;
  at: string;
  actor: string;
  door: string;
  attempt: number;
  worker: number | null;
  reason: string | null;
}

interface QueueShape {
  name: string;
  limit: number | null;
  capacity: number | null;
  keep: number;
  keep_seconds: number;
  keep_bytes: number;
  paused: boolean;
  paused_reason: string | null;
  counts: { [state: string]: number | undefined };
  admitted: number | null;
  oldest_at: string | null;
  links: Links;
}

interface WorkerShape {
  id: number;
  host: string;
  pid: number;
  alive: boolean;
  stopping: boolean;
  queues: string[];
  tasks: string[];
  slots: number;
  started_at: string;
  seen_at: string;
  memory: number | null;
  cpu: number | null;
  loop_lag: number | null;
}

interface TaskShape {
  name: string;
  aliases: string[];
  kind: string;
  executor: string;
  capabilities: { cancel: string; pause: string; memory: boolean; reason: string | null };
  queue: string;
  priority: number;
  tags: string[];
  paused: boolean;
  paused_reason: string | null;
  signature: string;
  summary: string;
  doc: string;
  params: any;
  links: Links;
}
