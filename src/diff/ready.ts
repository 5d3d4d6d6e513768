/**
 * Gets ready to compare notebooks before anybody asks for it; what draws them is most of our code.
 */
import type { Client } from '../api/client';

/** Load the code that draws a comparison; once. */
export const drawing = (): Promise<typeof import('./notebook')> =>
  import('./notebook');

/**
 * Have both sides load what they compare with; what goes wrong is told when one compares.
 *
 * @param client - Asks the server.
 */
export function expectComparison(client: Client): void {
  client.expectComparison().catch(() => undefined);
  drawing().catch(() => undefined);
}
