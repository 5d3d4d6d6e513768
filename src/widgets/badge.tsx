/**
 * The badge in a notebook's toolbar, and the menu behind it.
 */
import { MenuSvg, ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { Badge } from '../api/records';
import { NotebookBadge } from '../model/badge';
import { CommandIDs } from '../tokens';
import { IContext, Provider, usePanel, useSignal } from '../views/context';
import { Mark } from '../views/pieces';
import type { Tone } from '../views/words';

/** How many changed cells the menu lists. */
const MOST = 12;

const TONES: Record<Badge['state'], Tone> = {
  reproduced: 'good',
  changed: 'near',
  never: 'none',
  failed: 'bad'
};

/**
 * Shows a badge as long as the server extension is there.
 */
export class BadgeWidget extends ReactWidget {
  /**
   * @param panel - What every view is given.
   * @param badge - The badge; it goes with this widget.
   */
  constructor(
    private readonly panel: IContext,
    private readonly badge: NotebookBadge
  ) {
    super();
    this.addClass('jp-mlops-BadgeHost');
  }

  /** Let the badge go, too. */
  override dispose(): void {
    this.badge.dispose();
    super.dispose();
  }

  protected override render(): React.JSX.Element {
    return (
      <Provider value={this.panel}>
        <BadgeButton badge={this.badge} />
      </Provider>
    );
  }
}

function BadgeButton(props: {
  badge: NotebookBadge;
}): React.JSX.Element | null {
  const panel = usePanel();
  const { model, trans } = panel;
  const { badge, edited, problem } = props.badge;
  useSignal(props.badge.changed);
  useSignal(model.changed);
  if (model.availability !== 'ready' || (!badge && !problem)) {
    return null;
  }
  const changed = edited && badge?.snapshot;
  const state = changed ? 'changed' : badge?.state;
  const words: Record<Badge['state'], string> = {
    reproduced: trans.__('reproduced'),
    changed: trans.__('changed'),
    never: badge?.snapshot ? trans.__('not rerun') : trans.__('no snapshot'),
    failed: trans.__('failed')
  };
  const said = [
    edited && trans.__('Edited since it was saved.'),
    problem ? `${problem.message} ${problem.hint}` : badge?.text
  ]
    .filter(Boolean)
    .join(' ');
  return (
    <button
      type="button"
      className="jp-mlops-Badge"
      title={said}
      aria-haspopup="menu"
      aria-label={trans.__(
        'Snapshot of this notebook: %1',
        state ? words[state] : '?'
      )}
      onClick={event => open(event.currentTarget, panel, props.badge)}
    >
      <Mark tone={state ? TONES[state] : 'none'}>
        {state ? words[state] : trans.__('unknown')}
      </Mark>
    </button>
  );
}

/** Opens the menu: what it says, what changed, what can be done. */
function open(
  button: HTMLElement,
  { commands, trans }: IContext,
  shown: NotebookBadge
): void {
  const { badge } = shown;
  const { path } = shown.context;
  const menu = new MenuSvg({ commands });
  menu.aboutToClose.connect(() => {
    // a chosen item runs after the menu has closed
    setTimeout(() => menu.dispose());
  });
  const text = shown.problem?.message ?? badge?.text ?? '';
  menu.addItem({ command: CommandIDs.goToCell, args: { path, label: text } });
  for (const change of badge?.changes.slice(0, MOST) ?? []) {
    const words = {
      added: trans.__('Cell %1 was added: %2', change.cell, change.source),
      changed: trans.__('Cell %1 was changed: %2', change.cell, change.source),
      removed: trans.__('Cell %1 was removed: %2', change.cell, change.source)
    };
    const args = { path, label: words[change.change] };
    menu.addItem({
      command: CommandIDs.goToCell,
      args: change.change === 'removed' ? args : { ...args, cell: change.cell }
    });
  }
  menu.addItem({ type: 'separator' });
  menu.addItem({ command: CommandIDs.snapshot, args: { path } });
  if (badge?.snapshot) {
    const args = { snapshot: badge.snapshot.id };
    menu.addItem({ command: CommandIDs.reproduce, args });
    menu.addItem({ command: CommandIDs.open, args });
  }
  const { left, bottom } = button.getBoundingClientRect();
  menu.open(left, bottom);
}
