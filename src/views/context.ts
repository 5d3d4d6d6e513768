/**
 * What every view is given: the model, the commands, the language; and how it hears of changes.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import type { ISignal } from '@lumino/signaling';
import * as React from 'react';

import { asProblem, RequestError } from '../api/client';
import type { Problem } from '../api/records';
import type { Model } from '../model/model';

/** What every view is given. */
export interface IContext {
  /** What is known. */
  model: Model;
  /** What can be done. */
  commands: CommandRegistry;
  /** The language. */
  trans: TranslationBundle;
}

const Context = React.createContext<IContext | null>(null);

/** Gives views what they need. */
export const Provider = Context.Provider;

/** Return what every view is given. */
export function usePanel(): IContext {
  const context = React.useContext(Context);
  if (context === null) {
    throw new Error('A view stands outside its provider.');
  }
  return context;
}

/** Render again whenever a signal is emitted. */
export function useSignal<S, A>(signal: ISignal<S, A>): void {
  const [, again] = React.useReducer((count: number) => count + 1, 0);
  React.useEffect(() => {
    signal.connect(again);
    again();
    return () => {
      signal.disconnect(again);
    };
  }, [signal]);
}

/** What was asked for: not there yet, there, or refused. */
export interface ILoaded<T> {
  /** The newest answer. */
  value: T | null;
  /** Why there is no newer one. */
  problem: Problem | null;
}

/** How soon it is asked again after a failure that may pass, and how late, in milliseconds. */
const SOON = 2_000;
const LATE = 30_000;

/**
 * Ask for something, and again whenever the store changes or a failure may have
 * passed; an older answer stays visible until the newer one is there.
 *
 * @param load - Asks.
 * @param what - What it asks for: when this differs, what was shown goes.
 */
export function useLoaded<T>(
  load: () => Promise<T>,
  what: readonly string[]
): ILoaded<T> {
  const { model } = usePanel();
  const [loaded, setLoaded] = React.useState<ILoaded<T>>(NOTHING);
  React.useEffect(() => {
    let round = 0;
    let pause = SOON;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = (): void => {
      const mine = ++round;
      clearTimeout(timer);
      load().then(
        value => {
          if (mine === round) {
            pause = SOON;
            setLoaded({ value, problem: null });
          }
        },
        (error: unknown) => {
          if (mine === round) {
            setLoaded(old => ({ ...old, problem: asProblem(error) }));
            if (error instanceof RequestError && error.passing) {
              timer = setTimeout(ask, pause);
              pause = Math.min(2 * pause, LATE);
            }
          }
        }
      );
    };
    setLoaded(NOTHING);
    ask();
    model.storeChanged.connect(ask);
    return () => {
      round = -1;
      clearTimeout(timer);
      model.storeChanged.disconnect(ask);
    };
  }, [model, ...what]);
  return loaded;
}

const NOTHING = { value: null, problem: null };

/**
 * Return a reference and the width of the element it is given to, in pixels.
 */
export function useWidth(): [React.RefObject<HTMLDivElement>, number] {
  const reference = React.useRef<HTMLDivElement>(null);
  const [width, setWidth] = React.useState(0);
  React.useEffect(() => {
    const element = reference.current;
    if (!element) {
      return;
    }
    const observer = new ResizeObserver(entries => {
      const [entry] = entries;
      if (entry) {
        setWidth(Math.floor(entry.contentRect.width));
      }
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, []);
  return [reference, width];
}
