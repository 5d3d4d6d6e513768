/**
 * Where a snapshot comes from and what came of it, in pictures and in words.
 */
import * as React from 'react';

import type { SnapshotLineage } from '../api/records';
import { CommandIDs } from '../tokens';
import { usePanel } from './context';
import { DrawnLineage } from './drawing';
import { Loaded } from './loaded';
import { CommandLink, Id, Part, Rows } from './pieces';

/** Everything that is known of where a snapshot comes from. */
export function Explanation({ id }: { id: string }): React.JSX.Element {
  const { model, trans } = usePanel();
  return (
    <Loaded load={() => model.client.lineage(id)} what={id}>
      {lineage => (
        <>
          <header className="jp-mlops-Header">
            <h1>
              {trans.__('Where it comes from')} <Id id={id} />
            </h1>
            <p>
              <CommandLink id={CommandIDs.open} args={{ snapshot: id }}>
                {trans.__('Open Snapshot')}
              </CommandLink>
            </p>
          </header>
          <DrawnLineage lineage={lineage} />
          {lineage.parts.map(part => (
            <Words key={part.title} part={part} />
          ))}
        </>
      )}
    </Loaded>
  );
}

function Words(props: {
  part: SnapshotLineage['parts'][number];
}): React.JSX.Element {
  const { title, lines, columns, rows } = props.part;
  return (
    <Part title={title}>
      {rows.length > 0 && (
        <Rows
          label={title}
          columns={columns}
          items={rows}
          row={cells => cells}
        />
      )}
      {lines.length > 0 && (
        <dl className="jp-mlops-Facts">
          {lines.map((line, place) => (
            <React.Fragment key={place}>
              <dt>{line.label}</dt>
              <dd data-state={line.state}>{line.text}</dd>
            </React.Fragment>
          ))}
        </dl>
      )}
    </Part>
  );
}
