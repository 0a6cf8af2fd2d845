import { type DragEvent, type SubmitEvent, useEffect, useId, useRef, useState } from "react";
import useSWR from "swr";
import { Link, useLocation } from "wouter";

import { ApiError, get, post } from "../api/client";
import { newKey, who } from "../api/who";
import type { About, Json, Operation, PlanPreview, RunSummary } from "../api/types";
import { count, duration } from "../model/format";
import { answered, gloss, isPlanFile, params, pieces, pinsOf, planOf } from "../model/request";
import { Ago } from "../parts/Ago";
import { Findings } from "../parts/Findings";
import { Coverage, PlanView } from "../parts/PlanView";
import { Problem } from "../parts/Problem";
import { Progress, State } from "../parts/State";
import { Confirm } from "./Confirm";

const LARGEST = 8 * 1024 * 1024; // bytes of a plan file, as the API reads them

interface Planned {
  preview: PlanPreview;
  request: string | null; // the words, if it was words
  plan: Json | null; // the content of the plan file, if it was one
  workdir: string;
  params: Record<string, Json>;
  environment: string;
  key: string; // of its submission: sent twice over a bad line, it starts one run
}

const KEPT = "reign.request"; // what was typed is there again when the reader comes back

const EXAMPLES = [
  "build examples/hello-web, run it on port 8088 and check that it answers",
  "run `make test` in ./app and scan ./app for secrets",
  "apply k8s/app.yaml to namespace shop and wait for its rollout",
  "plan the terraform in ./infra",
];

interface Question {
  question: string;
  message: string | null; // what else there is to say
  choices: string[];
}

function choices(error: unknown): Question | null {
  if (!(error instanceof ApiError) || error.code !== "not_understood") return null;
  const details = error.details;
  if (typeof details !== "object" || details === null || Array.isArray(details)) return null;
  const offered = details.choices ?? details.suggestions;
  const list = Array.isArray(offered) ? offered.filter((each): each is string => typeof each === "string") : [];
  const question = details.question;
  const asked = typeof question === "string" ? question : error.message;
  return { question: asked, message: error.message.endsWith(asked) ? null : error.message, choices: list };
}

/** The first page: what should change, the plan for it, and the button that runs it. */
export function Ask() {
  const about = useSWR<About>("/web/about", get).data;
  const operations = useSWR<Operation[]>("/operations", get).data;
  const [, go] = useLocation();
  const [text, setText] = useState(() => sessionStorage.getItem(KEPT) ?? "");
  useEffect(() => sessionStorage.setItem(KEPT, text.slice(0, 20_000)), [text]);
  const [environment, setEnvironment] = useState("");
  const [workdir, setWorkdir] = useState("");
  const [given, setGiven] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [planned, setPlanned] = useState<Planned | null>(null);
  const [confirming, setConfirming] = useState(false);
  const [dropping, setDropping] = useState(false);
  const box = useRef<HTMLTextAreaElement>(null);
  const turn = useRef(0);
  const names = useId();

  const planText = async (asked: string) => {
    const mine = ++turn.current;
    setBusy(true);
    setError(null);
    try {
      const values = params(given);
      const where = { ...(environment ? { environment } : {}), ...(workdir ? { workdir } : {}), params: values };
      let content: Json | null = null;
      if (isPlanFile(asked)) {
        const read = await post<{ plan: Json }>("/web/plan-file", {
          text: asked,
          params: values,
          environment: environment || null,
        });
        content = read.plan;
      }
      const preview = await post<PlanPreview>("/plan", {
        ...where,
        ...(content ? { plan: content } : { request: asked }),
      });
      if (mine !== turn.current) return;
      setPlanned({
        preview,
        request: content ? null : asked,
        plan: content,
        workdir,
        params: values,
        environment,
        key: newKey(),
      });
    } catch (problem) {
      if (mine !== turn.current) return;
      setPlanned(null);
      setError(problem instanceof ApiError ? problem : new ApiError(422, "invalid_input", (problem as Error).message));
    } finally {
      if (mine === turn.current) setBusy(false);
    }
  };
  const submit = (event?: Pick<SubmitEvent, "preventDefault">) => {
    event?.preventDefault();
    if (text.trim()) void planText(text.trim());
    else box.current?.focus();
  };
  const choose = (choice: string) => {
    const next = answered(text, choice);
    setText(next);
    void planText(next);
  };
  const take = async (file: File | undefined) => {
    if (!file) return;
    if (file.size > LARGEST) {
      setError(new ApiError(413, "invalid_input", `${file.name} has more than 8 MB`, "split the plan"));
      return;
    }
    const content = await file.text();
    setText(content);
    void planText(content);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setDropping(false);
    void take(event.dataTransfer.files[0]);
  };
  const run = async (approve: string[]) => {
    if (!planned) return;
    const shown = planned.preview;
    // A planner that may answer differently the next time is not asked again: what was shown is what runs.
    const fixed = planned.plan ?? (shown.source?.startsWith("keyword") ? null : planOf(shown));
    const started = await post<RunSummary>("/runs", {
      ...(planned.request !== null ? { request: planned.request } : {}),
      ...(fixed !== null ? { plan: fixed } : {}),
      ...(planned.workdir ? { workdir: planned.workdir } : {}),
      ...(planned.environment ? { environment: planned.environment } : {}),
      params: fixed === planned.plan ? planned.params : {},
      ...(pinsOf(shown) ? { pins: pinsOf(shown) } : {}),
      ...(fixed !== null && planned.request !== null && shown.source ? { planned_by: shown.source } : {}),
      approve,
      idempotency_key: planned.key,
      requested_by: await who(),
    });
    go(`/run/${started.name}`);
  };

  const question = choices(error);
  const file = isPlanFile(text);
  const known = about?.environment ?? "dev";
  return (
    <div className="ask">
      <form
        className={dropping ? "ask-box dropping" : "ask-box"}
        onSubmit={submit}
        onDragOver={(event) => {
          event.preventDefault();
          setDropping(true);
        }}
        onDragLeave={() => setDropping(false)}
        onDrop={drop}
      >
        <label htmlFor="request">What should change? Say it in words, or paste or drop a plan file.</label>
        <textarea
          id="request"
          ref={box}
          className={file ? "mono" : ""}
          rows={file ? 14 : 2}
          value={text}
          spellCheck={false}
          placeholder="build ./shop, run it on port 8088, check that it answers"
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey || (!file && !event.shiftKey))) submit(event);
          }}
        />
        <div className="ask-row">
          <details className="ask-more">
            <summary>
              in <b>{environment || known}</b>
              {workdir && (
                <>
                  , below <b className="mono">{workdir}</b>
                </>
              )}
            </summary>
            <div className="fields">
              <label>
                Environment
                <input
                  list={names}
                  value={environment}
                  placeholder={known}
                  onChange={(event) => setEnvironment(event.target.value)}
                />
                <datalist id={names}>
                  {["dev", "staging", "prod"].map((name) => (
                    <option key={name} value={name} />
                  ))}
                </datalist>
              </label>
              <label>
                Relative paths start in
                <input
                  className="mono"
                  value={workdir}
                  placeholder={about?.workdir ?? ""}
                  onChange={(event) => setWorkdir(event.target.value)}
                />
              </label>
              <label>
                Parameters of a plan file, NAME=VALUE in lines
                <textarea className="mono" rows={2} value={given} onChange={(event) => setGiven(event.target.value)} />
              </label>
            </div>
          </details>
          <span className="spring" />
          <label className="button small quiet-button">
            Plan file…
            <input
              type="file"
              className="sr"
              accept=".yaml,.yml,.json,text/*"
              onChange={(event) => {
                void take(event.target.files?.[0]);
                event.target.value = "";
              }}
            />
          </label>
          <button type="submit" className="primary" disabled={busy || !text.trim()}>
            {busy ? "Planning…" : "Show the plan"}
          </button>
        </div>
      </form>

      <div aria-live="polite">
        {question && question.choices.length > 0 ? (
          <section className="callout tone-ask question">
            <h2>{question.question}</h2>
            {question.message !== null && <p className="quiet">{question.message}</p>}
            <div className="choices">
              {question.choices.map((choice) => (
                <button key={choice} type="button" onClick={() => choose(choice)}>
                  {choice}
                </button>
              ))}
            </div>
          </section>
        ) : (
          <Problem error={error} />
        )}
      </div>

      {planned && <Plan planned={planned} onRun={() => setConfirming(true)} />}
      {planned && confirming && <Confirm plan={planned.preview} onClose={() => setConfirming(false)} onRun={run} />}
      {!planned && (
        <div className="columns">
          <section>
            <h2>For example</h2>
            <ul className="examples">
              {EXAMPLES.map((example) => (
                <li key={example}>
                  <button
                    type="button"
                    className="bare"
                    onClick={() => {
                      setText(example);
                      box.current?.focus();
                    }}
                  >
                    {example}
                  </button>
                </li>
              ))}
            </ul>
            {operations && (
              <p className="quiet">
                <Link href="/operations">{count(operations.length, "operation")}</Link> are known. Planning runs
                nothing.
              </p>
            )}
          </section>
          <Latest />
        </div>
      )}
    </div>
  );
}

function Plan({ planned, onRun }: { planned: Planned; onRun: () => void }) {
  const { preview, request } = planned;
  const refused = [...preview.tasks, ...(preview.gates ?? [])].filter((task) => task.refuses);
  return (
    <section className="plan" aria-label="the plan">
      <header className="plan-head">
        <div>
          <h1>{request === null ? preview.name : "The plan"}</h1>
          <p className="quiet">
            {count(preview.tasks.length, "task")} in {count(preview.levels.length, "step")}
            {preview.gates && preview.gates.length > 0 && <>, {count(preview.gates.length, "gate")} before them</>} ·
            environment <b>{preview.environment}</b>
            {preview.source && preview.source !== "keyword" && preview.source !== "file" && <> · by {preview.source}</>}
          </p>
        </div>
        <button type="button" className="primary large" disabled={refused.length > 0} onClick={onRun}>
          Run it…
        </button>
      </header>
      {request !== null && preview.explanation && preview.explanation.length > 0 && (
        <p className="words">
          {pieces(request, preview.explanation).map((piece, at) =>
            piece.meaning === null ? (
              piece.text
            ) : (
              <span key={at} className="meant" title={piece.meaning}>
                {piece.text}
                <small>{gloss(piece.meaning)}</small>
              </span>
            ),
          )}
        </p>
      )}
      <Coverage plan={preview} />
      {refused.map((task) => (
        <p key={task.id} className="callout tone-bad">
          <b>{task.id}</b> is refused: {task.refuses}
        </p>
      ))}
      <PlanView plan={preview} />
      {preview.findings && preview.findings.length > 0 && <Findings findings={preview.findings} />}
      {preview.expected_seconds ? (
        <p className="quiet">It takes about {duration(preview.expected_seconds)}, as far as memory tells.</p>
      ) : null}
      {preview.similar?.map((past) => (
        <p key={past.run} className="quiet">
          Asked before: “{past.text}” {past.ok ? "succeeded" : "failed"} <Ago at={past.at} />,{" "}
          <Link href={`/run/${past.run}`}>{past.run}</Link>
        </p>
      ))}
      {preview.warnings && preview.warnings.length > 0 && (
        <ul className="warnings" aria-label="taken for granted">
          {preview.warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Latest() {
  const { data } = useSWR<RunSummary[]>("/runs?limit=6", get, { refreshInterval: 4000 });
  return (
    <section>
      <h2>Lately</h2>
      {data?.length === 0 && <p className="quiet">Nothing has run yet.</p>}
      <ul className="lately">
        {data?.map((run) => (
          <li key={run.name}>
            <Link href={`/run/${run.name}`}>{run.name}</Link>
            <State of={run.state} />
            <span className="quiet num">
              <Ago at={run.created_at} />
            </span>
            <span className="lately-plan quiet">{run.request ?? run.plan}</span>
            <Progress counts={run.tasks_by_state} total={run.task_count} />
          </li>
        ))}
      </ul>
    </section>
  );
}
