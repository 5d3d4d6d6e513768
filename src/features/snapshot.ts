/**
 * Takes a snapshot of a notebook, by asking its kernel; asks a person first where no cell says of what.
 */
import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyJSONObject } from '@lumino/coreutils';

import { asProblem } from '../api/client';
import { snapshotIcon } from '../icons';
import { CommandIDs } from '../tokens';
import type { IContext } from '../views/context';
import { Form, IField } from '../widgets/form';
import { kernelOf, lineFor, lineOf, nameFor, takeSnapshot } from './asking';

/**
 * Return the command that takes a snapshot of a notebook.
 *
 * @param context - Model, commands, language.
 * @param tracker - Knows the open notebooks; null where there are none.
 */
export function snapshotCommand(
  context: IContext,
  tracker: INotebookTracker | null
): CommandRegistry.ICommandOptions {
  const { model, commands, trans } = context;
  const asked = new Map<string, IAnswer>();
  const busy = new Set<string>();
  const meant = (path: unknown): NotebookPanel | null =>
    typeof path === 'string'
      ? (tracker?.find(panel => panel.context.path === path) ?? null)
      : (tracker?.currentWidget ?? null);
  return {
    label: args =>
      args.ask === true
        ? trans.__('Snapshot with Options…')
        : trans.__('Snapshot'),
    caption: trans.__(
      'Save the notebook and keep its model with everything it came from'
    ),
    icon: snapshotIcon,
    describedBy: { args: argumentsIn(trans) },
    isEnabled: args => {
      const panel = meant(args.path);
      return (
        model.availability === 'ready' &&
        panel !== null &&
        !busy.has(panel.context.path)
      );
    },
    execute: async args => {
      const panel = meant(args.path);
      const path = panel?.context.path;
      if (!panel || path === undefined || busy.has(path)) {
        return;
      }
      busy.add(path);
      commands.notifyCommandChanged(CommandIDs.snapshot);
      try {
        await take(context, panel, asked, args.ask === true);
      } finally {
        busy.delete(path);
        commands.notifyCommandChanged(CommandIDs.snapshot);
      }
    }
  };
}

/** What the command takes. */
const argumentsIn = (trans: TranslationBundle): ReadonlyJSONObject => ({
  type: 'object',
  properties: {
    path: {
      type: 'string',
      description: trans.__('The notebook; by default the one in front')
    },
    ask: {
      type: 'boolean',
      description: trans.__('Ask, also where a cell says it')
    }
  }
});

/** What a person filled in for a notebook. */
interface IAnswer {
  /** The words, by field. */
  words: Record<string, string>;
  /** Whether a snapshot was taken with them, so that they need not be asked for again. */
  worked: boolean;
}

/** Takes the snapshot, and says what came of it. */
async function take(
  context: IContext,
  panel: NotebookPanel,
  asked: Map<string, IAnswer>,
  anew: boolean
): Promise<void> {
  const { model, commands, trans } = context;
  const { path } = panel.context;
  if (anew) {
    forget(asked, path);
  }
  const written =
    anew || !panel.content.model ? null : lineOf(panel.content.model);
  let note = '';
  try {
    await kernelOf(panel, trans); // nobody fills in a form for nothing
    const line = written ?? (await ask(context, path, asked));
    if (line === null) {
      return;
    }
    note = Notification.emit(trans.__('Taking a snapshot…'), 'in-progress', {
      autoClose: false
    });
    const beginning = await takeSnapshot(panel, line, trans);
    const answer = asked.get(path);
    if (answer) {
      answer.worked = true;
    }
    const { items } = await model.client.snapshots({ search: beginning });
    const [taken] = items;
    const actions = [];
    if (taken) {
      actions.push({
        label: trans.__('Open'),
        callback: () =>
          void commands.execute(CommandIDs.open, { snapshot: taken.id })
      });
    }
    if (written === null) {
      actions.push({
        label: trans.__('Ask Me Again'),
        caption: trans.__('The next snapshot may be of other variables'),
        callback: () => forget(asked, path)
      });
    }
    Notification.update({
      id: note,
      type: 'success',
      message: trans.__('Snapshot %1 is taken.', beginning.slice(0, 8)),
      autoClose: 5000,
      actions
    });
    void model.refresh();
  } catch (error) {
    forget(asked, path);
    const { message, hint } = asProblem(error);
    const text = [message, hint].filter(Boolean).join(' ');
    if (note) {
      Notification.update({ id: note, type: 'error', message: text });
    } else {
      Notification.error(text, { autoClose: false }); // without it only the bell would tell
    }
  }
}

/** Has the words for a notebook asked for again; they stand in the form. */
function forget(asked: Map<string, IAnswer>, path: string): void {
  const answer = asked.get(path);
  if (answer) {
    answer.worked = false;
  }
}

/** Asks what to snapshot, where the notebook itself does not say it; null when cancelled. */
async function ask(
  { trans }: IContext,
  path: string,
  asked: Map<string, IAnswer>
): Promise<string | null> {
  const before = asked.get(path);
  if (before?.worked) {
    return lineOfWords(before.words, trans);
  }
  const field = (name: string, label: string, example = ''): IField => ({
    name,
    label,
    example,
    value: before?.words[name] ?? (name === 'name' ? nameFor(path) : '')
  });
  const choice = (name: string, label: string): IField => ({
    name,
    label,
    choice: true,
    value: before?.words[name] ?? ''
  });
  const answer = await showDialog({
    title: trans.__('Take a snapshot'),
    body: new Form(
      [
        field('name', trans.__('Name')),
        field('model', trans.__('Variable with the model'), 'clf'),
        field('metrics', trans.__('Variables with metrics'), 'accuracy, loss'),
        field('holdout', trans.__('Variable with held-out inputs'), 'X_test'),
        choice('vault', trans.__('Keep every package, too')),
        choice(
          'incomplete',
          trans.__('Also when files have changed since they were read')
        ),
        field(
          'secret',
          trans.__('Why what looks like a secret may be kept'),
          trans.__('empty: it may not')
        )
      ],
      trans.__(
        'The first four are names: of the model, and of variables in the notebook. All but the first may stay empty.'
      )
    ),
    focusNodeSelector: 'input[name=model]',
    buttons: [
      Dialog.cancelButton(),
      Dialog.okButton({ label: trans.__('Snapshot') })
    ]
  });
  if (!answer.button.accept || !answer.value) {
    return null;
  }
  asked.set(path, { words: answer.value, worked: false });
  return lineOfWords(answer.value, trans);
}

function lineOfWords(
  words: Record<string, string>,
  trans: TranslationBundle
): string {
  const { name = '', model = '', metrics = '', holdout = '' } = words;
  const { vault, incomplete, secret = '' } = words;
  return lineFor(
    {
      name,
      model,
      holdout,
      vault: vault === 'yes',
      incomplete: incomplete === 'yes',
      secret,
      metrics: metrics.split(/[\s,]+/).filter(Boolean)
    },
    trans
  );
}
