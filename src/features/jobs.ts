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
import { jobText, jobTitle } from '../views/runs';
import { short, toneOf } from '../views/words';

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
 * @param trusted - Whether another person's code may run.
 */
export async function reproduce(
  context: IContext,
  snapshot: string,
  trusted = false
): Promise<void> {
  await send(context, {
    verb: 'reproduce',
    snapshot,
    restore: null,
    reproduce: {
      tolerances: [],
      calibrate: 0,
      timeout: null,
      yes: trusted,
      network: false,
      unisolated: false,
      allow_build: false,
      variables: []
    }
  });
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
  const answer = await InputDialog.getText({
    title: trans.__('Restore %1', short(snapshot)),
    label: trans.__(
      'Into which folder? It is made below the folder where JupyterLab was started.'
    ),
    text: `restored-${short(snapshot)}`,
    okLabel: trans.__('Restore')
  });
  const folder = answer.value?.trim();
  if (answer.button.accept && folder) {
    await send(context, {
      verb: 'restore',
      snapshot,
      reproduce: null,
      restore: { folder, outputs: false }
    });
  }
}

/**
 * Prove that nothing in the store was altered.
 *
 * @param context - Model, commands, language.
 */
export async function verify(context: IContext): Promise<void> {
  await send(context, {
    verb: 'verify',
    snapshot: null,
    reproduce: null,
    restore: null
  });
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

async function send(context: IContext, request: JobRequest): Promise<void> {
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
    await reproduce(context, snapshot, true);
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
    `${jobTitle(job, trans)}: ${job.level ?? job.state}. ${jobText(job, trans)}`,
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
