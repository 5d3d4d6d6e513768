/**
 * Runs the notebook in front from its first cell to its last on the server, and snapshots it.
 */
import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { runIcon } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';

import type { JobRequest } from '../api/records';
import type { IContext } from '../views/context';
import { Form, IField } from '../widgets/form';
import { lineOf, nameFor } from './asking';
import { Filled, filledIn, VARIABLE, Words } from './filled';
import { NOTHING, send, show } from './jobs';

/** What a run is asked for. */
type RunOptions = NonNullable<JobRequest['run']>;

/** The name of a model, as the server takes it. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/**
 * Return the command that runs the notebook in front.
 *
 * @param context - Model, commands, language.
 * @param tracker - Knows the open notebooks; null where there are none.
 */
export function runCommand(
  context: IContext,
  tracker: INotebookTracker | null
): CommandRegistry.ICommandOptions {
  const { model, trans } = context;
  return {
    label: trans.__('Run and Snapshot…'),
    caption: trans.__(
      'Run all cells in a kernel of their own, with other parameters if you like'
    ),
    icon: runIcon,
    describedBy: { args: { type: 'object', properties: {} } },
    isEnabled: () =>
      model.availability === 'ready' && Boolean(tracker?.currentWidget),
    execute: async () => {
      const panel = tracker?.currentWidget;
      if (panel) {
        await run(context, panel);
      }
    }
  };
}

/** Asks for parameters and names, saves the notebook, and has it run. */
async function run(context: IContext, panel: NotebookPanel): Promise<void> {
  const { trans } = context;
  const { path } = panel.context;
  const says = Boolean(panel.content.model && lineOf(panel.content.model));
  const options = await filledIn(
    async words => {
      const answer = await showDialog({
        title: trans.__('Run and snapshot'),
        body: new Form(
          fields(context, path, says, words),
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
      return answer.button.accept ? answer.value : null;
    },
    filled => runOf(filled, path, trans),
    error => show(context, error.problem),
    trans
  );
  if (options !== null) {
    await panel.context.save();
    await send(context, { ...NOTHING, verb: 'run', run: options });
  }
}

function fields(
  { trans }: IContext,
  path: string,
  says: boolean,
  words: Words
): IField[] {
  const field = (
    name: string,
    label: string,
    example: string,
    value = ''
  ): IField => ({ name, label, example, value: words[name] ?? value });
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
 * Return what is asked of the server.
 *
 * @param filled - What a person filled in.
 * @param notebook - The notebook's path.
 * @param trans - Their language.
 * @throws A `RequestError` that names what cannot be meant.
 */
export function runOf(
  filled: Filled,
  notebook: string,
  trans: TranslationBundle
): RunOptions {
  const variable = trans.__('Write the name of a variable.');
  return {
    notebook,
    name: filled.word(
      'name',
      NAME,
      trans.__('Write letters, digits, dots and dashes.')
    ),
    model: filled.word('model', VARIABLE, variable),
    holdout: filled.word('holdout', VARIABLE, variable),
    metrics: filled.list('metrics', VARIABLE, variable),
    timeout: filled.seconds('timeout'),
    parameters: filled
      .text('parameters')
      .split(/,(?=\s*[A-Za-z_]\w*\s*=)/)
      .map(part => part.trim())
      .filter(Boolean)
      .map(part => {
        const [name = '', ...value] = part.split('=');
        return value.length > 0 && VARIABLE.test(name.trim())
          ? { name: name.trim(), value: value.join('=').trim() }
          : filled.refuse(part, trans.__('Write NAME=VALUE.'));
      })
  };
}
