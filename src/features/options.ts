/**
 * Asks how a snapshot is to be trained again, in words that the server takes.
 */
import { Dialog, showDialog } from '@jupyterlab/apputils';

import type { RequestError } from '../api/client';
import type { ReproduceOptions } from '../api/records';
import type { IContext } from '../views/context';
import { short } from '../views/words';
import { Form, IField } from '../widgets/form';
import { Filled, filledIn, VARIABLE, Words } from './filled';

/** Train it again as it was recorded, and ask before another person's code runs. */
export const PLAIN: ReproduceOptions = {
  tolerances: [],
  calibrate: 0,
  timeout: null,
  yes: false,
  network: false,
  unisolated: false,
  allow_build: false,
  variables: []
};

const TOLERANCE = /^[^-=][^=]*=[0-9][0-9.eE+-]*%?$/;

/** How many more reruns the server takes. */
const MOST = 100;

/**
 * Ask a person for the options; again, with what they wrote, when one is none.
 *
 * @param context - Model, commands, language.
 * @param snapshot - The snapshot's id.
 * @param tell - Says what is wrong with what they wrote.
 * @returns The options; null when it was cancelled.
 */
export async function askOptions(
  context: IContext,
  snapshot: string,
  tell: (error: RequestError) => Promise<void>
): Promise<ReproduceOptions | null> {
  const { trans } = context;
  return filledIn(
    async words => {
      const answer = await showDialog({
        title: trans.__('Reproduce %1', short(snapshot)),
        body: new Form(
          fields(context, words),
          trans.__('What stays empty is as it was recorded.')
        ),
        focusNodeSelector: 'input[name=tolerances]',
        buttons: [
          Dialog.cancelButton(),
          Dialog.okButton({ label: trans.__('Reproduce') })
        ]
      });
      return answer.button.accept ? answer.value : null;
    },
    filled => optionsOf(filled, context),
    tell,
    trans
  );
}

function fields({ trans }: IContext, words: Words): IField[] {
  const field = (name: string, label: string, example: string): IField => ({
    name,
    label,
    example,
    value: words[name] ?? ''
  });
  const choice = (name: string, label: string): IField => ({
    name,
    label,
    choice: true,
    value: words[name] ?? ''
  });
  return [
    field(
      'tolerances',
      trans.__('How far metrics may be off'),
      'accuracy=0.01, loss=5%'
    ),
    field(
      'calibrate',
      trans.__('Further reruns, to measure what varies by itself'),
      '0'
    ),
    field('timeout', trans.__('Seconds that one cell may take'), '600'),
    field(
      'variables',
      trans.__('Environment variables of the server to hand on, by name'),
      'API_TOKEN'
    ),
    choice('network', trans.__('May use the network')),
    choice(
      'allow_build',
      trans.__('May compile packages of which there is only the source')
    ),
    choice(
      'unisolated',
      trans.__('Run another person’s code also where it cannot be set apart')
    )
  ];
}

/**
 * Return the options for what a person filled in.
 *
 * @param filled - What they filled in.
 * @param context - Whose language it is answered in.
 * @throws A `RequestError` that names what cannot be meant.
 */
export function optionsOf(
  filled: Filled,
  { trans }: Pick<IContext, 'trans'>
): ReproduceOptions {
  return {
    ...PLAIN,
    tolerances: filled.list(
      'tolerances',
      TOLERANCE,
      trans.__('Write METRIC=0.01, or METRIC=5% of its value.')
    ),
    calibrate: Math.round(filled.number('calibrate', 0, MOST) ?? 0),
    timeout: filled.seconds('timeout'),
    variables: filled.list(
      'variables',
      VARIABLE,
      trans.__('Write names alone; their values are the server’s own.')
    ),
    network: filled.ticked('network'),
    allow_build: filled.ticked('allow_build'),
    unisolated: filled.ticked('unisolated')
  };
}
