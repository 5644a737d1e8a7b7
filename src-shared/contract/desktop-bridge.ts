/**
 * @file What the preload puts into the window as `tunesmithDesktop`, and the channel over it. Absent in a browser.
 */
import type { Channel } from './client.ts';
import type { FromCore, ToCore } from './messages.ts';

export const BRIDGE_NAME = 'tunesmithDesktop';

export interface DesktopBridge {
  send(message: ToCore): void;
  /** Tells main that the window listens; it answers with `hello`. One receiver. */
  listen(take: (message: FromCore) => void): void;
  /**
   * Path of a file that was dropped on the window or chosen in it, which may be used from now on.
   * @param file a `File` of the browser
   */
  takeFile(file: unknown): Promise<string>;
}

/** Main mends what breaks behind this channel, so it never is broken itself. */
export function createBridgeChannel(bridge: DesktopBridge): Channel {
  return {
    send: (message) => bridge.send(message),
    listen: ({ take }) => bridge.listen(take),
    close: () => {},
  };
}
