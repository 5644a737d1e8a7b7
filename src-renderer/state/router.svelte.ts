/**
 * @file Where the person is; follows the browser's address and its Back button.
 */
import { fromHash, type Route, toHash } from './route.ts';

export class Router {
  route = $state.raw<Route>(fromHash(location.hash));
  /** Goes up when a place is entered anew though the person was there: its view begins from its start. */
  arrival = $state(0);

  constructor() {
    addEventListener('hashchange', () => (this.route = fromHash(location.hash)));
  }

  go(route: Route): void {
    location.hash = toHash(route);
  }

  /** Goes there, and where the person is there already, to its start: no trash, no search, no open panel. */
  enter(route: Route): void {
    const isSame = toHash(route) === toHash(this.route);
    // A draft that is left for the list of drafts saves itself first.
    if (isSame || (route.view === this.route.view && route.view !== 'new')) {
      this.route = route;
      this.arrival += 1;
    }
    this.go(route);
  }

  /** As `go`, but Back does not come here. */
  replace(route: Route): void {
    history.replaceState(null, '', toHash(route));
    this.route = route;
  }
}
