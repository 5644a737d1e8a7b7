/**
 * @file Which windows are there, seen from their connections: one that breaks may come back within a grace, and after it its windows have
 * left. Until a window calls nothing is known of it.
 */
export interface WindowWatch {
  connect(): Connection;
  /** Forgets what it waits for. */
  close(): void;
}

export interface Connection {
  /** A call of this window came over it. */
  carries(window: string): void;
  broke(): void;
}

/** @param onLeft told once, until the window calls again */
export function watchWindows(graceMs: number, onLeft: (window: string) => void): WindowWatch {
  /** The connection that last carried a call of the window. */
  const places = new Map<string, object>();
  const timers = new Set<NodeJS.Timeout>();

  function leave(window: string, connection: object): void {
    if (places.get(window) !== connection) return;
    places.delete(window);
    onLeft(window);
  }

  return {
    connect() {
      const carried = new Set<string>();
      const connection: Connection = {
        carries(window) {
          carried.add(window);
          places.set(window, connection);
        },
        broke() {
          const timer = setTimeout(() => {
            timers.delete(timer);
            for (const window of carried) leave(window, connection);
          }, graceMs);
          timers.add(timer.unref());
        },
      };
      return connection;
    },
    close() {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
