/**
 * What data differ between two snapshots; of tables, which columns and how.
 */
import * as React from 'react';

import type { Comparison, TableChange } from '../api/records';
import { usePanel } from './context';
import { Note, Part, Rows } from './pieces';
import { Distribution } from './plot';
import { bytes } from './words';

/** The files that were added, removed or changed. */
export function DataChanges(props: {
  /** The comparison. */
  compared: Comparison;
}): React.JSX.Element {
  const { trans } = usePanel();
  const { data, data_same: same, data_cut: cut } = props.compared;
  return (
    <Part
      title={trans.__('Data')}
      aside={trans._n('%1 file is the same', '%1 files are the same', same)}
    >
      {data.length === 0 ? (
        <Note>{trans.__('No difference.')}</Note>
      ) : (
        <Rows
          label={trans.__('Data')}
          columns={[
            trans.__('File'),
            trans.__('Role'),
            trans.__('Older'),
            trans.__('Newer')
          ]}
          items={data}
          state={item => item.change}
          row={item => [
            item.path,
            item.role,
            bytes(item.size_a),
            bytes(item.size_b)
          ]}
        />
      )}
      {cut > 0 && <Note>{trans.__('%1 more differ.', cut)}</Note>}
      {data.map(
        item =>
          item.table && (
            <Table
              key={item.role + item.path}
              path={item.path}
              table={item.table}
            />
          )
      )}
    </Part>
  );
}

function Table(props: { path: string; table: TableChange }): React.JSX.Element {
  const { trans } = usePanel();
  const { table } = props;
  const rows = (count: number | null): string =>
    count === null ? '–' : String(count);
  return (
    <details className="jp-mlops-TableChange" open>
      <summary>
        {props.path}
        {': '}
        {trans.__('%1 → %2 rows', rows(table.rows_a), rows(table.rows_b))}
        {table.cut && ` ${trans.__('(only its beginning was read)')}`}
      </summary>
      <Rows
        label={props.path}
        columns={[
          trans.__('Column'),
          trans.__('Older'),
          trans.__('Newer'),
          trans.__('Distribution')
        ]}
        items={table.columns}
        state={column => column.change ?? undefined}
        row={column => [
          column.name,
          column.a ?? '–',
          column.b ?? '–',
          <Distribution column={column} />
        ]}
      />
    </details>
  );
}
