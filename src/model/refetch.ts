/**
 * Asks again at most once at a time, however many events arrive meanwhile.
 */
export class Refetch {
  /**
   * @param work - Asks.
   */
  constructor(private readonly work: () => Promise<void>) {}

  /**
   * Ask now, or once more when what is under way has ended.
   *
   * @returns When an answer has arrived that was asked for after this call.
   */
  ask(): Promise<void> {
    if (this._running === null) {
      this._running = this.work().finally(() => {
        this._running = null;
      });
      return this._running;
    }
    this._following ??= this._running
      .catch(() => undefined)
      .then(() => {
        this._following = null;
        return this.ask();
      });
    return this._following;
  }

  private _running: Promise<void> | null = null;
  private _following: Promise<void> | null = null;
}
