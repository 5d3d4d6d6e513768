/**
 * Opens views in the main area, once each, and again after a reload.
 */
import {
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { WidgetTracker } from '@jupyterlab/apputils';
import { ITranslator } from '@jupyterlab/translation';
import type { Widget } from '@lumino/widgets';

import type { Model } from '../model/model';
import { CommandIDs, DOMAIN, IModel, PACKAGE } from '../tokens';
import { asViewArgs, MainView, nameOf, VIEWS } from '../widgets/main';

/** Adds the command that opens a view. */
export const viewsPlugin: JupyterFrontEndPlugin<void> = {
  id: `${PACKAGE}:views`,
  description: 'Snapshots, verdicts, comparisons and runs in the main area.',
  autoStart: true,
  requires: [IModel, ITranslator],
  optional: [ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    model: Model,
    translator: ITranslator,
    restorer: ILayoutRestorer | null
  ): void => {
    const { commands, shell } = app;
    const trans = translator.load(DOMAIN);
    const tracker = new WidgetTracker<MainView>({ namespace: 'py-mlops' });
    commands.addCommand(CommandIDs.view, {
      label: trans.__('MLOps: Show a View'),
      describedBy: {
        args: {
          type: 'object',
          properties: {
            view: { enum: [...VIEWS] },
            a: { type: 'string', description: trans.__('What it shows') },
            b: {
              type: 'string',
              description: trans.__('What it is compared with')
            }
          },
          required: ['view', 'a']
        }
      },
      execute: async args => {
        const wanted = asViewArgs(args);
        if (wanted === null) {
          return;
        }
        let widget = tracker.find(open => open.id === nameOf(wanted));
        if (!widget) {
          // the shell owns it: closing the tab disposes it
          // eslint-disable-next-line jupyter/require-disposable-ownership
          widget = new MainView({ model, commands, trans }, wanted);
          await tracker.add(widget);
          place(shell, widget);
        }
        shell.activateById(widget.id);
      }
    });
    void restorer?.restore(tracker, {
      command: CommandIDs.view,
      args: widget => ({ ...widget.args }),
      name: widget => widget.id
    });
  }
};

/** Shows a widget in the main area; where that holds one document only, below it. */
function place(shell: JupyterFrontEnd.IShell, widget: Widget): void {
  shell.add(widget, 'main');
  if (!widget.isAttached) {
    shell.add(widget, 'down');
  }
}
