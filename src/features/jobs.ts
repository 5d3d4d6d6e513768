/**
 * Starts what takes long, asks first where it must, and tells what came of it.
 */
import {
  Dialog,
  InputDialog,
  Notification,
  showDialog,
  showErrorMessage
} from '@jupyterlab/apputils';
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator } from '@jupyterlab/translation';

import { asProblem } from '../api/client';
import type { Job, JobRequest, Problem } from '../api/records';
import type { Model } from '../model/model';
import { CommandIDs, DOMAIN, IModel, PACKAGE, SETTINGS } from '../tokens';
import type { IContext } from '../views/context';
import { jobText, jobTitle, stateWord } from '../views/runs';
import { short, toneOf } from '../views/words';
import { Form } from '../widgets/form';
import { askOptions, PLAIN } from './options';

/** A request of which nothing is said yet but its verb. */
export const NOTHING: Omit<JobRequest, 'verb'> = {
  snapshot: null,
  reproduce: null,
  restore: null,
  bundle: null,
  run: null
};

/** The code of a problem that a person can let pass. */
const NOT_TRUSTED = 'not-trusted';

/** Tells when a job has ended. */
export const endingsPlugin: JupyterFrontEndPlugin<void> = {
  id: `${PACKAGE}:endings`,
  description: 'Says what came of a run.',
  autoStart: true,
  requires: [IModel, ITranslator],
  optional: [ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    model: Model,
    translator: ITranslator,
    registry: ISettingRegistry | null
  ): void => {
    const trans = translator.load(DOMAIN);
    const context: IContext = { model, commands: app.commands, trans };
    const settings = registry?.load(SETTINGS);
    const quiet = async (): Promise<boolean> => {
      const loaded = await settings?.catch(() => undefined);
      return loaded?.composite.notifyOfEnds === false;
    };
    model.jobs.ended.connect((_, job) => void tell(context, job, quiet));
  }
};

/**
 * Train a snapshot again.
 *
 * @param context - Model, commands, language.
 * @param snapshot - Its id.
 * @param options - How; as it was recorded by default.
 */
export async function reproduce(
  context: IContext,
  snapshot: string,
  options = PLAIN
): Promise<void> {
  await send(context, {
    ...NOTHING,
    verb: 'reproduce',
    snapshot,
    reproduce: options
  });
}

/**
 * Ask how a snapshot is to be trained again, and do it.
 *
 * @param context - Model, commands, language.
 * @param snapshot - Its id.
 */
export async function reproduceWith(
  context: IContext,
  snapshot: string
): Promise<void> {
  const options = await askOptions(context, snapshot, error =>
    show(context, error.problem)
  );
  if (options !== null) {
    await reproduce(context, snapshot, options);
  }
}

/**
 * Ask for a folder and put a snapshot's files into it.
 *
 * @param context - Model, commands, language.
 * @param snapshot - Its id.
 */
export async function restore(
  context: IContext,
  snapshot: string
): Promise<void> {
  const { trans } = context;
  const answer = await showDialog({
    title: trans.__('Restore %1', short(snapshot)),
    body: new Form(
      [
        {
          name: 'folder',
          label: trans.__('Into which folder?'),
          value: `restored-${short(snapshot)}`
        },
        {
          name: 'outputs',
          label: trans.__('Also the files that the run itself wrote'),
          value: '',
          choice: true
        }
      ],
      trans.__('It is made below the folder where JupyterLab was started.')
    ),
    focusNodeSelector: 'input[name=folder]',
    buttons: [
      Dialog.cancelButton(),
      Dialog.okButton({ label: trans.__('Restore') })
    ]
  });
  const folder = answer.value?.folder;
  if (answer.button.accept && folder) {
    await send(context, {
      ...NOTHING,
      verb: 'restore',
      snapshot,
      restore: { folder, outputs: answer.value?.outputs === 'yes' }
    });
  }
}

/**
 * Prove that nothing in the store was altered.
 *
 * @param context - Model, commands, language.
 */
export async function verify(context: IContext): Promise<void> {
  await send(context, { ...NOTHING, verb: 'verify' });
}

/**
 * Ask for a file and write a snapshot into it, with everything it stands on.
 *
 * @param context - Model, commands, language.
 * @param snapshot - Its id.
 */
export async function bundle(
  context: IContext,
  snapshot: string
): Promise<void> {
  const { trans } = context;
  const answer = await InputDialog.getText({
    title: trans.__('Bundle %1', short(snapshot)),
    label: trans.__(
      'Into which file? It is made below the folder where JupyterLab was started; `mlops reproduce` takes it anywhere.'
    ),
    text: `${short(snapshot)}.mlops`,
    okLabel: trans.__('Bundle')
  });
  const file = answer.value?.trim();
  if (answer.button.accept && file) {
    await send(context, {
      ...NOTHING,
      verb: 'bundle',
      snapshot,
      bundle: { file }
    });
  }
}

/**
 * Cancel a job.
 *
 * @param context - Model, commands, language.
 * @param id - The job's id.
 */
export async function cancel(context: IContext, id: string): Promise<void> {
  try {
    await context.model.jobs.cancel(id);
  } catch (error) {
    await show(context, asProblem(error));
  }
}

/**
 * Say what went wrong, in a dialog.
 *
 * @param context - Model, commands, language.
 * @param problem - What went wrong.
 */
export async function show(context: IContext, problem: Problem): Promise<void> {
  const { trans } = context;
  await showErrorMessage(
    trans.__('MLOps'),
    [problem.message, problem.hint].filter(Boolean).join('\n\n')
  );
}

/**
 * Ask for a job, and show that it is there.
 *
 * @param context - Model, commands, language.
 * @param request - What is to be done.
 */
export async function send(
  context: IContext,
  request: JobRequest
): Promise<void> {
  try {
    const job = await context.model.startJob(request);
    if (request.verb === 'verify') {
      await context.commands.execute(CommandIDs.openJob, { job: job.id });
    } else {
      await context.commands.execute(CommandIDs.reveal);
    }
  } catch (error) {
    const problem = asProblem(error);
    if (!(await asked(context, request, problem))) {
      await show(context, problem);
    }
  }
}

/** Asks whether another person's code may run; says whether that was the question. */
async function asked(
  context: IContext,
  request: JobRequest,
  problem: Problem
): Promise<boolean> {
  const { trans } = context;
  const { snapshot, reproduce: options } = request;
  // who has said yes already is told why it cannot be, not asked for ever
  if (problem.code !== NOT_TRUSTED || snapshot === null || options?.yes) {
    return false;
  }
  const answer = await showDialog({
    title: trans.__('Run another person’s code?'),
    body: [problem.message, problem.hint].join('\n\n'),
    defaultButton: 0,
    buttons: [
      Dialog.cancelButton(),
      Dialog.warnButton({ label: trans.__('Run It') })
    ]
  });
  if (answer.button.accept) {
    await reproduce(context, snapshot, { ...(options ?? PLAIN), yes: true });
  }
  return true;
}

async function tell(
  context: IContext,
  job: Job,
  quiet: () => Promise<boolean>
): Promise<void> {
  const { commands, trans } = context;
  if (job.state === 'cancelled') {
    return;
  }
  if (job.problem && (await asked(context, job.request, job.problem))) {
    return;
  }
  if (await quiet()) {
    return;
  }
  const failed =
    job.state !== 'done' ||
    (job.level !== null && toneOf(job.level) !== 'good');
  const verdict = job.level !== null && job.record !== null;
  Notification.emit(
    `${jobTitle(job, trans)}: ${stateWord(job, trans)}. ${jobText(job, trans)}`,
    failed ? 'warning' : 'success',
    {
      autoClose: failed ? false : 5000,
      actions: [
        {
          label: trans.__('Show'),
          callback: () =>
            void (verdict
              ? commands.execute(CommandIDs.openVerdict, {
                  verdict: job.record
                })
              : commands.execute(CommandIDs.openJob, { job: job.id }))
        }
      ]
    }
  );
}
