/**
 * Everything about one snapshot.
 */
import * as React from 'react';

import type { SnapshotDetail } from '../api/records';
import { expectComparison } from '../diff/ready';
import { CommandIDs } from '../tokens';
import { usePanel } from './context';
import { Captured, Environment, Missing, ModelPart, Program } from './captured';
import { Lineage } from './lineage';
import { Loaded } from './loaded';
import { Metrics } from './metrics';
import {
  Actions,
  Ago,
  CommandButton,
  CommandLink,
  Id,
  LevelMark,
  Note,
  Part,
  Rows
} from './pieces';
import { bytes, duration, moment } from './words';

/** How long one looks at a snapshot before it may be compared next, in milliseconds. */
const LOOK = 500;

/** One snapshot: what it came from, what came of it, and whether it comes out the same. */
export function Snapshot({ id }: { id: string }): React.JSX.Element {
  const { model } = usePanel();
  return (
    <Loaded load={() => model.client.snapshot(id)} what={id}>
      {detail => <Detail detail={detail} />}
    </Loaded>
  );
}

function Detail({ detail }: { detail: SnapshotDetail }): React.JSX.Element {
  const { model } = usePanel();
  React.useEffect(() => {
    model.snapshots.replace(detail.summary);
  }, [detail]);
  const comparable = detail.record.parents.length > 0;
  React.useEffect(() => {
    if (comparable) {
      const look = setTimeout(() => expectComparison(model.client), LOOK);
      return () => clearTimeout(look);
    }
    return undefined;
  }, [comparable]);
  return (
    <>
      <Header detail={detail} />
      <Missing detail={detail} />
      <Metrics id={detail.id} metrics={detail.record.metrics} />
      <Reproductions detail={detail} />
      <Captured detail={detail} />
      <ModelPart detail={detail} />
      <Program detail={detail} />
      <Environment detail={detail} />
      <Lineage detail={detail} />
    </>
  );
}

function Header({ detail }: { detail: SnapshotDetail }): React.JSX.Element {
  const { trans } = usePanel();
  const { summary, record } = detail;
  const unverified = record.author.source === 'unverified';
  const [parent] = record.parents;
  const args = { snapshot: detail.id };
  return (
    <header className="jp-mlops-Header">
      <h1>
        {summary.model} <Id id={detail.id} />
        <LevelMark
          level={summary.verdict?.level}
          reason={summary.verdict?.reason}
        />
      </h1>
      <p>
        {unverified
          ? trans.__(
              '%1 by %2 (login name, unverified)',
              moment(record.created),
              record.author.name
            )
          : trans.__('%1 by %2', moment(record.created), record.author.name)}
        {' · '}
        {trans.__('captured: %1', record.capture.level)}
        {' · '}
        {bytes(detail.bytes)}
        {summary.heads.map(head => (
          <span key={head} className="jp-mlops-Head">
            {head}
          </span>
        ))}
      </p>
      <Actions>
        <CommandButton id={CommandIDs.reproduce} args={args} accept />
        <CommandButton id={CommandIDs.reproduceWith} args={args} />
        {parent !== undefined && (
          <CommandButton
            id={CommandIDs.compare}
            args={{ a: parent, b: detail.id }}
            label={trans.__('Compare with the One Before')}
          />
        )}
        <CommandButton id={CommandIDs.openNotebook} args={args} />
        <CommandButton id={CommandIDs.restore} args={args} />
        <CommandButton id={CommandIDs.bundle} args={args} />
        <CommandButton id={CommandIDs.explain} args={args} />
        <CommandButton id={CommandIDs.verify} args={args} />
        <CommandButton id={CommandIDs.copyId} args={args} />
      </Actions>
    </header>
  );
}

function Reproductions(props: { detail: SnapshotDetail }): React.JSX.Element {
  const { trans } = usePanel();
  const { verdicts } = props.detail;
  return (
    <Part title={trans.__('Reproductions')}>
      {verdicts.length === 0 ? (
        <Note>
          {trans.__('It was never trained again. Press Reproduce, and see.')}
        </Note>
      ) : (
        <Rows
          label={trans.__('Reproductions')}
          columns={[
            trans.__('Verdict'),
            trans.__('Why'),
            trans.__('Who'),
            trans.__('When'),
            trans.__('Took')
          ]}
          items={verdicts}
          row={verdict => [
            <CommandLink
              id={CommandIDs.openVerdict}
              args={{ verdict: verdict.id }}
            >
              <LevelMark level={verdict.level} reason={verdict.reason} />
            </CommandLink>,
            [verdict.reason, verdict.cause].filter(Boolean).join(' '),
            verdict.author,
            <Ago time={verdict.created} />,
            duration(verdict.seconds)
          ]}
        />
      )}
    </Part>
  );
}
