/**
 * The section of what was asked for: how far it is, and what came of it.
 */
import * as React from 'react';

import type { Job } from '../api/records';
import { isActive } from '../model/jobs';
import { CommandIDs } from '../tokens';
import { IContext, usePanel, useSignal } from './context';
import { List } from './list';
import { Ago, LevelMark, levelWord, Mark, Note, Trouble } from './pieces';
import { fraction, short, Tone } from './words';

/** The height of a row with a bar, in pixels. */
const ROW = 50;

/** The jobs, newest first. */
export function Runs(): React.JSX.Element {
  const { model, commands, trans } = usePanel();
  useSignal(model.jobs.changed);
  const { items, problem } = model.jobs;
  if (problem && model.availability === 'ready') {
    return <Trouble problem={problem} />;
  }
  if (items.length === 0) {
    return (
      <Note>
        {trans.__('Nothing runs. Reproduce a snapshot, and it shows here.')}
      </Note>
    );
  }
  return (
    <List<Job>
      label={trans.__('Runs')}
      items={items}
      keyOf={job => job.id}
      height={ROW}
      data={job => ({ job: job.id, snapshot: job.request.snapshot ?? '' })}
      onOpen={job => void commands.execute(CommandIDs.openJob, { job: job.id })}
      row={job => <RunRow job={job} />}
    />
  );
}

function RunRow({ job }: { job: Job }): React.JSX.Element {
  const { commands, trans } = usePanel();
  return (
    <>
      <div className="jp-mlops-RowLine">
        <span className="jp-mlops-RowName" title={jobTitle(job, trans)}>
          {jobTitle(job, trans)}
        </span>
        <JobMark job={job} />
        {isActive(job) && (
          // no button: nothing in an option may be one; by keyboard, Enter opens the run
          <span
            className="jp-mlops-Link"
            onClick={event => {
              event.stopPropagation();
              void commands.execute(CommandIDs.cancelJob, { job: job.id });
            }}
          >
            {trans.__('Cancel')}
          </span>
        )}
      </div>
      <div className="jp-mlops-RowLine jp-mlops-RowMore">
        <span className="jp-mlops-RowText">{jobText(job, trans)}</span>
        <Ago time={job.ended ?? job.started ?? job.created} />
      </div>
      {job.state === 'running' && <Bar job={job} />}
    </>
  );
}

/** How far a job is, as a bar. */
export function Bar({ job }: { job: Job }): React.JSX.Element {
  const { trans } = usePanel();
  const part = fraction(job);
  return (
    <div
      className="jp-mlops-Bar"
      role="progressbar"
      aria-label={job.step?.text ?? jobTitle(job, trans)}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={part === null ? undefined : Math.round(100 * part)}
    >
      <div
        className={part === null ? 'jp-mod-unknown' : ''}
        style={part === null ? undefined : { width: `${100 * part}%` }}
      />
    </div>
  );
}

/** A job's state, or the verdict that came of it. */
export function JobMark({ job }: { job: Job }): React.JSX.Element {
  const { trans } = usePanel();
  if (job.level) {
    return <LevelMark level={job.level} reason={job.summary} />;
  }
  return <Mark tone={TONES[job.state]}>{stateWord(job, trans)}</Mark>;
}

const TONES: Record<Job['state'], Tone> = {
  queued: 'none',
  running: 'none',
  done: 'good',
  failed: 'bad',
  cancelled: 'none',
  lost: 'bad'
};

/** Return a job's state, or the verdict that came of it, in the person's language. */
export function stateWord(job: Job, trans: IContext['trans']): string {
  if (job.level) {
    return levelWord(job.level, trans);
  }
  const words: Record<Job['state'], string> = {
    queued: trans.__('waits'),
    running: trans.__('runs'),
    done: trans.__('done'),
    failed: trans.__('failed'),
    cancelled: trans.__('cancelled'),
    lost: trans.__('lost')
  };
  return words[job.state];
}

/** Return what a job does, and with what. */
export function jobTitle(job: Job, trans: IContext['trans']): string {
  const words: Record<Job['request']['verb'], string> = {
    reproduce: trans.__('Reproduce'),
    restore: trans.__('Restore'),
    verify: trans.__('Verify'),
    bundle: trans.__('Bundle'),
    run: trans.__('Run')
  };
  const what =
    job.model || (job.request.snapshot ? short(job.request.snapshot) : '');
  return `${words[job.request.verb]} ${what}`.trim();
}

/** Return what a job does now, or what came of it, in one line. */
export function jobText(job: Job, trans: IContext['trans']): string {
  if (job.problem) {
    return job.problem.message;
  }
  if (job.state === 'running' && job.step) {
    const { stage, text, done, total } = job.step;
    return total > 0
      ? `${stage} ${done}/${total}: ${text}`
      : `${stage}: ${text}`;
  }
  if (job.state === 'queued') {
    return trans.__('Waits for its turn.');
  }
  if (job.state === 'lost') {
    return trans.__('It ended without a word; start it again.');
  }
  return job.summary;
}
