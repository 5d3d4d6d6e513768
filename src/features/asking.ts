/**
 * Asks a running kernel for a snapshot of its notebook, and reads what it answers.
 */
import type { INotebookModel, NotebookPanel } from '@jupyterlab/notebook';
import type { Kernel, KernelMessage } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';

import { RequestError } from '../api/client';

/** What a snapshot is taken of. */
export interface IWish {
  /** The model's name. */
  name: string;
  /** The variable that holds the model; empty for none. */
  model: string;
  /** Variables that hold numbers. */
  metrics: string[];
  /** The variable that holds held-out inputs; empty for none. */
  holdout: string;
  /** Keep the wheels of the whole environment. */
  vault: boolean;
  /** Record files that changed or vanished as holes, do not refuse. */
  incomplete: boolean;
  /** Why what looks like a secret may be kept; empty when it may not. */
  secret: string;
}

/** The characters that variables and names are made of; nothing else is passed on. */
const WORD = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/;

/** The characters of a reason: none with which a line of IPython's could be made to say more. */
const REASON = /^[\p{L}\p{N} .,:;()/_-]{1,200}$/u;

/** How long a notebook just opened may take to ask for its kernel, in milliseconds. */
const PATIENCE = 2000;

/** A line of the magic, alone in its line. */
const MAGIC = /^[ \t]*%mlops[ \t]+(snapshot[ \t]+\S.*?)[ \t]*$/m;

/**
 * Return the line of the last `%mlops snapshot` in a notebook; null without one.
 *
 * @param notebook - The document.
 */
export function lineOf(notebook: INotebookModel): string | null {
  let line: string | null = null;
  for (const cell of notebook.cells) {
    if (cell.type === 'code') {
      line = MAGIC.exec(cell.sharedModel.getSource())?.[1] ?? line;
    }
  }
  return line;
}

/**
 * Return the magic's line for what a person filled in.
 *
 * @throws A `RequestError` that names the word which cannot be one.
 */
export function lineFor(wish: IWish, trans: TranslationBundle): string {
  const words = ['snapshot', wish.name];
  if (wish.model) {
    words.push('--model', wish.model);
  }
  for (const metric of wish.metrics) {
    words.push('--metric', metric);
  }
  if (wish.holdout) {
    words.push('--holdout', wish.holdout);
  }
  const strange = words.find(
    word => !word.startsWith('--') && !WORD.test(word)
  );
  if (strange !== undefined) {
    throw failure(
      trans.__('“%1” is no name.', strange),
      trans.__(
        'Use letters, digits, “.”, “_” and “-”, beginning with a letter or a digit.'
      )
    );
  }
  if (wish.vault) {
    words.push('--vault');
  }
  if (wish.incomplete) {
    words.push('--incomplete');
  }
  if (wish.secret) {
    if (!REASON.test(wish.secret)) {
      throw failure(
        trans.__('The reason cannot be passed on.'),
        trans.__('Write it in letters, digits and plain punctuation.')
      );
    }
    words.push('--allow-secret', `"${wish.secret}"`);
  }
  return words.join(' ');
}

/** Return a model's name made of a notebook's path. */
export function nameFor(path: string): string {
  const file = path.split('/').at(-1) ?? '';
  const name = file.replace(/\.ipynb$/, '').replace(/[^A-Za-z0-9._-]+/g, '-');
  return name.replace(/^[^A-Za-z0-9]+/, '').slice(0, 100) || 'model';
}

/**
 * Save the notebook and ask its kernel for a snapshot.
 *
 * @param panel - The open notebook.
 * @param line - The magic's line, without `%mlops`.
 * @param trans - The person's language.
 * @returns The beginning of the new snapshot's id.
 * @throws A `RequestError` that says why there is no snapshot.
 */
export async function takeSnapshot(
  panel: NotebookPanel,
  line: string,
  trans: TranslationBundle
): Promise<string> {
  const kernel = await kernelOf(panel, trans);
  await panel.context.save();
  const said = await execute(kernel, `%mlops ${line}`, trans);
  if (said.error !== null) {
    throw failure(
      said.error,
      trans.__('Look into the notebook; nothing of it was changed.')
    );
  }
  if (/Line magic function `%mlops` not found/.test(said.text)) {
    throw failure(
      trans.__('This kernel does not know %mlops.'),
      trans.__(
        'Restart it, so that it is watched from the start; or put %load_ext py_mlops into the first cell and run all cells.'
      )
    );
  }
  return answerOf(said.text, trans);
}

/** The head of a page that tells of a snapshot: its name, and its id's beginning. */
const TAKEN = /^\s*\S+\s+([0-9a-f]{12})\b/;

/** The head of a page that tells of an error. */
const NOT_DONE = /^\s*mlops\s+not done\s*$/m;

/** Returns the beginning of the new snapshot's id, out of what the magic showed. */
function answerOf(text: string, trans: TranslationBundle): string {
  const taken = TAKEN.exec(text)?.[1];
  if (taken !== undefined) {
    return taken;
  }
  const reason = text.replace(NOT_DONE, '').trim();
  throw failure(
    reason || trans.__('The kernel said nothing about the snapshot.'),
    trans.__('Nothing was recorded, and nothing of the notebook was changed.')
  );
}

/**
 * Return the kernel of a notebook, once it is there.
 *
 * @throws A `RequestError` when no snapshot can be taken of it.
 */
export async function kernelOf(
  panel: NotebookPanel,
  trans: TranslationBundle
): Promise<Kernel.IKernelConnection> {
  const { sessionContext } = panel;
  // It is never ready where a person chose to have none.
  await Promise.race([
    sessionContext.ready,
    new Promise(done => setTimeout(done, PATIENCE))
  ]);
  if (!sessionContext.hasNoKernel) {
    await sessionContext.ready;
  }
  const kernel = sessionContext.session?.kernel;
  if (!kernel) {
    throw failure(
      trans.__('The notebook has no kernel.'),
      trans.__('Start one, and run its cells.')
    );
  }
  const { language_info: language } = await kernel.info;
  if (language.name !== 'python') {
    throw failure(
      trans.__(
        'A snapshot cannot be taken of a kernel that speaks %1.',
        language.name
      ),
      trans.__('It is for Python; everything else in this panel works.')
    );
  }
  return kernel;
}

interface ISaid {
  text: string;
  error: string | null;
}

/** Executes code beside the cells: it counts as none of them. */
async function execute(
  kernel: Kernel.IKernelConnection,
  code: string,
  trans: TranslationBundle
): Promise<ISaid> {
  const said: ISaid = { text: '', error: null };
  const future = kernel.requestExecute({
    code,
    silent: true,
    store_history: false,
    allow_stdin: false
  });
  future.onIOPub = message => note(message, said);
  const died = new Promise<never>((_, reject) => {
    const onStatus = (_: unknown, status: Kernel.Status): void => {
      if (
        status === 'dead' ||
        status === 'autorestarting' ||
        status === 'restarting'
      ) {
        reject(ended(trans));
      }
    };
    kernel.statusChanged.connect(onStatus);
    const stop = (): void => {
      kernel.statusChanged.disconnect(onStatus);
    };
    future.done.then(stop, () => {
      stop();
      reject(ended(trans));
    });
  });
  const reply = await Promise.race([future.done, died]);
  if (reply.content.status === 'error') {
    said.error = `${reply.content.ename}: ${reply.content.evalue}`;
  }
  return said;
}

function note(message: KernelMessage.IIOPubMessage, said: ISaid): void {
  const content = message.content as {
    data?: Record<string, unknown>;
    text?: unknown;
  };
  const text = content.data?.['text/plain'];
  if (typeof text === 'string') {
    said.text = text; // a result takes the place of the progress before it
  } else if (typeof content.text === 'string') {
    said.text += content.text;
  }
}

function ended(trans: TranslationBundle): RequestError {
  return failure(
    trans.__('The kernel ended while the snapshot was taken.'),
    trans.__(
      'Nothing was recorded. Run the notebook again, then press Snapshot.'
    )
  );
}

function failure(message: string, hint: string): RequestError {
  return new RequestError({ code: 'snapshot', message, hint }, 0);
}
