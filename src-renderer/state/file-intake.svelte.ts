/**
 * @file How files and folders of the person's come in: by dropping, by a dialog of the system, by upload in a browser.
 */
import type { Connection } from '../api/connection.ts';

export class FileIntake {
  /** Name of the file that is on its way. */
  taking = $state<string | null>(null);
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** @returns paths that core may read, in the order of the files. @throws AppError */
  async take(files: readonly File[]): Promise<string[]> {
    const paths: string[] = [];
    try {
      for (const file of files) {
        this.taking = file.name;
        paths.push(await this.#connection.takeFile(file));
      }
    } finally {
      this.taking = null;
    }
    return paths;
  }

  /** The system's dialog; only on the desktop. */
  pickOnDesktop(): Promise<readonly string[]> {
    return this.#connection.client.call('desktop:pickFiles', {});
  }
}
