/**
 * Two notebooks side by side, drawn by nbdime; loaded when a comparison is first shown.
 */
import 'nbdime/lib/styles/variables.css';
import 'nbdime/lib/styles/common.css';
import 'nbdime/lib/styles/diff.css';

import type { INotebookContent } from '@jupyterlab/nbformat';
import {
  RenderMimeRegistry,
  standardRendererFactories
} from '@jupyterlab/rendermime';
import { Widget } from '@lumino/widgets';
import type { IDiffEntry } from 'nbdime/lib/diff/diffentries';
import { NotebookDiffModel } from 'nbdime/lib/diff/model';
import { NotebookDiffWidget } from 'nbdime/lib/diff/widget';

import type { NotebookComparison } from '../api/records';

/** MIME types whose renderers run code; their outputs are shown as text. */
const RUNS_CODE = ['application/javascript', 'text/javascript'];

/**
 * Draw the changed cells of two notebooks into an element.
 *
 * #### Notes
 * What records hold is untrusted: HTML is sanitised, and nothing that runs code
 * has a renderer.
 *
 * @param host - An element that is on the page.
 * @param compared - What the server found.
 * @param most - How many cells are drawn at most.
 * @param signal - Aborted when it is to be taken away again.
 * @param names - What a screen reader calls editors and nameless buttons.
 * @returns How many cells are not drawn.
 */
export async function drawDiff(
  host: HTMLElement,
  compared: NotebookComparison,
  most: number,
  signal: AbortSignal,
  names: { cell: string; more: string }
): Promise<number> {
  const model = new NotebookDiffModel(
    compared.base as unknown as INotebookContent,
    ofNotebook(compared.diff as unknown as IDiffEntry[])
  );
  model.metadata = null;
  const chunks = model.chunkedCells.filter(
    chunk =>
      compared.whole ||
      chunk.some(cell => cell.added || cell.deleted || !cell.unchanged)
  );
  let left = most;
  model.chunkedCells = chunks
    .map(chunk => {
      const part = chunk.slice(0, Math.max(0, left));
      left -= part.length;
      return part;
    })
    .filter(part => part.length > 0);
  const rendermime = new RenderMimeRegistry({
    initialFactories: standardRendererFactories.filter(
      factory => !factory.mimeTypes.some(type => RUNS_CODE.includes(type))
    )
  });
  const widget = new NotebookDiffWidget({
    model,
    rendermime,
    collapseIdentical: true
  });
  widget.addClass('jp-mlops-Diff');
  widget.addClass('nbdime-root');
  Widget.attach(widget, host);
  signal.addEventListener('abort', () => {
    widget.dispose();
  });
  await widget.init();
  if (!signal.aborted) {
    label(widget.node, names);
  }
  return Math.max(0, chunks.flat().length - most);
}

/** Returns a diff of the whole notebook, where the server tells that of its cells. */
function ofNotebook(diff: IDiffEntry[]): IDiffEntry[] {
  return diff.some(entry => typeof entry.key === 'number')
    ? [{ op: 'patch', key: 'cells', diff }]
    : diff;
}

/** Names what nbdime leaves nameless. */
function label(node: HTMLElement, names: { cell: string; more: string }): void {
  for (const editor of node.querySelectorAll('.cm-content')) {
    editor.setAttribute('aria-label', names.cell);
    editor.closest('.cm-scroller')?.setAttribute('tabindex', '0');
  }
  for (const button of node.querySelectorAll(
    'button, .jp-CollapsiblePanel-header-icon'
  )) {
    if (!button.textContent.trim() && !button.hasAttribute('aria-label')) {
      button.setAttribute('aria-label', names.more);
    }
  }
}
