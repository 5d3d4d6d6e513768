/**
 * Asks a person for a few words.
 */
import { Dialog } from '@jupyterlab/apputils';
import { Widget } from '@lumino/widgets';

/** One word that is asked for. */
export interface IField {
  /** Its key in the answer. */
  name: string;
  /** What a person reads. */
  label: string;
  /** What stands there at first. */
  value: string;
  /** An example. */
  example?: string;
  /** Whether it is a box to tick; its word is then `yes` or empty. */
  choice?: boolean;
}

/**
 * The body of a dialog with a line for each word.
 */
export class Form
  extends Widget
  implements Dialog.IBodyWidget<Record<string, string>>
{
  /**
   * @param fields - What is asked for.
   * @param note - What is to be said about it.
   */
  constructor(fields: readonly IField[], note: string) {
    super();
    this.addClass('jp-mlops-Form');
    const text = document.createElement('p');
    text.textContent = note;
    this.node.append(text);
    for (const field of fields) {
      const input = inputFor(field);
      const label = document.createElement('label');
      label.append(
        ...(field.choice ? [input, field.label] : [field.label, input])
      );
      this.node.append(label);
      this._inputs.set(field.name, input);
    }
  }

  /** Return the words, by the fields' names. */
  getValue(): Record<string, string> {
    return Object.fromEntries(
      [...this._inputs].map(([name, input]) => [
        name,
        input.type !== 'checkbox'
          ? input.value.trim()
          : input.checked
            ? 'yes'
            : ''
      ])
    );
  }

  private readonly _inputs = new Map<string, HTMLInputElement>();
}

function inputFor(field: IField): HTMLInputElement {
  const input = document.createElement('input');
  input.className = 'jp-mod-styled';
  input.name = field.name;
  if (field.choice) {
    input.type = 'checkbox';
    input.checked = field.value !== '';
  } else {
    input.value = field.value;
    input.placeholder = field.example ?? '';
    input.maxLength = 1000;
    input.spellcheck = false;
  }
  return input;
}
