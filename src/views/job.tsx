/**
 * One job: how far it is, what it prints, and what came of it.
 */
import * as React from 'react';

import { asProblem } from '../api/client';
import type { Job, Problem } from '../api/records';
import { isActive } from '../model/jobs';
import { CommandIDs } from '../tokens';
import { usePanel, useSignal } from './context';
import {
  Actions,
  Ago,
  CommandButton,
  CommandLink,
  Note,
  Trouble
} from './pieces';
import { Bar, JobMark, jobText, jobTitle } from './runs';

/** How much of a log stays on the page, in characters. */
const MOST = 400_000;

/** The file browser's command; where it is not, nothing leads to a folder. */
const OPEN_PATH = 'filebrowser:open-path';

/** One job with its log. */
export function JobView({ id }: { id: string }): React.JSX.Element {
  const { model, commands, trans } = usePanel();
  useSignal(model.jobs.changed);
  const known = model.jobs.get(id);
  const [asked, setAsked] = React.useState<Job | null>(null);
  const [problem, setProblem] = React.useState<Problem | null>(null);
  React.useEffect(() => {
    if (!known) {
      model.client.job(id).then(setAsked, (error: unknown) => {
        setProblem(asProblem(error));
      });
    }
  }, [id, known === undefined]);
  const job = known ?? asked;
  if (!job) {
    return problem ? (
      <Trouble problem={problem} />
    ) : (
      <Note>{trans.__('Loading…')}</Note>
    );
  }
  const snapshot =
    job.request.verb === 'run' ? job.record : job.request.snapshot;
  const restored =
    job.state === 'done' ? (job.request.restore?.folder ?? null) : null;
  return (
    <div className="jp-mlops-Page jp-mlops-Job">
      <header className="jp-mlops-Header">
        <h1>
          {jobTitle(job, trans)} <JobMark job={job} />
        </h1>
        <p>
          {trans.__('Asked for by %1', job.author)} <Ago time={job.created} />
        </p>
        <p aria-live="polite">{jobText(job, trans)}</p>
        {job.state === 'running' && <Bar job={job} />}
        <Actions>
          {isActive(job) && (
            <CommandButton id={CommandIDs.cancelJob} args={{ job: job.id }} />
          )}
          {job.level && job.record && (
            <CommandButton
              id={CommandIDs.openVerdict}
              args={{ verdict: job.record }}
              accept
            />
          )}
          {restored !== null && commands.hasCommand(OPEN_PATH) && (
            <CommandLink id={OPEN_PATH} args={{ path: restored }}>
              {trans.__('Show the Folder')}
            </CommandLink>
          )}
          {snapshot && (
            <CommandLink id={CommandIDs.open} args={{ snapshot }}>
              {trans.__('Open Snapshot')}
            </CommandLink>
          )}
        </Actions>
      </header>
      {job.problem && <Trouble problem={job.problem} />}
      <Log job={job} />
    </div>
  );
}

/** What a job has printed, and goes on printing. */
function Log({ job }: { job: Job }): React.JSX.Element {
  const { model, trans } = usePanel();
  const [text, setText] = React.useState('');
  const offset = React.useRef(0);
  const busy = React.useRef(false);
  const end = React.useRef<HTMLPreElement>(null);
  useSignal(model.jobs.changed);
  const stamp = [
    job.state,
    job.step?.stage,
    job.step?.text,
    job.step?.done
  ].join();
  React.useEffect(() => {
    let gone = false;
    const read = async (): Promise<void> => {
      if (busy.current) {
        return;
      }
      busy.current = true;
      try {
        for (let before = -1; !gone && before !== offset.current;) {
          before = offset.current;
          const piece = await model.client.log(job.id, before);
          offset.current = piece.next;
          setText(old => (old + piece.text).slice(-MOST));
        }
      } catch {
        // the next event asks again; what is known stays
      } finally {
        busy.current = false;
      }
    };
    void read();
    return () => {
      gone = true;
    };
  }, [job.id, stamp]);
  React.useEffect(() => {
    const pre = end.current;
    if (pre) {
      pre.scrollTop = pre.scrollHeight;
    }
  }, [text]);
  return (
    <pre
      ref={end}
      className="jp-mlops-Log"
      tabIndex={0}
      role="log"
      aria-label={trans.__('Log')}
    >
      {text}
    </pre>
  );
}
