/**
 * What a snapshot holds: data, model, program, environment; and what it lacks.
 */
import * as React from 'react';

import type { SnapshotDetail } from '../api/records';
import { usePanel } from './context';
import { Id, Note, Part, Rows } from './pieces';
import { bytes } from './words';

interface IProps {
  /** The snapshot. */
  detail: SnapshotDetail;
}

/** What is missing, in red; nothing when nothing is. */
export function Missing({ detail }: IProps): React.JSX.Element | null {
  const { trans } = usePanel();
  const { holes } = detail;
  if (holes.length === 0) {
    return null;
  }
  return (
    <Part
      title={trans._n('%1 hole', '%1 holes', holes.length)}
      aside={trans.__('what is missing, and what can be done')}
    >
      <ul className="jp-mlops-Holes">
        {holes.map((hole, place) => (
          <li key={place} data-blocking={hole.blocking}>
            <strong>
              {hole.blocking ? trans.__('Stops others') : trans.__('Noted')}
              {hole.cell > 0 &&
                !hole.text.startsWith('Cell [') &&
                ` [${hole.cell}]`}
            </strong>{' '}
            {hole.text} <em>{hole.hint}</em>
          </li>
        ))}
      </ul>
    </Part>
  );
}

interface IRow {
  path: string;
  role: string;
  size: string;
  digest: string | null;
  cell: number;
  seen: string;
  lacking: boolean;
}

function rowsOf({ record }: SnapshotDetail): IRow[] {
  const files = record.data.map(file => ({
    path: file.requested || file.path,
    role: file.role,
    size: file.blobs.length > 0 ? sum(file.blobs) : '',
    digest: file.blobs[0]?.digest ?? null,
    cell: file.cell,
    seen: file.observed,
    lacking: file.role === 'input' && file.blobs.length === 0
  }));
  const trees = record.trees.map(tree => ({
    path: `${tree.requested || tree.folder}/ (${tree.files})`,
    role: tree.role,
    size: bytes(tree.size),
    digest: tree.manifest.digest,
    cell: tree.cell,
    seen: tree.observed,
    lacking: false
  }));
  const answers = record.answers.map(answer => ({
    path: answer.request,
    role: answer.kind,
    size: bytes(answer.blob.size),
    digest: answer.blob.digest,
    cell: answer.cell,
    seen: answer.source,
    lacking: false
  }));
  return [...files, ...trees, ...answers];
}

function sum(blobs: readonly { size: number }[]): string {
  return bytes(blobs.reduce((total, blob) => total + blob.size, 0));
}

/** The files it read and wrote, and what databases and the web answered. */
export function Captured({ detail }: IProps): React.JSX.Element {
  const { trans } = usePanel();
  const rows = rowsOf(detail);
  const { level, external } = detail.record.capture;
  const cut = Object.values(detail.cut).reduce((sum, count) => sum + count, 0);
  return (
    <Part title={trans.__('Data')} aside={trans.__('captured: %1', level)}>
      {rows.length === 0 ? (
        <Note>{trans.__('It read and wrote nothing that was seen.')}</Note>
      ) : (
        <Rows
          label={trans.__('Data')}
          columns={[
            trans.__('What'),
            trans.__('Role'),
            trans.__('Size'),
            trans.__('Digest'),
            trans.__('Cell'),
            trans.__('Seen by')
          ]}
          items={rows}
          state={row => (row.lacking ? 'bad' : undefined)}
          row={row => [
            row.path,
            row.role,
            row.lacking ? trans.__('not captured') : row.size,
            row.digest && <Id id={row.digest} />,
            row.cell > 0 ? `[${row.cell}]` : '',
            row.seen
          ]}
        />
      )}
      {cut > 0 && (
        <Note>{trans.__('%1 entries are not shown here.', cut)}</Note>
      )}
      {external.length > 0 && (
        <p className="jp-mlops-Bad">
          {trans.__('Reached past every recorded client:')}{' '}
          {external.map(there => `${there.host}:${there.port}`).join(', ')}
        </p>
      )}
    </Part>
  );
}

/** The model, its forms, and what it was asked. */
export function ModelPart({ detail }: IProps): React.JSX.Element | null {
  const { trans } = usePanel();
  const { model, holdout } = detail.record;
  if (model === null) {
    return null;
  }
  return (
    <Part title={trans.__('Model')}>
      <dl className="jp-mlops-Facts">
        <dt>{model.variable}</dt>
        <dd>{model.type}</dd>
        {model.loaded_from !== null && (
          <>
            <dt>{trans.__('Not trained here')}</dt>
            <dd className="jp-mlops-Bad">{model.loaded_from}</dd>
          </>
        )}
        <dt>{trans.__('Kept as')}</dt>
        <dd>
          {model.artifacts.length === 0
            ? trans.__('nothing; it could not be stored')
            : model.artifacts
                .map(({ format, executes, blob }) =>
                  executes
                    ? trans.__(
                        '%1 (%2, runs code when loaded)',
                        format,
                        bytes(blob.size)
                      )
                    : `${format} (${bytes(blob.size)})`
                )
                .join(', ')}
        </dd>
        {holdout && (
          <>
            <dt>{trans.__('Held out')}</dt>
            <dd>
              {holdout.variable}: {holdout.spec.shape.join(' × ')},{' '}
              {holdout.predictions.map(({ method }) => method).join(', ')}
            </dd>
          </>
        )}
      </dl>
    </Part>
  );
}

/** What was executed, and how the saved notebook differs from it. */
export function Program({ detail }: IProps): React.JSX.Element {
  const { trans } = usePanel();
  const { program, parameters, randomness } = detail.record;
  const named = Object.entries(parameters);
  return (
    <Part
      title={trans.__('Program')}
      aside={trans._n('%1 cell executed', '%1 cells executed', program.cells)}
    >
      {program.differences.length > 0 && (
        <ul className="jp-mlops-Holes">
          {program.differences.map((difference, place) => (
            <li key={place}>{difference.text}</li>
          ))}
        </ul>
      )}
      <dl className="jp-mlops-Facts">
        <dt>{trans.__('Notebook')}</dt>
        <dd>{program.notebook ?? program.entry}</dd>
        {program.modules.length > 0 && (
          <>
            <dt>{trans.__('Modules')}</dt>
            <dd>{program.modules.map(({ path }) => path).join(', ')}</dd>
          </>
        )}
        {named.map(([name, value]) => (
          <React.Fragment key={name}>
            <dt>{name}</dt>
            <dd>{JSON.stringify(value)}</dd>
          </React.Fragment>
        ))}
        <dt>{trans.__('Random states')}</dt>
        <dd>{randomness.generators.join(', ') || trans.__('none')}</dd>
      </dl>
    </Part>
  );
}

/** Interpreter, machine and packages. */
export function Environment({ detail }: IProps): React.JSX.Element {
  const { trans } = usePanel();
  const { interpreter, distributions, hardware } = detail.record.environment;
  return (
    <Part
      title={trans.__('Environment')}
      aside={trans._n('%1 package', '%1 packages', distributions.length)}
    >
      <dl className="jp-mlops-Facts">
        <dt>{trans.__('Python')}</dt>
        <dd>
          {interpreter.implementation} {interpreter.version},{' '}
          {interpreter.platform} {interpreter.libc}
        </dd>
        <dt>{trans.__('Machine')}</dt>
        <dd>
          {trans._n(
            '%2, %1 core',
            '%2, %1 cores',
            hardware.cores,
            hardware.processor || hardware.machine
          )}
          {hardware.gpus.length > 0 && `, ${hardware.gpus.join(', ')}`}
        </dd>
      </dl>
      <details>
        <summary>{trans.__('Packages')}</summary>
        <Rows
          label={trans.__('Packages')}
          columns={[
            trans.__('Package'),
            trans.__('Version'),
            trans.__('From'),
            trans.__('Kept')
          ]}
          items={distributions}
          row={item => [
            item.name,
            item.version,
            item.source,
            item.kept ? trans.__('in the store') : ''
          ]}
        />
      </details>
    </Part>
  );
}
