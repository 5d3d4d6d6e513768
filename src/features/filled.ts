/**
 * Reads what a person filled in, and asks again, with their own words, when it cannot be meant.
 */
import type { TranslationBundle } from '@jupyterlab/translation';

import { RequestError } from '../api/client';

/** What a person wrote, by field. */
export type Words = Record<string, string>;

/** The name of a variable. */
export const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The longest that a cell may be given, in seconds. */
const LONGEST = 1e7;

/** A form that was filled in; what cannot be meant is thrown as a `RequestError`. */
export class Filled {
  /**
   * @param words - What the person wrote.
   * @param trans - Their language.
   */
  constructor(
    readonly words: Words,
    private readonly trans: TranslationBundle
  ) {}

  /** Return a field; empty when nothing is in it. */
  text(name: string): string {
    return this.words[name] ?? '';
  }

  /** Say whether a field is ticked. */
  ticked(name: string): boolean {
    return this.text(name) === 'yes';
  }

  /** Return a number between two others; null when nothing is in the field. */
  number(name: string, least: number, most: number): number | null {
    const word = this.text(name);
    if (word === '') {
      return null;
    }
    const value = Number(word);
    return value >= least && value <= most
      ? value
      : this.refuse(
          word,
          this.trans.__('Write a number, from %1 to %2.', least, most)
        );
  }

  /** Return how many seconds one cell may take; null for no limit. */
  seconds(name: string): number | null {
    return this.number(name, 0.001, LONGEST);
  }

  /** Return the words of a field, which stand apart by blanks or commas. */
  list(name: string, form: RegExp, hint: string): string[] {
    const found = this.text(name)
      .split(/[\s,]+/)
      .filter(Boolean);
    const strange = found.find(word => !form.test(word));
    return strange === undefined ? found : this.refuse(strange, hint);
  }

  /** Return the one word of a field; null when nothing is in it. */
  word(name: string, form: RegExp, hint: string): string | null {
    const word = this.text(name);
    return word === '' || form.test(word)
      ? word || null
      : this.refuse(word, hint);
  }

  /** Say what cannot be meant, and what can. */
  refuse(word: string, hint: string): never {
    const message = this.trans.__('“%1” cannot be meant.', word);
    throw new RequestError({ code: 'options', message, hint }, 0);
  }
}

/**
 * Ask until what is filled in can be meant, or the person has had enough.
 *
 * @param ask - Shows the form with these words in it; gives null when it was cancelled.
 * @param read - Makes something of what was filled in.
 * @param tell - Says what is wrong with it.
 * @param trans - The person's language.
 * @returns What was made of it; null when it was cancelled.
 */
export async function filledIn<T>(
  ask: (words: Words) => Promise<Words | null>,
  read: (filled: Filled) => T,
  tell: (error: RequestError) => Promise<void>,
  trans: TranslationBundle
): Promise<T | null> {
  let words: Words | null = {};
  while ((words = await ask(words)) !== null) {
    try {
      return read(new Filled(words, trans));
    } catch (error) {
      if (!(error instanceof RequestError)) {
        throw error;
      }
      await tell(error);
    }
  }
  return null;
}
