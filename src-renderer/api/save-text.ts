/**
 * @file Gives the person a small text as a file: by the system's dialog on the desktop, as a download in a browser.
 */
import type { Client } from '../../src-shared/contract/client.ts';

/** @returns where it was written; '' for a browser's download; null where the dialog was put away */
export async function saveText(client: Client, name: string, text: string): Promise<string | null> {
  const { host } = await client.ready;
  if (host === 'desktop') return client.call('desktop:saveText', { name, text });
  const address = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
  return '';
}
