/**
 * The head of the panel: the search, and what is the matter with the server or the store.
 */
import { InputGroup } from '@jupyterlab/ui-components';
import * as React from 'react';

import { usePanel, useSignal } from './context';
import { Note, Trouble } from './pieces';

/** How long a person may pause while typing before it is searched, in milliseconds. */
const PAUSE = 250;

/** The search field and the state of things. */
export function Head(): React.JSX.Element {
  const { model, trans } = usePanel();
  useSignal(model.changed);
  const [words, setWords] = React.useState(model.search);
  React.useEffect(() => {
    const timer = setTimeout(() => {
      model.search = words.trim();
    }, PAUSE);
    return () => {
      clearTimeout(timer);
    };
  }, [words]);
  if (model.availability === 'absent' && model.problem) {
    return <Note>{`${model.problem.message} ${model.problem.hint}`}</Note>;
  }
  return (
    <div className="jp-mlops-Search">
      <InputGroup
        type="search"
        rightIcon="ui-components:search"
        placeholder={trans.__('Search models and snapshots')}
        aria-label={trans.__('Search models and snapshots')}
        maxLength={200}
        value={words}
        onChange={event => setWords(event.currentTarget.value)}
      />
      {model.problem && <Trouble problem={model.problem} />}
      {model.status?.store.state === 'ready' &&
        model.status.store.indexed < model.status.store.records && (
          <Note>
            {trans.__(
              'Reading the store: %1 of %2 records.',
              model.status.store.indexed,
              model.status.store.records
            )}
          </Note>
        )}
    </div>
  );
}
