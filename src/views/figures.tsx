/**
 * The figures of two snapshots side by side.
 */
import * as React from 'react';

import type { Comparison, Figure } from '../api/records';
import { usePanel } from './context';
import { Note, Part } from './pieces';

/** How many pairs are shown before more are asked for. */
const FIRST = 4;

/** The figures of the saved notebooks, those that differ first. */
export function Figures(props: {
  /** The comparison. */
  compared: Comparison;
}): React.JSX.Element | null {
  const { trans } = usePanel();
  const [shown, setShown] = React.useState(FIRST);
  const { a, b, figures } = props.compared;
  if (figures.length === 0) {
    return null;
  }
  const differ = figures.filter(pair => !pair.same);
  const same = figures.length - differ.length;
  return (
    <Part
      title={trans.__('Figures')}
      aside={trans._n('%1 figure is the same', '%1 figures are the same', same)}
    >
      {differ.slice(0, shown).map((pair, place) => (
        <div key={place} className="jp-mlops-Sides">
          <Picture snapshot={a} figure={pair.a} side={trans.__('Older')} />
          <Picture snapshot={b} figure={pair.b} side={trans.__('Newer')} />
        </div>
      ))}
      {differ.length > shown && (
        <button
          type="button"
          className="jp-mlops-Link"
          onClick={() => setShown(shown + FIRST)}
        >
          {trans.__('Show more figures')}
        </button>
      )}
    </Part>
  );
}

function Picture(props: {
  snapshot: string;
  figure: Figure | null;
  side: string;
}): React.JSX.Element {
  const { model, trans } = usePanel();
  const { snapshot, figure, side } = props;
  const [address, setAddress] = React.useState<string | null>(null);
  const [missing, setMissing] = React.useState(figure === null);
  React.useEffect(() => {
    let made: string | null = null;
    let gone = false;
    if (figure !== null) {
      model.client.figure(snapshot, figure.digest).then(
        blob => {
          if (!gone) {
            made = URL.createObjectURL(blob);
            setAddress(made);
          }
        },
        () => setMissing(true)
      );
    }
    return () => {
      gone = true;
      if (made !== null) {
        URL.revokeObjectURL(made);
      }
    };
  }, [snapshot, figure?.digest]);
  return (
    <figure>
      <figcaption>
        {side}
        {figure && ` [${figure.cell}]`}
      </figcaption>
      {missing && <Note>{trans.__('No figure.')}</Note>}
      {address !== null && (
        <img
          src={address}
          alt={trans.__('%1 figure of cell %2', side, figure?.cell ?? '')}
        />
      )}
    </figure>
  );
}
