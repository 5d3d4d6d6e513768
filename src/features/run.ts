/**
 * Runs the notebook in front from its first cell to its last on the server, and snapshots it.
 */
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Dialog, ICommandPalette, showDialog } from '@jupyterlab/apputils';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { ITranslator } from '@jupyterlab/translation';
import { runIcon } from '@jupyterlab/ui-components';

import type { JobRequest } from '../api/records';
import type { Model } from '../model/model';
import { CommandIDs, DOMAIN, IModel, PACKAGE } from '../tokens';
import type { IContext } from '../views/context';
import { Form, IField } from '../widgets/form';
import { lineOf, nameFor } from './asking';
import { NOTHING, send } from './jobs';

/** What a run is asked for. */
type RunOptions = NonNullable<JobRequest['run']>;

/** Adds the command that runs a notebook. */
export const runPlugin: JupyterFrontEndPlugin<void> = {
  id: `${PACKAGE}:run`,
  description: 'Runs the notebook in front on the server, and snapshots it.',
  autoStart: true,
  requires: [IModel, ITranslator],
  optional: [INotebookTracker, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    model: Model,
    translator: ITranslator,
    tracker: INotebookTracker | null,
    palette: ICommandPalette | null
  ): void => {
    const trans = translator.load(DOMAIN);
    const { commands } = app;
    commands.addCommand(CommandIDs.run, {
      label: trans.__('Run and Snapshot…'),
      caption: trans.__(
        'Run all cells in a kernel of their own, with other parameters if you like'
      ),
      icon: runIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      isEnabled: () =>
        model.availability === 'ready' && tracker?.currentWidget != null,
      execute: async () => {
        const panel = tracker?.currentWidget;
        if (panel) {
          await run({ model, commands, trans }, panel);
        }
      }
    });
    tracker?.currentChanged.connect(() => {
      commands.notifyCommandChanged(CommandIDs.run);
    });
    palette?.addItem({
      command: CommandIDs.run,
      category: trans.__('MLOps')
    });
  }
};

/** Asks for parameters and names, saves the notebook, and has it run. */
async function run(context: IContext, panel: NotebookPanel): Promise<void> {
  const { trans } = context;
  const { path } = panel.context;
  const says = panel.content.model !== null && lineOf(panel.content.model);
  const answer = await showDialog({
    title: trans.__('Run and snapshot'),
    body: new Form(
      fields(context, path, Boolean(says)),
      says
        ? trans.__('What is kept is said by a cell of the notebook.')
        : trans.__('A snapshot is taken at its end.')
    ),
    focusNodeSelector: 'input[name=parameters]',
    buttons: [
      Dialog.cancelButton(),
      Dialog.okButton({ label: trans.__('Run') })
    ]
  });
  if (answer.button.accept && answer.value) {
    await panel.context.save();
    const options = runOf(answer.value, path);
    await send(context, { ...NOTHING, verb: 'run', run: options });
  }
}

function fields({ trans }: IContext, path: string, says: boolean): IField[] {
  const field = (
    name: string,
    label: string,
    example: string,
    value = ''
  ): IField => ({ name, label, example, value });
  const all = [
    field('parameters', trans.__('Parameters'), 'alpha=0.1, epochs=5'),
    field('timeout', trans.__('Seconds that one cell may take'), '600')
  ];
  return says
    ? all
    : [
        ...all,
        field('name', trans.__('Name'), '', nameFor(path)),
        field('model', trans.__('Variable with the model'), 'clf'),
        field('metrics', trans.__('Variables with metrics'), 'accuracy, loss'),
        field('holdout', trans.__('Variable with held-out inputs'), 'X_test')
      ];
}

/**
 * Return what is asked of the server, which checks it.
 *
 * @param words - What a person wrote, by field.
 * @param notebook - The notebook's path.
 */
export function runOf(
  words: Record<string, string>,
  notebook: string
): RunOptions {
  const list = (name: string): string[] =>
    (words[name] ?? '').split(/[\s,]+/).filter(Boolean);
  return {
    notebook,
    name: words.name || null,
    model: words.model || null,
    holdout: words.holdout || null,
    metrics: list('metrics'),
    timeout: words.timeout ? Number(words.timeout) : null,
    parameters: (words.parameters ?? '')
      .split(/,(?=\s*[A-Za-z_]\w*\s*=)/)
      .filter(part => part.trim())
      .map(part => {
        const [name = '', ...value] = part.split('=');
        return { name: name.trim(), value: value.join('=').trim() };
      })
  };
}
