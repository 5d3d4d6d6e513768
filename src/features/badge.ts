/**
 * Gives each notebook a badge in its toolbar.
 */
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IToolbarWidgetRegistry } from '@jupyterlab/apputils';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { ITranslator } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import { NotebookBadge } from '../model/badge';
import type { Model } from '../model/model';
import { CommandIDs, DOMAIN, IModel, PACKAGE } from '../tokens';
import { BadgeWidget } from '../widgets/badge';

/** Its name among the items of a notebook's toolbar, as in the settings. */
const ITEM = 'mlopsBadge';

/** The longest label of a menu's item, in characters. */
const LABEL = 80;

/** Adds the badge. */
export const badgePlugin: JupyterFrontEndPlugin<void> = {
  id: `${PACKAGE}:badge`,
  description: 'Says in a notebook’s toolbar whether it is still its snapshot.',
  autoStart: true,
  requires: [IModel, ITranslator],
  optional: [IToolbarWidgetRegistry, INotebookTracker],
  activate: (
    app: JupyterFrontEnd,
    model: Model,
    translator: ITranslator,
    toolbars: IToolbarWidgetRegistry | null,
    tracker: INotebookTracker | null
  ): void => {
    const { commands } = app;
    const trans = translator.load(DOMAIN);
    toolbars?.addFactory<NotebookPanel>('Notebook', ITEM, panel => {
      if (!(panel instanceof NotebookPanel)) {
        return new Widget();
      }
      const badge = new NotebookBadge(panel.context, model);
      watch(panel, badge);
      return new BadgeWidget({ model, commands, trans }, badge);
    });
    commands.addCommand(CommandIDs.goToCell, {
      label: args =>
        typeof args.label === 'string' ? args.label.slice(0, LABEL) : '',
      describedBy: {
        args: {
          type: 'object',
          properties: {
            path: { type: 'string' },
            cell: { type: 'integer', minimum: 1 },
            label: { type: 'string' }
          }
        }
      },
      isEnabled: args => typeof args.cell === 'number',
      execute: async args => {
        const panel = tracker?.find(open => open.context.path === args.path);
        const place = Number(args.cell) - 1;
        if (panel && place >= 0 && place < panel.content.widgets.length) {
          app.shell.activateById(panel.id);
          panel.content.activeCellIndex = place;
          await panel.content.scrollToItem(place);
        }
      }
    });
  }
};

/** Tells a badge when its notebook is on the page. */
function watch(panel: NotebookPanel, badge: NotebookBadge): void {
  const observer = new IntersectionObserver(entries => {
    badge.visible = entries.at(-1)?.isIntersecting ?? false;
  });
  observer.observe(panel.node);
  panel.disposed.connect(() => {
    observer.disconnect();
  });
}
